//! Hints at a person: `id_token_hint`, which only narrows who may log in, and `login_hint`, which does nothing.

use serde_json::{Value, json};
use siths_idp::dev::browser::{Browser, Response};
use siths_idp::keys::jwe::RecipientKey;
use siths_idp::keys::{JweAlg, JweEnc, SigningAlg};
use siths_idp::oidc::client::SignOn;

use crate::harness::answer::{handed_back, told_by_redirect};
use crate::harness::{REDIRECT_URI, TestIdp};

async fn id_token(idp: &TestIdp, browser: &mut Browser) -> String {
    let code = idp.code(browser, &idp.authorize()).await;
    let tokens = idp.tokens(&idp.token_request(&code)).await;
    tokens["id_token"].as_str().unwrap().to_owned()
}

fn told(idp: &TestIdp, answer: &Response) -> String {
    told_by_redirect(answer, REDIRECT_URI, idp.issuer())
}

/// A JWT of the provider's own key, as it would never issue one.
fn signed(idp: &TestIdp, typ: &str, claims: &Value) -> String {
    let registry = idp.node.app.registry.load();
    let key = registry.keyring.at(idp.clock.now()).signing(SigningAlg::Es256).unwrap();
    key.private.sign_jwt(&key.kid, typ, claims).unwrap()
}

/// OpenID Connect Core 1.0 §3.1.2.1, §3.1.2.2.
#[tokio::test]
async fn id_token_hint_is_that_person_or_nobody() {
    let idp = TestIdp::start().await;
    let mut anna = idp.browser("clinician");
    let hint = id_token(&idp, &mut anna).await;
    let mut bjorn = idp.browser("reserve-card");
    id_token(&idp, &mut bjorn).await;
    // Also when it has long expired.
    idp.advance(1800);
    let request = idp.authorize().set("id_token_hint", &hint);
    let silent = request.clone().set("prompt", "none");
    idp.code(&mut anna, &silent).await;
    idp.code(&mut anna, &request).await;
    assert_eq!(told(&idp, &bjorn.get(&silent.url()).await.unwrap()), "login_required");
    let walk = idp.walk(&mut bjorn, &request.url()).await;
    assert_eq!(told(&idp, walk.last()), "user_not_expected");
    assert_eq!(walk.parameters()["error"], "login_required");
    // The refusal is written down, with who it was.
    let audited = "select count(*) from audit_events where event = 'login.failed'
        and details ->> 'code' = 'user_not_expected' and user_id is not null";
    assert_eq!(idp.count(audited).await, 1);
}

/// OpenID Connect Core 1.0 §3.1.2.1, RP-Initiated Logout 1.0 §2: an ID token as hint, encrypted to us.
#[tokio::test]
async fn an_encrypted_hint_is_opened_and_its_signature_checked() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let hint = id_token(&idp, &mut browser).await;
    let jwks: Value = idp.http().get(idp.at("/jwks")).send().await.unwrap().json().await.unwrap();
    let encrypted = |text: &str| {
        RecipientKey::choose(&jwks, JweAlg::EcdhEs).unwrap().nest(JweEnc::A256Gcm, text).unwrap()
    };
    let silent = |hint: &str| idp.authorize().set("prompt", "none").set("id_token_hint", hint);
    idp.code(&mut browser, &silent(&encrypted(&hint))).await;
    let cut = hint.rsplit_once('.').unwrap().0;
    for wrong in [encrypted(&format!("{cut}.AAAA")), encrypted("{}"), format!("{cut}.a.b.c")] {
        let answer = browser.get(&silent(&wrong).url()).await.unwrap();
        assert_eq!(told(&idp, &answer), "id_token_hint_invalid");
    }
    // Nobody is asked whether to log out: it is the session of the hint.
    let mut logout = idp.at("/logout");
    logout.query_pairs_mut().append_pair("id_token_hint", &encrypted(&hint));
    assert_eq!(browser.get(&logout).await.unwrap().status, 200);
    assert_eq!(idp.count("select count(*) from sessions where ended_by = 'logout'").await, 1);
}

/// Where a session would serve, one of somebody else does not, and the card is asked for.
#[tokio::test]
async fn a_session_of_another_than_the_hinted_person_does_not_serve() {
    let idp = TestIdp::start().await;
    idp.register(|client| client.sign_on = SignOn::Session).await;
    let hint = id_token(&idp, &mut idp.browser("clinician")).await;
    let mut browser = idp.browser("reserve-card");
    id_token(&idp, &mut browser).await;
    let answer = browser.get(&idp.authorize().url()).await.unwrap();
    assert!(handed_back(&answer, REDIRECT_URI).contains_key("code"));
    let request = idp.authorize().set("id_token_hint", &hint);
    idp.swap(&mut browser, Some(idp.card("clinician")));
    let walk = idp.walk(&mut browser, &request.url()).await;
    assert_eq!(walk.0.len(), 3, "by way of the card");
    assert!(walk.parameters().contains_key("code"));
}

/// OpenID Connect Core 1.0 §3.1.2.1: an ID token that this provider issued to this client.
#[tokio::test]
async fn what_is_no_id_token_of_the_client_is_no_hint() {
    let idp = TestIdp::start().await;
    idp.register(|client| client.id = "other".to_owned()).await;
    let code = idp.code(&mut idp.browser("clinician"), &idp.authorize()).await;
    let tokens = idp.tokens(&idp.token_request(&code)).await;
    let hint = tokens["id_token"].as_str().unwrap();
    let claims = crate::token::claims(hint);
    let but = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        claims
    };
    let (head, rest) = hint.split_once('.').unwrap();
    let (body, signature) = rest.split_once('.').unwrap();
    let unsigned = {
        use base64::Engine as _;
        let header = br#"{"alg":"none"}"#;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(header)
    };
    idp.code(&mut idp.browser("clinician"), &idp.authorize().set("id_token_hint", hint)).await;
    let good = signed(&idp, "JWT", &claims);
    idp.code(&mut idp.browser("clinician"), &idp.authorize().set("id_token_hint", &good)).await;
    for bad in [
        "x".to_owned(),
        format!("{head}.{body}."),
        format!("{unsigned}.{body}."),
        format!("{unsigned}.{body}.{signature}"),
        format!("{head}.{body}.{}", signature.chars().rev().collect::<String>()),
        tokens["access_token"].as_str().unwrap().to_owned(),
        signed(&idp, "at+jwt", &claims),
        signed(&idp, "logout+jwt", &claims),
        signed(&idp, "JWT", &but("events", json!({}))),
        signed(&idp, "JWT", &but("iss", json!("https://idp.example"))),
        signed(&idp, "JWT", &but("aud", json!("other"))),
        signed(&idp, "JWT", &but("aud", json!([]))),
        signed(&idp, "JWT", &but("sub", Value::Null)),
    ] {
        let request = idp.authorize().set("id_token_hint", &bad);
        let answer = idp.browser_with(None).get(&request.url()).await.unwrap();
        assert_eq!(told(&idp, &answer), "id_token_hint_invalid", "{bad}");
    }
    // Another client's is none of this one's.
    let request = idp.authorize().set("client_id", "other").set("id_token_hint", hint);
    let answer = idp.browser_with(None).get(&request.url()).await.unwrap();
    assert_eq!(told(&idp, &answer), "id_token_hint_invalid");
}

/// A key that was withdrawn is still recognised; one that was revoked is not.
#[tokio::test]
async fn a_hint_outlives_the_publication_of_its_key_but_not_its_revocation() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let hint = id_token(&idp, &mut browser).await;
    let kid = {
        let registry = idp.node.app.registry.load();
        registry.keyring.at(idp.clock.now()).signing(SigningAlg::Es256).unwrap().kid.clone()
    };
    idp.advance(1800);
    let now = idp.clock.now();
    let withdraw =
        "update signing_keys set retire_at = now(), withdraw_at = now() where alg = 'ES256'";
    idp.sql(withdraw).await;
    idp.until(|app| app.registry.load().keyring.at(now).verifying(&kid).is_none()).await;
    let silent = idp.authorize().set("prompt", "none").set("id_token_hint", &hint);
    idp.code(&mut browser, &silent).await;
    idp.sql("update signing_keys set revoked_at = now() where alg = 'ES256'").await;
    idp.until(|app| app.registry.load().keyring.at(now).recognising(&kid).is_none()).await;
    let answer = browser.get(&silent.url()).await.unwrap();
    assert_eq!(told(&idp, &answer), "id_token_hint_invalid");
}

/// It may name a person: it changes nothing, and goes nowhere.
#[tokio::test]
async fn login_hint_is_neither_followed_nor_repeated() {
    const HINT: &str = "19900101-9802";
    let idp = TestIdp::start().await;
    let request = idp.authorize().set("login_hint", HINT);
    let walk = idp.walk(&mut idp.browser("clinician"), &request.url()).await;
    assert!(walk.parameters().contains_key("code"));
    let page = idp.walk(&mut idp.browser("expired"), &request.url()).await;
    let refused = idp.browser_with(None).get(&request.set("prompt", "none").url()).await.unwrap();
    for answer in walk.0.iter().chain(&page.0).skip(1).chain([&refused]) {
        assert!(!answer.body.contains(HINT), "{}", answer.body);
        assert!(!format!("{:?}", answer.headers).contains(HINT), "{:?}", answer.headers);
    }
    for (table, rows) in idp.tables().await {
        assert!(!rows.iter().any(|row| row.contains(HINT)), "{table}");
    }
}
