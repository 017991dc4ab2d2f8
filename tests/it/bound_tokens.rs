//! Access tokens that are bound to the certificate of a connection (RFC 8705 §3).

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use serde_json::Value;

use crate::harness::mtls::{copy, self_signed, thumbprint};
use crate::harness::{Answer, TestIdp};

/// The claims of a JWT, unverified.
fn claims(token: &str) -> Value {
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

/// `demo-symfoni` with its secret, and its tokens bound.
async fn bound(idp: &TestIdp) {
    idp.register(|client| client.metadata.tls_client_certificate_bound_access_tokens = true).await;
}

async fn a_code(idp: &TestIdp) -> String {
    idp.code(&mut idp.browser("clinician"), &idp.authorize()).await
}

/// RFC 8705 §3.1: `cnf` holds the hash of the certificate, whatever authenticates the client and
/// whoever issued the certificate.
#[tokio::test]
async fn a_token_is_bound_to_the_certificate_of_the_connection_it_was_fetched_on() {
    let idp = TestIdp::start().await;
    bound(&idp).await;
    let now = idp.clock.now();
    let own = self_signed(now - TimeDelta::days(1), now + TimeDelta::days(1));
    let request = idp.token_request(&a_code(&idp).await);
    let answer = idp.token_by_mtls(&request, Some(copy(&own))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    // RFC 8705 §3: the token type is still Bearer.
    assert_eq!(answer.json()["token_type"], "Bearer");
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let cnf = serde_json::json!({ "x5t#S256": thumbprint(&own) });
    assert_eq!(claims(&token)["cnf"], cnf);
    assert!(claims(answer.json()["id_token"].as_str().unwrap()).get("cnf").is_none());

    // RFC 8705 §3: the same certificate, or 401 and invalid_token.
    assert_eq!(idp.user_info_by_mtls(&token, Some(copy(&own))).await.status, 200);
    let refused = |answer: Answer, code: &str| {
        assert_eq!(answer.status, 401, "{}", answer.body);
        assert_eq!(answer.json()["error_code"], code);
        let challenge = answer.header("www-authenticate");
        assert!(challenge.contains(r#"error="invalid_token""#), "{challenge}");
    };
    refused(idp.user_info_by_mtls(&token, None).await, "token_certificate_missing");
    refused(idp.user_info(&token).await, "token_certificate_missing");
    let system = idp.system(Some(copy(&own)));
    let at_issuer = system.get(idp.at("/userinfo")).bearer_auth(&token).send().await.unwrap();
    refused(Answer::of(at_issuer).await, "token_certificate_missing");
    let function = Some(idp.card("function"));
    refused(idp.user_info_by_mtls(&token, function).await, "token_certificate_mismatch");
    // In a form as in the header.
    let form = [("access_token", token.as_str())];
    let posted = idp.http().post(idp.at("/userinfo")).form(&form).send().await.unwrap();
    refused(Answer::of(posted).await, "token_certificate_missing");
    // RFC 8705 §6.3: no dates are looked at here; the token's own are.
    idp.advance(301);
    let late = idp.user_info_by_mtls(&token, Some(own)).await;
    assert_eq!(late.json()["error_code"], "token_expired");
}

/// RFC 8705 §3.4: what was registered is not given unbound; the code is not spent.
#[tokio::test]
async fn a_client_whose_tokens_are_bound_gets_none_without_a_certificate() {
    let idp = TestIdp::start().await;
    bound(&idp).await;
    let request = idp.token_request(&a_code(&idp).await);
    let answer = idp.token_answer(&request).await;
    assert_eq!(answer.problem(idp.issuer()), "client_certificate_required");
    let answer = idp.token_by_mtls(&request, None).await;
    assert_eq!(answer.problem(idp.issuer()), "client_certificate_required");
    let answer = idp.token_by_mtls(&request, Some(idp.card("function"))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn a_client_that_is_not_registered_so_gets_bearer_tokens_with_any_certificate() {
    let idp = TestIdp::start().await;
    let request = idp.token_request(&a_code(&idp).await);
    let answer = idp.token_by_mtls(&request, Some(idp.card("function"))).await;
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert!(claims(&token).get("cnf").is_none());
    assert_eq!(idp.user_info(&token).await.status, 200);
    assert_eq!(idp.user_info_by_mtls(&token, Some(idp.card("clinician"))).await.status, 200);
}

/// RFC 8705 §3.3, §5: the discovery document tells where certificates are shown, if they are.
#[tokio::test]
async fn discovery_tells_where_certificates_are_shown() {
    let document = async |idp: &TestIdp| -> Value {
        let url = idp.at("/.well-known/openid-configuration");
        idp.http().get(url).send().await.unwrap().json().await.unwrap()
    };
    let idp = TestIdp::start().await;
    let on = document(&idp).await;
    assert_eq!(on["tls_client_certificate_bound_access_tokens"], true);
    let aliases = on["mtls_endpoint_aliases"].as_object().unwrap();
    for (name, alias) in aliases {
        let own = on[name].as_str().unwrap_or_else(|| panic!("{name} is no endpoint"));
        let alias = alias.as_str().unwrap();
        assert_eq!(alias, own.replace("https://idp.localhost", "https://mtls.idp.localhost"));
    }
    assert_eq!(aliases["token_endpoint"], idp.at_mtls("/token").as_str());
    assert_eq!(aliases["userinfo_endpoint"], idp.at_mtls("/userinfo").as_str());
    // Every endpoint that clients call, none that browsers are sent to, and each answers there.
    let for_browsers = ["authorization_endpoint", "end_session_endpoint"];
    let called: BTreeSet<&String> = on
        .as_object()
        .unwrap()
        .keys()
        .filter(|name| name.ends_with("_endpoint") && !for_browsers.contains(&name.as_str()))
        .collect();
    assert_eq!(aliases.keys().collect::<BTreeSet<_>>(), called);
    for alias in aliases.values() {
        let answer = idp.system(None).post(alias.as_str().unwrap()).send().await.unwrap();
        assert!(![404, 405, 421].contains(&answer.status().as_u16()), "{alias}: {answer:?}");
    }
    let methods = on["token_endpoint_auth_methods_supported"].as_array().unwrap();
    for method in ["tls_client_auth", "self_signed_tls_client_auth"] {
        assert!(methods.contains(&method.into()), "{methods:?}");
    }

    let idp = TestIdp::start_with(|config| config.mtls.hosts.clear()).await;
    let off = document(&idp).await;
    for name in ["tls_client_certificate_bound_access_tokens", "mtls_endpoint_aliases"] {
        assert!(off.get(name).is_none(), "{off}");
    }
    let methods = off["token_endpoint_auth_methods_supported"].to_string();
    assert!(!methods.contains("tls_client_auth"), "{methods}");
}
