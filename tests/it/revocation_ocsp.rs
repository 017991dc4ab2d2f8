//! OCSP within a login: bounded, remembered, and asked for once at a time.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use siths_idp::config::{OcspNonce, RevocationOrder};
use siths_idp::dev::pki::ocsp::{Nonce, Signer};
use siths_idp::dev::responder::{Fault, What};
use tokio::task::JoinSet;

use crate::harness::TestIdp;
use crate::harness::revocation::order;

async fn start() -> TestIdp {
    TestIdp::start_with(|config| order(config, RevocationOrder::Ocsp)).await
}

#[tokio::test]
async fn a_hundred_logins_at_once_are_one_request() {
    let idp = start().await;
    idp.responder.set_fault(What::Ocsp, Fault::Slow(Duration::from_millis(700)));
    let card = idp.browser("clinician").get(&idp.authorize().url()).await.unwrap();
    assert_eq!(card.status, 303);
    let mut logins = JoinSet::new();
    for _ in 0..100 {
        let (mut browser, url) = (idp.browser("clinician"), idp.authorize().url());
        logins.spawn(async move {
            let card = browser.get(&url).await.unwrap().location().unwrap();
            let resume = browser.get(&card).await.unwrap().location().unwrap();
            browser.get(&resume).await.unwrap().location().unwrap()
        });
    }
    let told = logins.join_all().await;
    assert_eq!(told.len(), 100);
    for url in told {
        assert!(url.query_pairs().any(|(name, _)| name == "code"), "{url}");
    }
    // The card, and the authority above it.
    assert_eq!(idp.responder.requests(What::Ocsp), 2);
}

#[tokio::test]
async fn an_answer_is_remembered_until_it_is_old_and_by_every_node() {
    let idp = start().await;
    assert_eq!(idp.outcome("clinician").await, None);
    assert_eq!(idp.responder.requests(What::Ocsp), 2);
    assert_eq!(idp.outcome("clinician").await, None);
    assert_eq!(idp.responder.requests(What::Ocsp), 2);
    // A node that begins now has it from the database.
    idp.responder.set_fault(What::Ocsp, Fault::Down);
    let (second, _) = idp.another_node().await;
    let trust = &second.app.trust;
    let chain = siths_idp::pki::PresentedChain::new(idp.card("clinician").chain).unwrap();
    let authentic = trust.verify(&chain, idp.clock.now()).unwrap();
    let findings = second.app.revocation.ask(authentic.links(), idp.clock.now()).await;
    for finding in &findings {
        assert_eq!(finding.verdict, siths_idp::pki::revocation::Verdict::NotRevoked);
        assert!(!finding.within_grace);
    }
    assert_eq!(second.app.revocation.counts().ocsp_answers, 0);
    second.stop().await;
    // After its hour it is asked for again, and not before.
    idp.responder.set_fault(What::Ocsp, Fault::None);
    idp.advance(3599);
    assert_eq!(idp.outcome("clinician").await, None);
    assert_eq!(idp.responder.requests(What::Ocsp), 2);
    idp.advance(1);
    assert_eq!(idp.outcome("clinician").await, None);
    assert_eq!(idp.responder.requests(What::Ocsp), 4);
}

#[tokio::test]
async fn a_short_greatest_age_comes_before_next_update() {
    let idp = TestIdp::start_with(|config| {
        order(config, RevocationOrder::Ocsp);
        for row in &mut config.revocation.authorities {
            row.settings.ocsp_max_age = TimeDelta::minutes(5);
        }
    })
    .await;
    assert_eq!(idp.outcome("clinician").await, None);
    idp.revoke("clinician");
    idp.advance(299);
    assert_eq!(idp.outcome("clinician").await, None);
    idp.advance(1);
    assert_eq!(idp.outcome("clinician").await.as_deref(), Some("certificate_revoked"));
    // Nobody answers now: the last answer holds until its nextUpdate.
    let first = idp.responder.requests(What::Ocsp);
    idp.responder.set_fault(What::Ocsp, Fault::Down);
    idp.advance(301);
    assert_eq!(idp.outcome("reserve-card").await.as_deref(), Some("certificate_status_unknown"));
    assert_eq!(idp.outcome("clinician").await.as_deref(), Some("certificate_revoked"));
    assert!(idp.responder.requests(What::Ocsp) > first);
}

#[tokio::test]
async fn a_slow_responder_keeps_one_login_waiting_for_its_time_and_the_next_not_at_all() {
    let idp = TestIdp::start_with(|config| {
        order(config, RevocationOrder::Ocsp);
        for row in &mut config.revocation.authorities {
            row.settings.ocsp_timeout = TimeDelta::seconds(1);
        }
    })
    .await;
    idp.responder.set_fault(What::Ocsp, Fault::Slow(Duration::from_secs(120)));
    let began = Instant::now();
    let outcome = idp.outcome("clinician").await;
    assert_eq!(outcome.as_deref(), Some("certificate_status_unknown"));
    let first = began.elapsed();
    assert!(first >= Duration::from_secs(1) && first < Duration::from_secs(15), "{first:?}");
    let asked = idp.responder.requests(What::Ocsp);
    // The same card and others, for some seconds: the responder is left alone.
    for person in ["clinician", "no-role", "unknown"] {
        let outcome = idp.outcome(person).await;
        assert_eq!(outcome.as_deref(), Some("certificate_status_unknown"), "{person}");
    }
    assert_eq!(idp.responder.requests(What::Ocsp), asked);
    let settled = idp.settled().await;
    assert!(settled["detail"].as_str().unwrap().contains("a moment ago"), "{settled}");
    // And then asked again.
    idp.responder.set_fault(What::Ocsp, Fault::None);
    idp.advance(10);
    assert_eq!(idp.outcome("clinician").await, None);
}

#[tokio::test]
async fn the_next_responder_is_asked_within_the_same_time() {
    let idp = TestIdp::start_with_responder(|config, responder| {
        order(config, RevocationOrder::Ocsp);
        let silent = crate::harness::loopback();
        let address = silent.local_addr().unwrap();
        // It takes connections and never speaks.
        std::mem::forget(silent);
        for row in &mut config.revocation.authorities {
            row.ocsp.insert(0, format!("http://{address}/").parse().unwrap());
            row.settings.ocsp_timeout = TimeDelta::seconds(4);
        }
        assert_eq!(responder.requests(What::Ocsp), 0);
    })
    .await;
    assert_eq!(idp.outcome("clinician").await, None);
    assert_eq!(idp.responder.requests(What::Ocsp), 2);
}

#[tokio::test]
async fn the_nonce_is_asked_for_as_configured() {
    let unknown = Some("certificate_status_unknown");
    for (configured, answered, expected) in [
        (OcspNonce::Off, Nonce::Echo, None),
        (OcspNonce::Off, Nonce::Leave, None),
        (OcspNonce::On, Nonce::Echo, None),
        (OcspNonce::On, Nonce::Leave, None),
        (OcspNonce::On, Nonce::Wrong, unknown),
        (OcspNonce::Required, Nonce::Echo, None),
        (OcspNonce::Required, Nonce::Leave, unknown),
        (OcspNonce::Required, Nonce::Wrong, unknown),
    ] {
        for signer in [Signer::Delegated, Signer::Authority] {
            let idp = TestIdp::start_with_responder(|config, responder| {
                order(config, RevocationOrder::Ocsp);
                for row in &mut config.revocation.authorities {
                    row.settings.nonce = configured;
                }
                responder.set_nonce(answered);
                responder.set_signer(signer);
            })
            .await;
            let outcome = idp.outcome("clinician").await;
            assert_eq!(outcome.as_deref(), expected, "{configured} {answered:?} {signer:?}");
        }
    }
}

#[tokio::test]
async fn old_answers_are_forgotten_and_those_that_the_grace_needs_are_not() {
    use siths_idp::store::housekeeping;
    let idp = TestIdp::start_with(|config| {
        order(config, RevocationOrder::Ocsp);
        crate::harness::revocation::grace(config, 48);
    })
    .await;
    assert_eq!(idp.outcome("clinician").await, None);
    let answers = "select count(*) from ocsp_answers";
    let memory = idp.node.app.revocation.memory();
    assert!(memory >= TimeDelta::hours(48));
    for (hours, left) in [(49, 2), (24, 0)] {
        idp.advance(hours * 3600);
        housekeeping::forget_answers(idp.pool(), idp.clock.now() - memory).await.unwrap();
        assert_eq!(idp.count(answers).await, left, "{hours}");
    }
}
