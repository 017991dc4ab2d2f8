//! Profiles as switches: a client of one logs in by its rules, and a request outside them is told so.

use siths_idp::dev::seed::{self, CLIENT_ID};
use siths_idp::keys::SigningAlg;
use siths_idp::oidc::client::Client;
use siths_idp::oidc::client_metadata::Profile;
use siths_idp::oidc::profile::check_registration as check;

use crate::harness::answer::told_by_redirect;
use crate::harness::assertion::{ASSERTION_TYPE, Assertion, p256, rsa};
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

/// Swedish OpenID Connect Profile §2.3: levels that cannot be had stop the request; elsewhere they are a wish.
#[tokio::test]
async fn section_2_3_levels_of_elsewhere_alone_are_refused() {
    let idp = TestIdp::start().await;
    let elsewhere = "http://id.elegnamnden.se/loa/1.0/loa3";
    let request = idp.authorize().set("state", STATE).set("acr_values", elsewhere);
    idp.code(&mut idp.browser("clinician"), &request).await;
    idp.register(|client| client.metadata.profile = Profile::Sweden).await;
    let answer = idp.browser_with(None).get(&request.url()).await.unwrap();
    let told = answer.location().unwrap();
    assert!(told.query_pairs().any(|(_, value)| value == "unmet_authentication_requirements"));
    let one_of_ours = format!("{elsewhere} http://id.sambi.se/loa/loa3");
    idp.code(&mut idp.browser("clinician"), &request.set("acr_values", &one_of_ours)).await;
}

/// FAPI 2.0 Security Profile §5.4.1 at a protected resource: a proof by RS256 proves nothing.
#[tokio::test]
async fn section_5_4_1_a_fapi2_client_proves_its_key_by_ps256_at_user_info_too() {
    let idp = fapi2().await;
    let code = idp.code(&mut idp.browser("clinician"), &pushed(&idp).await).await;
    let proof = idp.token_proof().of(rsa(), Algorithm::PS256);
    let tokens = idp.tokens(&redeemed(&idp, &code).dpop(&proof)).await;
    let access_token = tokens["access_token"].as_str().unwrap();
    let by = |alg| idp.user_info_proof(access_token).of(rsa(), alg);
    let answer = idp.user_info_by_dpop(access_token, &[&by(Algorithm::RS256)]).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.json()["error_code"], "dpop_alg_unsupported");
    let answer = idp.user_info_by_dpop(access_token, &[&by(Algorithm::PS256)]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// §5.4.1: whatever is signed for a client of the profile.
#[test]
fn section_5_4_1_a_fapi2_client_registers_no_answer_by_rs256() {
    let mut client = seed::demo_client(REDIRECT_URI, "a-secret");
    p256().register(&mut client);
    client.signing_alg = SigningAlg::Es256;
    client.metadata.profile = Profile::Fapi2;
    client.metadata.dpop_bound_access_tokens = true;
    assert_eq!(check(&client).map_err(|fault| fault.to_string()), Ok(()));
    for edit in [
        |client: &mut Client| {
            client.metadata.userinfo_signed_response_alg = Some(SigningAlg::Rs256);
        },
        |client: &mut Client| {
            client.metadata.authorization_signed_response_alg = Some(SigningAlg::Rs256);
        },
        |client: &mut Client| {
            client.metadata.introspection_signed_response_alg = Some(SigningAlg::Rs256);
        },
    ] {
        let mut client = client.clone();
        edit(&mut client);
        let fault = check(&client).unwrap_err().to_string();
        assert!(fault.contains("PS256, ES256 or EdDSA"), "{fault}");
    }
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
