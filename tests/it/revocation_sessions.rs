//! A session is no better than the certificate that it began with.

use chrono::TimeDelta;
use siths_idp::config::RevocationOrder;
use siths_idp::dev::browser::Browser;
use siths_idp::oidc::client::SignOn;

use crate::harness::answer::told_by_redirect;
use crate::harness::revocation::order;
use crate::harness::{REDIRECT_URI, TestIdp};

/// Whether the session of a browser stands in for the card.
async fn stands(idp: &TestIdp, browser: &mut Browser) -> bool {
    let silent = idp.authorize().set("prompt", "none");
    let answer = browser.get(&silent.url()).await.unwrap();
    let location = answer.location().unwrap();
    let by_session = location.query_pairs().any(|(name, _)| name == "code");
    if !by_session {
        assert_eq!(told_by_redirect(&answer, REDIRECT_URI, idp.issuer()), "login_required");
    }
    // Where no silence is asked for, the card is.
    let answer = browser.get(&idp.authorize().url()).await.unwrap();
    let host = answer.location().unwrap().host_str().unwrap().to_owned();
    assert_eq!(host.ends_with(".card.idp.localhost"), !by_session, "{host}");
    by_session
}

async fn logged_in(asked: RevocationOrder) -> (TestIdp, Browser) {
    let idp = TestIdp::start_with(|config| {
        order(config, asked);
        // Lists are fetched once an hour: nothing is to end for want of use meanwhile.
        config.lifetimes.session_idle = config.lifetimes.session;
    })
    .await;
    idp.register(|client| client.sign_on = SignOn::Session).await;
    let mut browser = idp.browser("clinician");
    idp.code(&mut browser, &idp.authorize()).await;
    assert!(stands(&idp, &mut browser).await);
    (idp, browser)
}

#[tokio::test]
async fn a_session_ends_when_a_list_says_that_its_card_is_revoked() {
    let (idp, mut browser) = logged_in(RevocationOrder::Crl).await;
    idp.revoke("no-role");
    idp.fetch_again().await;
    assert!(stands(&idp, &mut browser).await);
    idp.revoke("clinician");
    idp.fetch_again().await;
    assert!(!stands(&idp, &mut browser).await);
    let walk = idp.walk(&mut browser, &idp.authorize().url()).await;
    assert_eq!(walk.error_code(), "certificate_revoked");
}

/// Nothing that the card gave opens anything any more, without waiting for the token to run out.
#[tokio::test]
async fn an_access_token_is_worth_nothing_when_its_card_is_revoked() {
    let (idp, _) = logged_in(RevocationOrder::Ocsp).await;
    let tokens = idp.login_tokens(&idp.authorize()).await;
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(idp.user_info(token).await.status, 200);
    // As if another node had asked, for another login.
    idp.sql("update ocsp_answers set revoked_at = this_update").await;
    assert_eq!(idp.user_info(token).await.problem(idp.issuer()), "token_revoked");
}

#[tokio::test]
async fn a_session_ends_when_the_authority_of_its_card_is_revoked() {
    let (idp, mut browser) = logged_in(RevocationOrder::Crl).await;
    let authority = idp.card("clinician").chain[1].clone();
    idp.responder.revoke_certificate(&authority).unwrap();
    idp.fetch_again().await;
    assert!(!stands(&idp, &mut browser).await);
}

#[tokio::test]
async fn a_session_ends_when_ocsp_has_said_so_of_its_card_to_any_node() {
    let (idp, mut browser) = logged_in(RevocationOrder::Ocsp).await;
    idp.revoke("clinician");
    // Nobody is asked for the sake of a session.
    idp.advance(3601);
    assert!(stands(&idp, &mut browser).await);
    let (second, _) = idp.another_node().await;
    let chain = siths_idp::pki::PresentedChain::new(idp.card("clinician").chain).unwrap();
    let authentic = second.app.trust.verify(&chain, idp.clock.now()).unwrap();
    second.app.revocation.ask(authentic.links(), idp.clock.now()).await;
    second.stop().await;
    assert!(!stands(&idp, &mut browser).await);
}

#[tokio::test]
async fn a_session_ends_with_the_validity_of_its_card() {
    let (idp, mut browser) = logged_in(RevocationOrder::Off).await;
    // As if the card had an hour left when it was shown.
    idp.sql("update sessions set certificate_not_after = auth_time + interval '1 hour'").await;
    idp.clock.advance(TimeDelta::hours(1));
    assert!(stands(&idp, &mut browser).await);
    idp.advance(1);
    assert!(!stands(&idp, &mut browser).await);
    // What is kept is the card's own.
    idp.code(&mut browser, &idp.authorize().set("prompt", "login")).await;
    let kept =
        "select to_jsonb(max(certificate_not_after) > now() + interval '1 year') from sessions";
    assert_eq!(idp.rows(kept).await, [true]);
}

#[tokio::test]
async fn a_session_of_a_version_that_kept_no_certificate_stands_in_for_none() {
    let (idp, mut browser) = logged_in(RevocationOrder::Off).await;
    idp.sql("update sessions set certificate_serials = null").await;
    assert!(!stands(&idp, &mut browser).await);
}

#[tokio::test]
async fn a_revoked_card_that_is_shown_ends_the_session_in_that_browser() {
    let (idp, mut browser) = logged_in(RevocationOrder::Crl).await;
    idp.revoke("clinician");
    idp.fetch_again().await;
    let walk = idp.walk(&mut browser, &idp.authorize().set("prompt", "login").url()).await;
    assert_eq!(walk.error_code(), "certificate_revoked");
    let ended = "select count(*) from sessions where ended_by = 'certificate-revoked'";
    assert_eq!(idp.count(ended).await, 1);
}
