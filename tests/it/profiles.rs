//! Profiles as switches: a client of one logs in by its rules, and a request outside them is told so.

use siths_idp::dev::seed::CLIENT_ID;
use siths_idp::keys::SigningAlg;
use siths_idp::oidc::client_metadata::Profile;

use crate::harness::answer::told_by_redirect;
use crate::harness::assertion::{ASSERTION_TYPE, Assertion, p256};
use crate::harness::dpop::Proof;
use crate::harness::{Answer, Authorize, REDIRECT_URI, TestIdp, TokenRequest};
use crate::token::claims;
use jsonwebtoken::Algorithm;

const STATE: &str = "0123456789abcdefABCDEF";

/// Swedish OpenID Connect Profile §2.1, §2.1.2: nonce, and a state of 128 random bits.
#[tokio::test]
async fn a_request_outside_the_swedish_profile_is_told_so() {
    let idp = TestIdp::start().await;
    idp.register(|client| client.metadata.profile = Profile::Sweden).await;
    let good = || idp.authorize().set("state", STATE);
    for (request, code) in [
        (good().without("nonce"), "nonce_missing"),
        (good().set("nonce", ""), "nonce_missing"),
        (good().without("state"), "state_too_short"),
        (good().set("state", &STATE[1..]), "state_too_short"),
    ] {
        let answer = idp.browser_with(None).get(&request.url()).await.unwrap();
        let told = answer.location().unwrap();
        let mut pairs = told.query_pairs();
        let found = pairs.find(|(name, _)| name == "error_code").unwrap();
        assert_eq!(found.1, code);
    }
    idp.code(&mut idp.browser("clinician"), &good()).await;
}

async fn fapi2() -> TestIdp {
    let idp = TestIdp::start().await;
    idp.register(|client| {
        p256().register(client);
        client.signing_alg = SigningAlg::Es256;
        client.metadata.profile = Profile::Fapi2;
        client.metadata.dpop_bound_access_tokens = true;
    })
    .await;
    idp
}

fn assertion(idp: &TestIdp, audience: &str) -> String {
    let assertion = Assertion::new(CLIENT_ID, audience, idp.clock.now());
    assertion.sign(Algorithm::ES256, &p256().signing)
}

fn by_assertion(idp: &TestIdp) -> [(&'static str, String); 2] {
    let jwt = assertion(idp, idp.config.issuer_identifier());
    [("client_assertion_type", ASSERTION_TYPE.to_owned()), ("client_assertion", jwt)]
}

async fn push(idp: &TestIdp, request: &Authorize) -> Answer {
    let mut form: Vec<(String, String)> =
        request.form().into_iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
    form.extend(by_assertion(idp).map(|(name, value)| (name.to_owned(), value)));
    Answer::of(idp.http().post(idp.at("/par")).form(&form).send().await.unwrap()).await
}

async fn pushed(idp: &TestIdp) -> Authorize {
    let answer = push(idp, &idp.authorize()).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let uri = answer.json()["request_uri"].as_str().unwrap().to_owned();
    idp.authorize().only(&[]).set("client_id", CLIENT_ID).set("request_uri", &uri)
}

fn redeemed(idp: &TestIdp, code: &str) -> TokenRequest {
    idp.token_request(code).assertion(&assertion(idp, idp.config.issuer_identifier()))
}

/// FAPI 2.0 Security Profile §5.3.2: what is demanded is demanded of every login.
#[tokio::test]
async fn a_fapi2_client_logs_in_and_no_step_may_be_left_out() {
    let idp = fapi2().await;
    // §5.3.2.2 (3): without PAR.
    let answer = idp.browser_with(None).get(&idp.authorize().url()).await.unwrap();
    assert_eq!(told_by_redirect(&answer, REDIRECT_URI, idp.issuer()), "request_not_pushed");
    // (5), (6): without PKCE, and without a redirect URI.
    let bare = idp.authorize().without("code_challenge").without("code_challenge_method");
    for (request, code) in [
        (bare, "pkce_missing"),
        (idp.authorize().set("code_challenge_method", "plain"), "pkce_plain"),
        (idp.authorize().without("redirect_uri"), "redirect_uri_missing"),
    ] {
        assert_eq!(push(&idp, &request).await.problem(idp.issuer()), code);
    }
    let mut browser = idp.browser("clinician");
    let code = idp.code(&mut browser, &pushed(&idp).await).await;
    // §5.3.2.1 (8): the issuer alone is the audience.
    let other = assertion(&idp, idp.at("/token").as_str());
    let request = idp.token_request(&code).assertion(&other).dpop(&idp.token_proof().sign());
    assert_eq!(idp.token_error(&request).await, "assertion_audience_wrong");
    // (4), (5): a token that is bound to nothing is not to be had, and the code is not spent.
    assert_eq!(idp.token_error(&redeemed(&idp, &code)).await, "dpop_missing");
    let tokens = idp.tokens(&redeemed(&idp, &code).dpop(&idp.token_proof().sign())).await;
    assert_eq!(tokens["token_type"], "DPoP");
    let access_token = tokens["access_token"].as_str().unwrap();
    assert!(claims(access_token)["cnf"]["jkt"].is_string());
    // §5.3.4: nor is it taken without its key.
    assert_eq!(idp.user_info(access_token).await.status, 401);
    let proof = Proof::new("GET", &idp.at("/userinfo"), idp.clock.now()).token(access_token);
    let request = idp.http().get(idp.at("/userinfo"));
    let request = request
        .header("authorization", format!("DPoP {access_token}"))
        .header("dpop", proof.sign());
    let answer = Answer::of(request.send().await.unwrap()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}
