//! Revoked cards, and whose word is taken in which order.

use siths_idp::config::RevocationOrder;
use siths_idp::dev::pki::{CaName, IssuerName};
use siths_idp::dev::responder::{Fault, What};

use crate::harness::answer::{told_by_page, told_by_redirect};
use crate::harness::revocation::{grace, of_cards, order};
use crate::harness::{REDIRECT_URI, TestIdp};

#[tokio::test]
async fn a_revoked_card_does_not_log_in_and_is_told_so() {
    let idp = TestIdp::start().await;
    idp.revoke("clinician");
    let walk = idp.walk(&mut idp.browser("clinician"), &idp.authorize().url()).await;
    assert_eq!(told_by_redirect(walk.last(), REDIRECT_URI, idp.issuer()), "certificate_revoked");
    let settled = idp.settled().await;
    assert_eq!(settled["verdict"], "revoked");
    assert_eq!(settled["source"], "ocsp");
    assert_eq!(settled["age_seconds"], 0);
    assert!(settled["revoked_at"].is_string(), "{settled}");
    let cause = "select details->'cause' from audit_events where event = 'login.failed'";
    assert_eq!(idp.rows(cause).await, ["revoked"]);
    // Another card of the same issuer does.
    assert_eq!(idp.outcome("no-role").await.as_deref(), Some("role_missing"));
}

#[tokio::test]
async fn a_revoked_issuing_authority_is_an_untrusted_one() {
    let idp = TestIdp::start().await;
    let authority = idp.card("clinician").chain[1].clone();
    idp.responder.revoke_certificate(&authority).unwrap();
    let walk = idp.walk(&mut idp.browser("clinician"), &idp.authorize().url()).await;
    assert_eq!(told_by_page(walk.last()), "certificate_untrusted");
    // Only what it issued.
    assert_eq!(idp.outcome("reserve-card").await, None);
}

#[tokio::test]
async fn each_order_finds_a_revoked_card_and_lets_the_others_in() {
    for asked in RevocationOrder::ALL {
        let idp = TestIdp::start_without_lists(|config, responder| {
            order(config, asked);
            let certificate = crate::harness::site().pki.person("clinician").unwrap();
            let card = siths_idp::dev::browser::Inserted::load(
                &certificate.cert_pem,
                &certificate.key_pem,
            );
            responder.revoke_certificate(&card.unwrap().chain[0]).unwrap();
        })
        .await;
        idp.until_listed().await;
        let revoked = (asked != RevocationOrder::Off).then_some("certificate_revoked");
        assert_eq!(idp.outcome("clinician").await.as_deref(), revoked, "{asked}");
        assert_eq!(idp.outcome("reserve-card").await, None, "{asked}");
        let source = match asked {
            RevocationOrder::OcspThenCrl | RevocationOrder::Ocsp => "ocsp",
            RevocationOrder::CrlThenOcsp | RevocationOrder::Crl => "crl",
            RevocationOrder::Off => {
                let settled = idp.settled().await;
                assert_eq!(settled["verdict"], "not-checked");
                continue;
            }
        };
        assert_eq!(idp.settled().await["source"], source, "{asked}");
        let asked_of_ocsp = idp.responder.requests(What::Ocsp);
        assert_eq!(asked_of_ocsp > 0, source == "ocsp", "{asked}: {asked_of_ocsp}");
    }
}

#[tokio::test]
async fn where_one_source_is_silent_the_other_is_asked_if_the_order_says_so() {
    use RevocationOrder as O;
    for (asked, crl, ocsp, expected) in [
        (O::OcspThenCrl, Fault::None, Fault::Down, None),
        (O::OcspThenCrl, Fault::None, Fault::Garbage, None),
        (O::OcspThenCrl, Fault::None, Fault::WrongSigner, None),
        (O::OcspThenCrl, Fault::None, Fault::Stale, None),
        (O::OcspThenCrl, Fault::None, Fault::Unknown, None),
        (O::OcspThenCrl, Fault::None, Fault::Huge, None),
        (O::OcspThenCrl, Fault::None, Fault::Redirecting(String::new()), None),
        (O::CrlThenOcsp, Fault::Down, Fault::None, None),
        (O::CrlThenOcsp, Fault::Garbage, Fault::None, None),
        (O::CrlThenOcsp, Fault::WrongSigner, Fault::None, None),
        (O::CrlThenOcsp, Fault::Stale, Fault::None, None),
        (O::CrlThenOcsp, Fault::Unknown, Fault::None, None),
        (O::CrlThenOcsp, Fault::Huge, Fault::None, None),
        (O::CrlThenOcsp, Fault::Redirecting(String::new()), Fault::None, None),
        (O::Ocsp, Fault::None, Fault::Down, Some("certificate_status_unknown")),
        (O::Ocsp, Fault::None, Fault::Garbage, Some("certificate_status_unknown")),
        (O::Ocsp, Fault::None, Fault::WrongSigner, Some("certificate_status_unknown")),
        (O::Ocsp, Fault::None, Fault::Stale, Some("certificate_status_unknown")),
        (O::Ocsp, Fault::None, Fault::Unknown, Some("certificate_status_unknown")),
        (O::Ocsp, Fault::None, Fault::Huge, Some("certificate_status_unknown")),
        (
            O::Ocsp,
            Fault::None,
            Fault::Redirecting(String::new()),
            Some("certificate_status_unknown"),
        ),
        (O::Crl, Fault::Down, Fault::None, Some("certificate_status_unknown")),
        (O::Crl, Fault::Garbage, Fault::None, Some("certificate_status_unknown")),
        (O::Crl, Fault::WrongSigner, Fault::None, Some("certificate_status_unknown")),
        (O::Crl, Fault::Stale, Fault::None, Some("certificate_status_unknown")),
        (O::Crl, Fault::Unknown, Fault::None, Some("certificate_status_unknown")),
        (O::Crl, Fault::Huge, Fault::None, Some("certificate_status_unknown")),
        (
            O::Crl,
            Fault::Redirecting(String::new()),
            Fault::None,
            Some("certificate_status_unknown"),
        ),
        (O::OcspThenCrl, Fault::Down, Fault::Down, Some("certificate_status_unknown")),
        (O::CrlThenOcsp, Fault::Down, Fault::Down, Some("certificate_status_unknown")),
    ] {
        let idp = TestIdp::start_without_lists(|config, responder| {
            order(config, asked);
            for row in &mut config.revocation.authorities {
                row.settings.max_crl_bytes = 1024 * 1024;
            }
            responder.set_fault(What::Crl, crl.clone());
            responder.set_fault(What::Ocsp, ocsp.clone());
        })
        .await;
        let tried = |counts: &siths_idp::revocation::Counts| {
            counts.list_fetches + counts.list_failures >= 7 || !asked.asks_crl()
        };
        idp.until_sources(|report| tried(&report.counts)).await;
        let outcome = idp.outcome("clinician").await;
        assert_eq!(outcome.as_deref(), expected, "{asked} crl {crl} ocsp {ocsp}");
        let settled = idp.settled().await;
        let verdict = if expected.is_some() { "undetermined" } else { "not-revoked" };
        assert_eq!(settled["verdict"], verdict, "{asked} crl {crl} ocsp {ocsp}: {settled}");
        let counts = idp.sources().counts;
        assert_eq!(counts.undetermined > 0, expected.is_some(), "{counts:?}");
    }
}

#[tokio::test]
async fn what_a_list_says_is_heard_though_ocsp_says_otherwise() {
    let idp = TestIdp::start().await;
    assert_eq!(idp.outcome("clinician").await, None);
    // The answer is remembered, and the list is newer.
    idp.revoke("clinician");
    for row in &idp.config.revocation.authorities {
        assert!(row.settings.ocsp_max_age >= chrono::TimeDelta::hours(1));
    }
    assert_eq!(idp.outcome("clinician").await, None, "known only to who asks again");
    let before = idp.list_of_cards().entries;
    idp.sql("update revocation_lists set fetch_after = created_at - interval '1 day'").await;
    idp.node.app.revocation.tell();
    idp.until_sources(|report| of_cards(report.clone()).crl.unwrap().entries > before).await;
    assert_eq!(idp.outcome("clinician").await.as_deref(), Some("certificate_revoked"));
}

#[tokio::test]
async fn nobody_is_asked_about_a_card_that_is_not_genuine() {
    let idp = TestIdp::start().await;
    for (person, code) in [
        ("untrusted", "certificate_untrusted"),
        ("wrong-certificate", "certificate_wrong_type"),
        ("expired", "certificate_expired"),
        ("signing", "certificate_for_signing"),
    ] {
        let serial = idp.card(person).chain[0].clone();
        idp.responder.revoke_certificate(&serial).unwrap();
        assert_eq!(idp.outcome(person).await.as_deref(), Some(code));
        assert!(idp.settled().await.is_null());
    }
    assert_eq!(idp.responder.requests(What::Ocsp), 0);
    assert_eq!(idp.sources().counts.revoked, 0);
}

#[tokio::test]
async fn a_card_revoked_between_two_logins_does_not_log_in_the_second_time() {
    for asked in [RevocationOrder::OcspThenCrl, RevocationOrder::Crl, RevocationOrder::Ocsp] {
        let idp = TestIdp::start_with(|config| order(config, asked)).await;
        let mut browser = idp.browser("clinician");
        idp.code(&mut browser, &idp.authorize()).await;
        idp.revoke("clinician");
        // An hour later every answer has been asked for anew, and every list.
        idp.fetch_again_or_advance().await;
        let walk = idp.walk(&mut browser, &idp.authorize().url()).await;
        assert_eq!(walk.error_code(), "certificate_revoked", "{asked}");
    }
}

#[tokio::test]
async fn within_the_grace_a_silent_source_is_forgiven_and_the_audit_trail_says_so() {
    for asked in [RevocationOrder::Crl, RevocationOrder::Ocsp, RevocationOrder::OcspThenCrl] {
        let idp = TestIdp::start_with(|config| {
            order(config, asked);
            grace(config, 12);
        })
        .await;
        idp.until_listed().await;
        assert_eq!(idp.outcome("clinician").await, None);
        idp.responder.set_fault(What::Crl, Fault::Down);
        idp.responder.set_fault(What::Ocsp, Fault::Down);
        // Past the nextUpdate of both: a list's after 24 hours at most, an answer's after one.
        let last_good = if asked == RevocationOrder::Ocsp { 0 } else { 24 };
        idp.advance((last_good + 2) * 3600);
        assert_eq!(idp.outcome("clinician").await, None, "{asked}");
        let settled = idp.settled().await;
        assert_eq!(settled["verdict"], "within-grace", "{asked}: {settled}");
        assert!(settled["age_seconds"].as_i64().unwrap() >= 2 * 3600, "{settled}");
        assert!(idp.sources().counts.within_grace > 0);
        assert!(!idp.sources().current);
        // And then no longer.
        idp.advance(12 * 3600);
        let outcome = idp.outcome("clinician").await;
        assert_eq!(outcome.as_deref(), Some("certificate_status_unknown"), "{asked}");
        assert_eq!(idp.settled().await["verdict"], "undetermined");
        // Back, all is well: a silent responder is asked again after seconds, and lists too.
        idp.responder.set_fault(What::Crl, Fault::None);
        idp.responder.set_fault(What::Ocsp, Fault::None);
        idp.advance(700);
        idp.until_listed().await;
        assert_eq!(idp.outcome("clinician").await, None, "{asked}");
    }
}

#[tokio::test]
async fn without_grace_a_list_that_has_run_out_is_not_accepted() {
    let idp = TestIdp::start_with(|config| order(config, RevocationOrder::Crl)).await;
    idp.responder.set_fault(What::Crl, Fault::Down);
    let ends = idp.list_of_cards().next_update.unwrap();
    idp.advance((ends - idp.clock.now()).num_seconds());
    assert_eq!(idp.outcome("clinician").await, None);
    idp.advance(1);
    assert_eq!(idp.outcome("clinician").await.as_deref(), Some("certificate_status_unknown"));
    let settled = idp.settled().await;
    assert!(settled["detail"].as_str().unwrap().contains("no longer current"), "{settled}");
}

#[tokio::test]
async fn a_reserve_card_is_asked_about_at_its_own_authority() {
    let idp = TestIdp::start_with(|config| order(config, RevocationOrder::Crl)).await;
    // The same serial number at another authority says nothing.
    let serial = serial(&idp, "clinician");
    let other = CaName::Issuing(IssuerName::HsaId2);
    idp.responder.revoke(other, &serial, idp.clock.now());
    idp.fetch_again().await;
    assert_eq!(idp.outcome("clinician").await, None);
    idp.revoke("reserve-card");
    idp.fetch_again().await;
    assert_eq!(idp.outcome("reserve-card").await.as_deref(), Some("certificate_revoked"));
}

fn serial(idp: &TestIdp, person: &str) -> Vec<u8> {
    use x509_parser::prelude::FromDer as _;
    let card = idp.card(person).chain[0].clone();
    let (_, read) = x509_parser::certificate::X509Certificate::from_der(&card).unwrap();
    read.raw_serial().to_vec()
}
