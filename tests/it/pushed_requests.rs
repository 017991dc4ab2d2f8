//! Pushed authorization requests (RFC 9126): who may push, what is checked then, and that each leads to one
//! login of its client.

use std::num::NonZeroU32;

use jsonwebtoken::Algorithm;
use serde_json::json;
use siths_idp::dev::seed::CLIENT_ID;
use siths_idp::keys::Purpose;
use siths_idp::oidc::client::{ClientAuthentication, SignOn};
use siths_idp::oidc::request_uri::RequestUriHash;
use siths_idp::secret::sha256;
use siths_idp::store::{housekeeping, pushed_requests};

use crate::harness::answer::{told_by_page, told_by_redirect};
use crate::harness::assertion::{ASSERTION_TYPE, Assertion, p256, stranger};
use crate::harness::request_object::RequestObject;
use crate::harness::{Answer, Authorize, CLIENT_SECRET, REDIRECT_URI, TestIdp};

const BEGINNING: &str = "urn:ietf:params:oauth:request_uri:";

/// The code of a push that is refused.
async fn refused(idp: &TestIdp, request: &Authorize) -> String {
    let answer = idp.push(request).await;
    assert_ne!(answer.status, 201, "{}", answer.body);
    answer.problem(idp.issuer())
}

/// The code that the client is told by redirect.
async fn told(idp: &TestIdp, request: &Authorize) -> String {
    let answer = idp.browser_with(None).get(&request.url()).await.unwrap();
    told_by_redirect(&answer, REDIRECT_URI, idp.issuer())
}

/// The code of the page that a person is shown.
async fn shown(idp: &TestIdp, request: &Authorize) -> String {
    told_by_page(&idp.browser_with(None).get(&request.url()).await.unwrap())
}

/// RFC 9126 §2.2.
#[tokio::test]
async fn a_request_that_is_pushed_is_answered_by_a_reference() {
    let idp = TestIdp::start().await;
    let answer = idp.push(&idp.authorize()).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "no-store");
    let json = answer.json();
    assert_eq!(json.as_object().unwrap().len(), 2);
    assert_eq!(json["expires_in"], 60);
    let uri = json["request_uri"].as_str().unwrap();
    let secret = uri.strip_prefix(BEGINNING).unwrap();
    assert_eq!(secret.len(), 43);
    // Neither the reference nor what was pushed lies there to be read.
    for (name, rows) in idp.tables().await {
        for row in rows {
            for secret in [secret, "a-nonce", "a-state", CLIENT_SECRET] {
                assert!(!row.contains(secret), "{name} holds {secret}");
            }
        }
    }
}

/// RFC 9126 §4: the browser brings `client_id` and `request_uri`; nothing else is read.
#[tokio::test]
async fn a_person_logs_in_by_what_was_pushed_and_by_nothing_else() {
    let idp = TestIdp::start().await;
    let pushed = idp.pushed(&idp.authorize()).await;
    let request = pushed
        .set("state", "of-the-browser")
        .set("redirect_uri", "https://evil.example/")
        .set("scope", "nonsense")
        .set("prompt", "none")
        .add("nonce", "x")
        .add("nonce", "y");
    let walk = idp.walk(&mut idp.browser("clinician"), &request.url()).await;
    let told = walk.parameters();
    assert_eq!(told["state"], "a-state");
    let tokens = idp.tokens(&idp.token_request(&told["code"])).await;
    let claims = crate::token::claims(tokens["id_token"].as_str().unwrap());
    assert_eq!(claims["nonce"], "a-nonce");
    assert_eq!(tokens["scope"], "openid profile employeeHsaId systemRole");
}

/// RFC 9126 §2.1: "validate as it would an authorization request"; §2.3: told in JSON.
#[tokio::test]
async fn what_the_authorization_endpoint_would_refuse_is_refused_at_once() {
    let idp = TestIdp::start().await;
    let good = || idp.authorize();
    let long = "x".repeat(8 * 1024);
    for (request, code) in [
        (good().without("redirect_uri"), "redirect_uri_missing"),
        (good().set("redirect_uri", "https://rp.localhost/other"), "redirect_uri_unregistered"),
        (good().without("response_type"), "response_type_missing"),
        (good().set("response_type", "token"), "response_type_unsupported"),
        (good().set("response_mode", "fragment"), "response_mode_unsupported"),
        (good().without("scope"), "scope_openid_missing"),
        (good().without("code_challenge"), "pkce_missing"),
        (good().set("code_challenge_method", "plain"), "pkce_plain"),
        (good().set("prompt", "none login"), "prompt_invalid"),
        (good().set("max_age", "x"), "max_age_invalid"),
        (good().set("registration", "{}"), "registration_unsupported"),
        (good().add("state", "a-state"), "parameter_repeated"),
        (good().add("scope", "openid"), "parameter_repeated"),
        (good().set("nonce", "a\u{0}b"), "request_malformed"),
        (good().set("nonce", &long), "request_too_long"),
        // RFC 9126 §2.1: "MUST NOT" be in it.
        (good().set("request_uri", &format!("{BEGINNING}x")), "request_uri_pushed"),
        (good().set("request_uri", "https://rp.localhost/object.jwt"), "request_uri_pushed"),
        (good().set("request", "x.y.z"), "request_object_unsupported"),
    ] {
        assert_eq!(refused(&idp, &request).await, code, "{}", request.url());
    }
    assert_eq!(idp.count("select count(*) from pushed_requests").await, 0);
}

/// What is kept is the request, and nothing that proves the client.
#[tokio::test]
async fn credentials_are_not_kept_even_sealed() {
    let idp = TestIdp::start().await;
    idp.register(|client| {
        let hash = sha256(CLIENT_SECRET.as_bytes());
        client.authentication = ClientAuthentication::SecretPost { hash };
    })
    .await;
    let request = idp.authorize().set("client_secret", CLIENT_SECRET);
    let answer = idp.push_by(&request, None).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let hash = sha256(answer.json()["request_uri"].as_str().unwrap().as_bytes());
    let kept = pushed_requests::by_hash(idp.pool(), RequestUriHash(hash)).await.unwrap().unwrap();
    let sealer = &idp.node.app.sealer;
    let plain = sealer.open(Purpose::PushedRequest, &hash, &kept.sealed).unwrap();
    let plain = String::from_utf8(plain.to_vec()).unwrap();
    assert!(plain.contains("nonce=a-nonce"), "{plain}");
    assert!(!plain.contains(CLIENT_SECRET) && !plain.contains("client_secret"), "{plain}");
}

/// RFC 9126 §2.1: the client authenticates as at the token endpoint.
#[tokio::test]
async fn nobody_pushes_without_proof() {
    let idp = TestIdp::start().await;
    let request = idp.authorize();
    for (basic, code) in [
        (None, "client_authentication_missing"),
        (Some((CLIENT_ID, "wrong")), "client_secret_wrong"),
        (Some(("nobody", CLIENT_SECRET)), "client_not_registered"),
    ] {
        let request = match basic {
            Some(("nobody", _)) => request.clone().set("client_id", "nobody"),
            _ => request.clone(),
        };
        let answer = idp.push_by(&request, basic).await;
        assert_eq!(answer.problem(idp.issuer()), code);
    }
    // For another client than the one that proves itself.
    let for_another = idp.authorize().set("client_id", "another");
    assert_eq!(refused(&idp, &for_another).await, "client_authentication_malformed");
    // Proof comes first: strangers are told nothing of the request.
    let answer = idp.push_by(&request.set("scope", ""), None).await;
    assert_eq!(answer.problem(idp.issuer()), "client_authentication_missing");
}

/// RFC 9126 §2: the issuer, the token endpoint or this endpoint as the audience of an assertion, which is
/// used once.
#[tokio::test]
async fn an_assertion_proves_one_push() {
    let idp = TestIdp::start().await;
    idp.register(|client| p256().register(client)).await;
    let issuer = idp.config.issuer_identifier().to_owned();
    let by = |assertion: &Assertion| {
        let jwt = assertion.sign(Algorithm::ES256, &p256().signing);
        idp.authorize().set("client_assertion_type", ASSERTION_TYPE).set("client_assertion", &jwt)
    };
    let mut last = None;
    for audience in [issuer.clone(), format!("{issuer}/token"), format!("{issuer}/par")] {
        let request = by(&Assertion::new(CLIENT_ID, &audience, idp.clock.now()));
        let answer = idp.push_by(&request, None).await;
        assert_eq!(answer.status, 201, "{audience}: {}", answer.body);
        last = Some(request);
    }
    let answer = idp.push_by(&last.unwrap(), None).await;
    assert_eq!(answer.problem(idp.issuer()), "assertion_replayed");
    let request = by(&Assertion::new(CLIENT_ID, "https://other.example", idp.clock.now()));
    let answer = idp.push_by(&request, None).await;
    assert_eq!(answer.problem(idp.issuer()), "assertion_audience_wrong");
    assert_eq!(idp.count("select count(*) from pushed_requests").await, 3);
}

/// RFC 9126 §3: a request object is pushed as it would be sent.
#[tokio::test]
async fn a_request_object_is_pushed_once() {
    let idp = TestIdp::start().await;
    idp.register(|client| client.jwks = Some(json!({ "keys": [p256().jwk] }))).await;
    let by = |jwt: &str| idp.authorize().only(&["client_id"]).set("request", jwt);
    let jwt = RequestObject::of(&idp, &idp.authorize()).sign(p256());
    let pushed = idp.pushed(&by(&jwt)).await;
    assert_eq!(refused(&idp, &by(&jwt)).await, "request_object_replayed");
    idp.code(&mut idp.browser("clinician"), &pushed).await;
    let wrong = RequestObject::of(&idp, &idp.authorize());
    for (jwt, code) in [
        (wrong.sign(stranger()), "request_object_signature_wrong"),
        (wrong.clone().set("aud", "x").sign(p256()), "request_object_audience_wrong"),
        (wrong.clone().set("scope", "x").sign(p256()), "scope_openid_missing"),
    ] {
        assert_eq!(refused(&idp, &by(&jwt)).await, code);
    }
    // A fault in it burns no jti: the client mends it and sends it again.
    idp.pushed(&by(&wrong.sign(p256()))).await;
}

/// RFC 9126 §2.2: bound to the client that pushed it.
#[tokio::test]
async fn a_reference_is_good_for_its_client_alone() {
    let idp = TestIdp::start().await;
    idp.register(|client| client.id = "other".to_owned()).await;
    let pushed = idp.pushed(&idp.authorize()).await;
    let theirs = pushed.clone().set("client_id", "other");
    assert_eq!(shown(&idp, &theirs).await, "request_uri_of_other_client");
    assert_eq!(shown(&idp, &pushed.clone().without("client_id")).await, "client_missing");
    assert_eq!(shown(&idp, &pushed.clone().set("client_id", "nobody")).await, "client_unknown");
    // Which is not spent by that.
    idp.code(&mut idp.browser("clinician"), &pushed).await;
}

#[tokio::test]
async fn a_reference_that_leads_nowhere_is_refused() {
    let idp = TestIdp::start().await;
    let good = idp.pushed(&idp.authorize()).await.value("request_uri").unwrap().to_owned();
    for unknown in [
        BEGINNING.to_owned(),
        format!("{BEGINNING}x"),
        format!("{good}x"),
        good[..good.len() - 1].to_owned(),
        good.replacen("oauth:request_uri", "oauth:request_uri:", 1),
    ] {
        let request = idp.authorize().set("request_uri", &unknown);
        assert_eq!(shown(&idp, &request).await, "request_uri_unknown", "{unknown}");
    }
    // RFC 9101 §5.2: by address; whatever it leads to is not fetched.
    for address in ["https://rp.localhost/object.jwt", "http://169.254.169.254/", "urn:x", "x"] {
        let request = idp.authorize().set("request_uri", address);
        assert_eq!(told(&idp, &request).await, "request_uri_unsupported", "{address}");
    }
}

#[tokio::test]
async fn a_reference_has_its_time() {
    let idp = TestIdp::start().await;
    let [early, late] = [idp.pushed(&idp.authorize()).await, idp.pushed(&idp.authorize()).await];
    idp.advance(59);
    // Time is for the browser to come: the person may take as long as any.
    let mut browser = idp.browser("clinician");
    let begun = browser.get(&early.url()).await.unwrap().location().unwrap();
    idp.advance(1);
    assert_eq!(told(&idp, &late).await, "request_uri_expired");
    idp.advance(500);
    idp.walk(&mut browser, &begun).await.parameters().get("code").unwrap();
}

/// RFC 9126 §7.3: once, and a reload before that is no dead end.
#[tokio::test]
async fn a_reference_is_used_up_by_the_code_it_leads_to() {
    let idp = TestIdp::start().await;
    let pushed = idp.pushed(&idp.authorize()).await;
    let (mut one, mut two) = (idp.browser("clinician"), idp.browser("clinician"));
    let first = one.get(&pushed.url()).await.unwrap().location().unwrap();
    let again = two.get(&pushed.url()).await.unwrap().location().unwrap();
    idp.walk(&mut one, &first).await.parameters().get("code").unwrap();
    // Begun before, ended after: one of two wins, and the other writes nothing.
    let walk = idp.walk(&mut two, &again).await;
    assert_eq!(walk.error_code(), "request_uri_replayed");
    assert_eq!(walk.parameters()["error"], "invalid_request_uri");
    assert_eq!(told(&idp, &pushed).await, "request_uri_replayed");
    assert_eq!(idp.count("select count(*) from codes").await, 1);
    assert_eq!(idp.count("select count(*) from login_attempts").await, 1);
    assert_eq!(idp.count("select count(*) from sessions").await, 1);
}

#[tokio::test]
async fn of_two_logins_at_once_one_wins() {
    let idp = TestIdp::start().await;
    let pushed = idp.pushed(&idp.authorize()).await;
    let (mut one, mut two) = (idp.browser("clinician"), idp.browser("clinician"));
    let url = pushed.url();
    let walks = tokio::join!(idp.walk(&mut one, &url), idp.walk(&mut two, &url));
    let codes = [walks.0, walks.1].map(|walk| walk.parameters().contains_key("code"));
    assert_eq!(codes.iter().filter(|won| **won).count(), 1);
    assert_eq!(idp.count("select count(*) from codes").await, 1);
}

#[tokio::test]
async fn a_session_uses_up_a_reference_too() {
    let idp = TestIdp::start().await;
    idp.register(|client| client.sign_on = SignOn::Session).await;
    let mut browser = idp.browser("clinician");
    idp.code(&mut browser, &idp.authorize()).await;
    let pushed = idp.pushed(&idp.authorize().set("prompt", "none")).await;
    idp.code(&mut browser, &pushed).await;
    let walk = idp.walk(&mut browser, &pushed.url()).await;
    assert_eq!(walk.error_code(), "request_uri_replayed");
    assert_eq!(idp.count("select count(*) from codes").await, 2);
}

/// What was good when it was pushed is checked again when it is used.
#[tokio::test]
async fn a_registration_that_has_changed_since_counts() {
    let idp = TestIdp::start().await;
    let pushed = idp.pushed(&idp.authorize()).await;
    idp.register(|client| {
        client.redirect_uris = vec!["https://rp.localhost/other".to_owned()];
    })
    .await;
    assert_eq!(shown(&idp, &pushed).await, "redirect_uri_unregistered");
    idp.register(|client| client.enabled = false).await;
    assert_eq!(shown(&idp, &pushed).await, "client_unknown");
}

/// RFC 9126 §6: `require_pushed_authorization_requests`.
#[tokio::test]
async fn a_client_that_must_push_cannot_send_the_browser_with_a_request() {
    let idp = TestIdp::start().await;
    idp.register(|client| {
        client.metadata.require_pushed_authorization_requests = true;
        client.jwks = Some(json!({ "keys": [p256().jwk] }));
    })
    .await;
    assert_eq!(told(&idp, &idp.authorize()).await, "request_not_pushed");
    let jwt = RequestObject::of(&idp, &idp.authorize()).sign(p256());
    let by_object = idp.authorize().set("request", &jwt);
    assert_eq!(told(&idp, &by_object).await, "request_not_pushed");
    let pushed = idp.pushed(&idp.authorize()).await;
    idp.code(&mut idp.browser("clinician"), &pushed).await;
}

#[tokio::test]
async fn what_is_pushed_to_one_node_is_used_on_another() {
    let idp = TestIdp::start().await;
    let (other, address) = idp.another_node().await;
    let answer = idp.http().post(address.join("/par").unwrap()).form(&idp.authorize().form());
    let answer = answer.basic_auth(CLIENT_ID, Some(CLIENT_SECRET)).send().await.unwrap();
    let json = Answer::of(answer).await.json();
    let request = idp.authorize().set("request_uri", json["request_uri"].as_str().unwrap());
    idp.code(&mut idp.browser("clinician"), &request).await;
    other.stop().await;
}

/// RFC 9126 §2.3: 405, 413, 429, as far as they are told apart here.
#[tokio::test]
async fn what_is_no_push_is_refused() {
    let idp = TestIdp::start().await;
    let par = || idp.http().post(idp.at("/par")).basic_auth(CLIENT_ID, Some(CLIENT_SECRET));
    let form = idp.authorize().url().query().unwrap().to_owned();
    for (request, code) in [
        (idp.http().get(idp.at(&format!("/par?{form}"))), "method_not_allowed"),
        (idp.http().put(idp.at("/par")), "method_not_allowed"),
        (par().body(form.clone()), "content_type_unsupported"),
        (par().json(&json!({ "scope": "openid" })), "content_type_unsupported"),
        (par().form(&[("nonce", "x".repeat(1024 * 1024))]), "request_too_long"),
        (
            par()
                .header("content-type", "application/x-www-form-urlencoded")
                .body([form.as_bytes(), b"&x=\xff"].concat()),
            "request_malformed",
        ),
    ] {
        let answer = Answer::of(request.send().await.unwrap()).await;
        assert_eq!(answer.problem(idp.issuer()), code);
    }
    // Parameters in the address are not read.
    let in_query = idp.http().post(idp.at(&format!("/par?{form}")));
    let in_query = in_query.basic_auth(CLIENT_ID, Some(CLIENT_SECRET)).form(&[("x", "y")]);
    let answer = Answer::of(in_query.send().await.unwrap()).await;
    assert_eq!(answer.problem(idp.issuer()), "redirect_uri_missing");
}

/// RFC 9126 §2.3: 429.
#[tokio::test]
async fn a_client_pushes_so_many_a_minute_and_no_more() {
    let idp = TestIdp::start_with(|config| {
        config.limits.pushed_requests_per_minute = NonZeroU32::new(3).unwrap();
    })
    .await;
    idp.register(|client| client.id = "other".to_owned()).await;
    for _ in 0..3 {
        idp.pushed(&idp.authorize()).await;
    }
    let answer = idp.push(&idp.authorize()).await;
    assert_eq!(answer.problem(idp.issuer()), "pushed_too_often");
    assert_eq!(answer.status, 429);
    // RFC 6585 §4.
    assert_eq!(answer.header("retry-after"), "60");
    let request = idp.authorize().set("client_id", "other");
    assert_eq!(idp.push_by(&request, Some(("other", CLIENT_SECRET))).await.status, 201);
}

#[tokio::test]
async fn what_was_pushed_is_forgotten_when_no_login_can_need_it() {
    let idp = TestIdp::start().await;
    let rows = "select count(*) from pushed_requests";
    idp.pushed(&idp.authorize()).await;
    for (seconds, left) in [(60 + 3 * 3600, 1), (1, 0)] {
        idp.advance(seconds);
        housekeeping::run(idp.pool(), idp.clock.now()).await.unwrap();
        assert_eq!(idp.count(rows).await, left);
    }
}
