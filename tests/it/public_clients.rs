//! Public clients (RFC 6749 §2.1; RFC 8252): they name themselves, send PKCE always, and are trusted
//! with nothing that is not theirs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::Algorithm;
use serde_json::json;
use siths_idp::dev::seed::CLIENT_ID;
use siths_idp::oidc::client::{ClientAuthentication, Pkce};
use siths_idp::oidc::client_metadata::GrantType;

use crate::harness::assertion::{Assertion, p256};
use crate::harness::dpop::thumbprint;
use crate::harness::{Answer, CLIENT_SECRET, REDIRECT_URI, TestIdp};

const APP: &str = "an-app";

async fn registered(idp: &TestIdp) {
    idp.register(|client| {
        client.id = APP.to_owned();
        client.authentication = ClientAuthentication::None;
    })
    .await;
}

async fn code(idp: &TestIdp) -> String {
    let request = idp.authorize().set("client_id", APP);
    idp.code(&mut idp.browser("clinician"), &request).await
}

/// RFC 6749 §4.1.3; RFC 7636 §4.5.
#[tokio::test]
async fn a_public_client_redeems_its_code_by_client_id_and_verifier() {
    let idp = TestIdp::start().await;
    registered(&idp).await;
    let request = idp.token_request(&code(&idp).await).public(APP);
    let tokens = idp.tokens(&request).await;
    assert_eq!(tokens["token_type"], "Bearer");
    let access_token = tokens["access_token"].as_str().unwrap();
    assert_eq!(idp.user_info(access_token).await.status, 200);
    // By DPoP, too, which is all that can bind what it gets (RFC 9449 §5).
    let proof = idp.token_proof().sign();
    let request = idp.token_request(&code(&idp).await).public(APP).dpop(&proof);
    let tokens = idp.tokens(&request).await;
    let claims = crate::token::claims(tokens["access_token"].as_str().unwrap());
    assert_eq!(claims["cnf"], json!({ "jkt": thumbprint(p256()) }));
}

/// RFC 9700 §2.1.1: PKCE, S256, whatever is registered.
#[tokio::test]
async fn a_public_client_always_sends_a_challenge_and_the_verifier() {
    let idp = TestIdp::start().await;
    idp.register(|client| {
        client.id = APP.to_owned();
        client.authentication = ClientAuthentication::None;
        client.pkce = Pkce::Optional;
    })
    .await;
    let request = || idp.authorize().set("client_id", APP);
    let bare = request().without("code_challenge").without("code_challenge_method");
    let mut browser = idp.browser("clinician");
    assert_eq!(idp.walk(&mut browser, &bare.url()).await.error_code(), "pkce_missing");
    let plain = request().set("code_challenge_method", "plain");
    assert_eq!(idp.walk(&mut browser, &plain.url()).await.error_code(), "pkce_plain");
    for (request, told) in [
        (idp.token_request(&code(&idp).await).without("code_verifier"), "verifier_missing"),
        (
            idp.token_request(&code(&idp).await).set("code_verifier", &"x".repeat(43)),
            "verifier_mismatch",
        ),
    ] {
        assert_eq!(idp.token_error(&request.public(APP)).await, told);
    }
}

/// RFC 6749 §2.3: none is the method that is registered, and no other is taken.
#[tokio::test]
async fn a_public_client_that_proves_something_is_refused() {
    let idp = TestIdp::start().await;
    registered(&idp).await;
    let code = code(&idp).await;
    let good = || idp.token_request(&code);
    let assertion = Assertion::new(APP, idp.config.issuer_identifier(), idp.clock.now());
    let assertion = assertion.sign(Algorithm::ES256, &p256().signing);
    for request in [
        good().basic(Some((APP, CLIENT_SECRET))),
        good().basic(Some((APP, ""))),
        good().public(APP).set("client_secret", CLIENT_SECRET),
        good().assertion(&assertion),
        good().assertion(&assertion).set("client_id", APP),
    ] {
        assert_eq!(idp.token_error(&request).await, "client_method_unregistered");
    }
    // A parameter without a value counts as left out (RFC 6749 §3.1).
    idp.tokens(&good().public(APP).set("client_secret", "")).await;
}

/// RFC 6749 §3.2.1.
#[tokio::test]
async fn a_confidential_client_that_proves_nothing_is_no_public_one() {
    let idp = TestIdp::start().await;
    registered(&idp).await;
    idp.register(|client| {
        client.id = "jwt".to_owned();
        p256().register(client);
    })
    .await;
    let good = || idp.token_request("a-code");
    for (request, told) in [
        (good().public(CLIENT_ID), "client_authentication_missing"),
        (good().public("jwt"), "client_authentication_missing"),
        (good().basic(None), "client_authentication_missing"),
        (good().public("nobody"), "client_not_registered"),
        (good().public(APP).add("client_id", APP), "parameter_repeated"),
        (good().public(APP), "code_unknown"),
        (good().public(APP).set("client_assertion_type", "jwt-bearer"), "assertion_malformed"),
    ] {
        assert_eq!(idp.token_error(&request).await, told);
    }
}

/// RFC 6749 §4.1.3: a code is its client's.
#[tokio::test]
async fn a_public_client_cannot_redeem_the_code_of_another() {
    let idp = TestIdp::start().await;
    registered(&idp).await;
    let of_another = idp.code(&mut idp.browser("clinician"), &idp.authorize()).await;
    let request = idp.token_request(&of_another).public(APP);
    assert_eq!(idp.token_error(&request).await, "code_unknown");
    idp.tokens(&idp.token_request(&of_another)).await;
}

/// RFC 6749 §4.4: "MUST only be used by confidential clients".
#[tokio::test]
async fn a_public_client_asks_for_nothing_in_its_own_name() {
    let idp = TestIdp::start().await;
    idp.register(|client| {
        client.id = APP.to_owned();
        client.authentication = ClientAuthentication::None;
        client.metadata.grant_types = [GrantType::ClientCredentials].into();
    })
    .await;
    let request = idp.token_request("a-code").public(APP).set("grant_type", "client_credentials");
    assert_eq!(idp.token_error(&request).await, "grant_type_unregistered");
}

/// What a failed login held is for whoever proves to be its client.
#[tokio::test]
async fn a_public_client_reads_no_story_of_a_failed_login() {
    let idp = TestIdp::start().await;
    registered(&idp).await;
    let request = idp.authorize().set("client_id", APP);
    let walk = idp.walk(&mut idp.browser("unknown"), &request.url()).await;
    let reference = &walk.parameters()["error_ref"];
    let by_form = idp.http().post(idp.at(&format!("/login-errors/{reference}")));
    let answer = Answer::of(by_form.form(&[("client_id", APP)]).send().await.unwrap()).await;
    assert_eq!(answer.problem(idp.issuer()), "client_public");
    assert!(!answer.body.contains("DEV4"));
    assert_eq!(idp.audited("login_error.read").await, 0);
}

/// RFC 9700 §2.1.1, RFC 6749 §4.4, RFC 7662 §2.1: what a registration of `none` may not say.
#[tokio::test]
async fn what_a_public_client_may_not_do_is_refused_at_registration() {
    let idp = TestIdp::start().await;
    let base =
        ["clients", "add", APP, "--name", "App", "--any-user", "--redirect-uri", REDIRECT_URI];
    let none = [&base[..], &["--auth", "none"]].concat();
    assert_eq!(
        idp.command(&[&none[..], &["--pkce", "optional"]].concat()).await.code(),
        "client_refused"
    );
    for (number, metadata) in [
        json!({ "grant_types": ["authorization_code", "client_credentials"] }),
        json!({ "introspects": true }),
        json!({ "token_endpoint_auth_signing_alg": "ES256" }),
        json!({ "require_client_assertion_typ": true }),
    ]
    .iter()
    .enumerate()
    {
        let name = format!("{}-public-{number}.json", idp.config.issuer.port().unwrap());
        let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&path, metadata.to_string()).unwrap();
        let file = path.to_str().unwrap();
        let told = idp.command(&[&none[..], &["--metadata", file]].concat()).await;
        assert_eq!(told.code(), "client_refused", "{metadata}");
    }
    assert_eq!(idp.command(&[&none[..], &["--new-secret"]].concat()).await.code(), "usage");
    let added = idp.command(&none).await.json();
    assert_eq!(added["outcome"], "added");
    assert!(added.get("client_secret").is_none());
    idp.until(|app| app.client(APP).is_some()).await;
    let request = idp.authorize().set("client_id", APP).set("scope", "openid");
    let code = idp.code(&mut idp.browser("clinician"), &request).await;
    idp.tokens(&idp.token_request(&code).public(APP)).await;
}

/// RFC 6749 §2.3.1, RFC 9110 §15.5.2: 401 with a challenge, whichever way was tried.
#[tokio::test]
async fn a_client_that_is_not_known_by_its_proof_is_told_so_by_401_and_a_challenge() {
    let idp = TestIdp::start().await;
    registered(&idp).await;
    for request in [
        idp.token_request("a-code").basic(Some((CLIENT_ID, "wrong"))),
        idp.token_request("a-code").public(CLIENT_ID),
        idp.token_request("a-code").public(APP).set("client_secret", CLIENT_SECRET),
    ] {
        let answer = idp.token_answer(&request).await;
        assert_eq!((answer.status, &answer.json()["error"]), (401, &json!("invalid_client")));
        assert_eq!(answer.header("www-authenticate"), r#"Basic realm="siths-idp""#);
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    // A header that is no form-encoded UTF-8.
    let field = format!("Basic {}", STANDARD.encode(format!("{CLIENT_ID}:%ff")));
    let request = idp.http().post(idp.at("/token")).header("authorization", field);
    let answer = Answer::of(request.form(&[("a", "b")]).send().await.unwrap()).await;
    assert_eq!(answer.problem(idp.issuer()), "client_authentication_malformed");
}
