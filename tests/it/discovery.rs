//! Discovery and keys: all that is advertised is true, and nothing else is.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use siths_idp::keys::SigningAlg;
use siths_idp::oidc::client_metadata::{GrantType, RefreshTokens};
use siths_idp::oidc::scope::Scope;

use crate::harness::{Answer, Authorize, TestIdp};

const DISCOVERY: &str = "/.well-known/openid-configuration";

async fn get(idp: &TestIdp, path: &str) -> Answer {
    Answer::of(idp.http().get(idp.at(path)).send().await.unwrap()).await
}

#[tokio::test]
async fn exactly_this_is_advertised() {
    let idp = TestIdp::start().await;
    let answer = get(&idp, DISCOVERY).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    let issuer = idp.config.issuer_identifier();
    let encryption_algs =
        ["RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"];
    let encryption_encs = ["A128GCM", "A256GCM", "A128CBC-HS256", "A256CBC-HS512"];
    let signing = ["ES256", "ES384", "PS256", "RS256", "EdDSA"];
    let client_signing =
        ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];
    let methods = [
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt",
        "tls_client_auth",
        "self_signed_tls_client_auth",
        "none",
    ];
    let expected = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/jwks"),
        "scopes_supported": [
            "openid", "profile", "employeeHsaId", "systemRole",
            "https://id.oidc.se/scope/naturalPersonInfo", "offline_access",
        ],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post", "query.jwt", "form_post.jwt", "jwt"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "acr_values_supported": ["http://id.sambi.se/loa/loa2", "http://id.sambi.se/loa/loa3"],
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": signing,
        "id_token_encryption_alg_values_supported": encryption_algs,
        "id_token_encryption_enc_values_supported": encryption_encs,
        "userinfo_signing_alg_values_supported": signing,
        "userinfo_encryption_alg_values_supported": encryption_algs,
        "userinfo_encryption_enc_values_supported": encryption_encs,
        "request_object_signing_alg_values_supported": client_signing,
        "request_object_encryption_alg_values_supported": encryption_algs,
        "request_object_encryption_enc_values_supported": encryption_encs,
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": client_signing,
        "claim_types_supported": ["normal"],
        "claims_supported": [
            "sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid",
            "allEmployeeHsaIds", "credentialEmployeeHsaId", "employeeHsaId", "family_name", "given_name",
            "http://sambi.se/attributes/1/employeeHsaId", "http://sambi.se/attributes/1/systemRole",
            "https://id.oidc.se/claim/credentialValidTo", "name", "systemRole",
        ],
        "ui_locales_supported": ["sv", "en"],
        "claims_parameter_supported": true,
        "request_parameter_supported": true,
        "request_uri_parameter_supported": false,
        "revocation_endpoint": format!("{issuer}/revoke"),
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": client_signing,
        "introspection_endpoint": format!("{issuer}/introspect"),
        "introspection_endpoint_auth_methods_supported": methods[..5],
        "introspection_endpoint_auth_signing_alg_values_supported": client_signing,
        "code_challenge_methods_supported": ["S256"],
        "introspection_signing_alg_values_supported": signing,
        "authorization_response_iss_parameter_supported": true,
        "pushed_authorization_request_endpoint": format!("{issuer}/par"),
        "require_pushed_authorization_requests": false,
        "require_signed_request_object": false,
        "authorization_signing_alg_values_supported": signing,
        "dpop_signing_alg_values_supported": client_signing,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "tls_client_certificate_bound_access_tokens": true,
        "mtls_endpoint_aliases": {
            "token_endpoint": idp.at_mtls("/token"),
            "userinfo_endpoint": idp.at_mtls("/userinfo"),
            "pushed_authorization_request_endpoint": idp.at_mtls("/par"),
            "revocation_endpoint": idp.at_mtls("/revoke"),
            "introspection_endpoint": idp.at_mtls("/introspect"),
        },
        "end_session_endpoint": format!("{issuer}/logout"),
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "frontchannel_logout_supported": true,
        "frontchannel_logout_session_supported": true,
    });
    // Algorithms, methods, audiences and prompts are tried one by one where they belong.
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn every_endpoint_that_is_advertised_answers() {
    let idp = TestIdp::start().await;
    let metadata = get(&idp, DISCOVERY).await.json();
    for (name, status) in [
        ("authorization_endpoint", 400),
        ("token_endpoint", 405),
        ("pushed_authorization_request_endpoint", 405),
        ("revocation_endpoint", 405),
        ("introspection_endpoint", 405),
        ("userinfo_endpoint", 401),
        ("jwks_uri", 200),
        ("end_session_endpoint", 200),
    ] {
        let url = metadata[name].as_str().unwrap();
        let answer = idp.http().get(url).send().await.unwrap();
        assert_eq!(answer.status(), status, "{name}");
    }
}

#[tokio::test]
async fn every_scope_is_granted_and_every_claim_is_told() {
    let idp = TestIdp::start().await;
    let metadata = get(&idp, DISCOVERY).await.json();
    let list =
        |name: &str| -> Vec<String> { serde_json::from_value(metadata[name].clone()).unwrap() };
    let scope = list("scopes_supported").join(" ");
    let mut told = BTreeSet::new();
    for profile in ["standard", "inera", "oidc-se"] {
        idp.register(|client| {
            client.scopes = Scope::ALL.into();
            client.metadata.claim_profile = Some(profile.to_owned());
            client.metadata.grant_types =
                [GrantType::AuthorizationCode, GrantType::RefreshToken].into();
            client.metadata.refresh_tokens = RefreshTokens::Offline;
        })
        .await;
        let code =
            idp.code(&mut idp.browser("clinician"), &idp.authorize().set("scope", &scope)).await;
        crate::claims::ask_for(&idp, &list("claims_supported")).await;
        let tokens = idp.tokens(&idp.token_request(&code)).await;
        assert_eq!(tokens["scope"], *scope);
        let claims = crate::token::claims(tokens["id_token"].as_str().unwrap());
        told.extend(claims.as_object().unwrap().keys().cloned());
    }
    // A hash of the token beside it, and no claim about anybody.
    told.remove("at_hash");
    assert_eq!(told, list("claims_supported").into_iter().collect());
    idp.register(|_| {}).await;
    for acr in list("acr_values_supported") {
        let person = if acr.ends_with("loa2") { "reserve-card" } else { "clinician" };
        let asked: Authorize = idp.authorize().set("acr_values", &acr);
        idp.code(&mut idp.browser(person), &asked).await;
    }
}

#[tokio::test]
async fn published_keys_are_public() {
    let idp = TestIdp::start().await;
    let answer = get(&idp, "/jwks").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
    let jwks = answer.json();
    let keys = jwks["keys"].as_array().unwrap();
    let members =
        |key: &Value| -> BTreeSet<String> { key.as_object().unwrap().keys().cloned().collect() };
    let mut algorithms = BTreeSet::new();
    let mut for_encryption = BTreeSet::new();
    for key in keys {
        let kty = key["kty"].as_str().unwrap();
        let mut expected = match kty {
            "EC" => vec!["kid", "kty", "use", "crv", "x", "y"],
            "RSA" => vec!["kid", "kty", "use", "e", "n"],
            "OKP" => vec!["kid", "kty", "use", "crv", "x"],
            other => panic!("{other}"),
        };
        match key["use"].as_str().unwrap() {
            "sig" => {
                expected.push("alg");
                algorithms.insert(key["alg"].as_str().unwrap().to_owned());
            }
            // A key for encryption is for every algorithm of its kind.
            "enc" => assert!(for_encryption.insert(kty)),
            other => panic!("{other}"),
        }
        assert_eq!(members(key), expected.into_iter().map(str::to_owned).collect());
    }
    assert_eq!(algorithms, ["ES256", "ES384", "EdDSA", "PS256", "RS256"].map(str::to_owned).into());
    assert_eq!(for_encryption, ["EC", "RSA"].into());
    assert!(keys.iter().all(|key| key["kid"].as_str().is_some_and(|kid| kid.len() >= 8)));
}

/// RFC 8414 §3: the same document at the address where OAuth clients look.
#[tokio::test]
async fn both_addresses_of_the_metadata_tell_the_same() {
    let idp = TestIdp::start().await;
    let openid = get(&idp, DISCOVERY).await;
    let oauth = get(&idp, "/.well-known/oauth-authorization-server").await;
    assert_eq!((oauth.status, &oauth.body), (200, &openid.body));
    assert_eq!(oauth.header("content-type"), "application/json");
}

/// RFC 9110 §13.1.2 and §15.4.5.
#[tokio::test]
async fn whoever_has_a_document_already_is_not_sent_it_again() {
    let idp = TestIdp::start().await;
    for path in [DISCOVERY, "/.well-known/oauth-authorization-server", "/jwks"] {
        let first = get(&idp, path).await;
        let tag = first.header("etag").to_owned();
        assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 20, "{path}: {tag}");
        let again = |known: String| {
            let request = idp.http().get(idp.at(path)).header("if-none-match", known);
            async { Answer::of(request.send().await.unwrap()).await }
        };
        let listed = [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()];
        for known in listed {
            let answer = again(known.clone()).await;
            assert_eq!((answer.status, answer.body.as_str()), (304, ""), "{path} {known}");
            assert_eq!(answer.header("etag"), tag, "{path} {known}");
            assert_eq!(answer.header("cache-control"), "public, max-age=300", "{path} {known}");
        }
        for other in ["\"other\"".to_owned(), tag.replace('"', ""), String::new()] {
            let answer = again(other.clone()).await;
            assert_eq!((answer.status, &answer.body), (200, &first.body), "{path} {other}");
        }
    }
}

/// Another node, or the same after a restart, names the same document by the same tag.
#[tokio::test]
async fn every_node_names_a_document_the_same() {
    let idp = TestIdp::start().await;
    let (_other, address) = idp.another_node().await;
    for path in [DISCOVERY, "/jwks"] {
        let there = idp.http().get(address.join(path).unwrap()).send().await.unwrap();
        let there = Answer::of(there).await;
        assert_eq!(there.header("etag"), get(&idp, path).await.header("etag"), "{path}");
    }
}

/// What no key is active for now is offered to nobody.
#[tokio::test]
async fn algorithms_are_those_of_the_keys_that_are_there() {
    let idp = TestIdp::start().await;
    // Past the moment that the database calls now.
    idp.advance(1800);
    idp.sql("update signing_keys set retire_at = now(), withdraw_at = now() where alg in ('ES384', 'RSA-OAEP')")
        .await;
    idp.until(|app| {
        app.registry.load().keyring.at(idp.clock.now()).signing(SigningAlg::Es384).is_none()
    })
    .await;
    let told = get(&idp, DISCOVERY).await.json();
    for member in ["id_token", "userinfo", "authorization", "introspection"] {
        let member = format!("{member}_signing_alg_values_supported");
        assert_eq!(told[&member], json!(["ES256", "PS256", "RS256", "EdDSA"]), "{member}");
    }
    let algs = &told["request_object_encryption_alg_values_supported"];
    assert_eq!(algs, &json!(["ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"]));
}
