//! Revocation lists in the background: fetched by one node, kept for all, never older than before.

use std::time::{Duration, Instant};

use siths_idp::config::{Config, RevocationOrder};
use siths_idp::dev::responder::{Fault, What};
use siths_idp::random::Random;
use siths_idp::revocation::Report;
use siths_idp::serve::{self, Node, ServeError};
use siths_idp::store::revocation::{self as kept, NewList};

use crate::harness::revocation::{HSA_ID_3, of_cards, order};
use crate::harness::{TestIdp, loopback, site};

/// Authorities, and so lists, of the look-alike PKI.
fn authorities(idp: &TestIdp) -> u64 {
    idp.config.revocation.authorities.len() as u64
}

fn report(idp: &TestIdp, node: &Node) -> Report {
    node.app.revocation.report(idp.clock.now())
}

/// Until a node is as wished; sooner than it would find out without being told.
async fn soon(idp: &TestIdp, node: &Node, is_so: impl Fn(&Report) -> bool) {
    let began = Instant::now();
    while !is_so(&report(idp, node)) {
        assert!(began.elapsed() < Duration::from_secs(6), "{:#?}", report(idp, node));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_node_starts_without_the_network_from_what_the_database_holds() {
    let idp = TestIdp::start_with_responder(|config, responder| {
        order(config, RevocationOrder::Crl);
        responder.set_fault(What::Crl, Fault::Down);
    })
    .await;
    // At once: the lists are in use before the first connection is taken.
    assert!(idp.sources().current, "{:#?}", idp.sources());
    assert_eq!(idp.outcome("clinician").await, None);
    assert_eq!(idp.responder.requests(What::Crl), 0);
}

#[tokio::test]
async fn one_node_fetches_for_all_and_the_others_are_told() {
    let idp = TestIdp::start_without_lists(|config, _| order(config, RevocationOrder::Crl)).await;
    let (second, _) = idp.another_node().await;
    let (third, _) = idp.another_node().await;
    let nodes = [&idp.node, &second, &third];
    for node in nodes {
        soon(&idp, node, |report| report.current).await;
    }
    assert_eq!(idp.responder.requests(What::Crl), authorities(&idp));
    // And so with each later one.
    let before = idp.list_of_cards().entries;
    idp.revoke("clinician");
    idp.advance(3600);
    for node in nodes {
        soon(&idp, node, |report| of_cards(report.clone()).crl.unwrap().entries > before).await;
    }
    let fetched: u64 = nodes.iter().map(|node| report(&idp, node).counts.list_fetches).sum();
    assert!(fetched <= 2 * authorities(&idp), "{fetched}");
    assert_eq!(idp.outcome("clinician").await.as_deref(), Some("certificate_revoked"));
    second.stop().await;
    third.stop().await;
}

#[tokio::test]
async fn a_node_that_dies_while_it_fetches_is_stood_in_for() {
    let idp = TestIdp::start_without_lists(|config, responder| {
        order(config, RevocationOrder::Crl);
        responder.set_fault(What::Crl, Fault::Slow(Duration::from_secs(600)));
    })
    .await;
    while idp.responder.requests(What::Crl) < authorities(&idp) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    idp.responder.set_fault(What::Crl, Fault::None);
    let (second, _) = idp.another_node().await;
    // Not while the first may still be at it: its time-out, and two minutes more.
    idp.advance(200);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(idp.responder.requests(What::Crl), authorities(&idp));
    idp.advance(41);
    soon(&idp, &second, |report| report.current).await;
    second.stop().await;
}

#[tokio::test]
async fn an_unchanged_list_is_confirmed_and_not_sent_again() {
    let idp = TestIdp::start_without_lists(|config, _| order(config, RevocationOrder::Crl)).await;
    idp.until_listed().await;
    let unchanged = "select jsonb_build_array(authority::text, sha256::text, etag, this_update)
        from revocation_lists order by authority";
    let before = idp.rows(unchanged).await;
    let confirmed = idp.list_of_cards().confirmed_at.unwrap();
    // Due again, within the same hour of the responder.
    idp.sql("update revocation_lists set fetch_after = '2000-01-01'").await;
    idp.node.app.revocation.tell();
    idp.until_sources(|report| report.counts.list_fetches >= 14).await;
    assert_eq!(idp.rows(unchanged).await, before);
    assert_eq!(idp.sources().counts.list_failures, 0);
    assert!(idp.list_of_cards().confirmed_at.unwrap() >= confirmed);
}

#[tokio::test]
async fn an_older_list_is_not_taken_though_it_is_properly_signed() {
    let idp = TestIdp::start_with(|config| order(config, RevocationOrder::Crl)).await;
    idp.revoke("clinician");
    idp.fetch_again().await;
    assert_eq!(idp.outcome("clinician").await.as_deref(), Some("certificate_revoked"));
    let before = idp.list_of_cards();
    // Whoever sits in between brings yesterday's list back.
    idp.responder.set_fault(What::Crl, Fault::Stale);
    idp.fetch_again().await;
    let told = |report: &Report| of_cards(report.clone()).crl.unwrap().last_error.is_some();
    idp.until_sources(told).await;
    let after = idp.list_of_cards();
    assert_eq!(after.this_update, before.this_update);
    assert!(after.last_error.as_ref().unwrap().contains("older"), "{after:?}");
    assert!(after.failures > 0);
    assert_eq!(idp.outcome("clinician").await.as_deref(), Some("certificate_revoked"));
}

#[tokio::test]
async fn the_database_takes_no_older_list_from_a_node_that_knows_no_better() {
    let idp = TestIdp::start().await;
    let now = idp.clock.now();
    let authority = [7; 32];
    kept::ensure(idp.pool(), &[authority.to_vec()], now).await.unwrap();
    let put = async |number: &[u8], hours: i64| {
        let list = NewList {
            authority: &authority,
            der: b"list",
            sha256: &[number[0]; 32],
            number,
            this_update: now + chrono::TimeDelta::hours(hours),
            next_update: now + chrono::TimeDelta::hours(hours + 24),
            source: "http://crl.example/",
            etag: None,
            last_modified: None,
        };
        kept::replace(idp.pool(), &list, now, now).await.unwrap()
    };
    for (number, hours, taken) in [
        (&[2][..], 0, true),
        (&[2], 0, true),
        (&[1], 5, false),
        (&[3], -1, false),
        (&[0x01, 0x00], 1, true),
        // As numbers, not as texts.
        (&[0xff], 2, false),
        (&[0x01, 0x01], 1, true),
    ] {
        assert_eq!(put(number, hours).await, taken, "{number:?} {hours}");
    }
}

#[tokio::test]
async fn what_is_fetched_badly_leaves_what_is_in_use() {
    for fault in [
        Fault::Down,
        Fault::Garbage,
        Fault::WrongSigner,
        Fault::Unknown,
        Fault::Huge,
        Fault::Redirecting(String::new()),
    ] {
        let idp = TestIdp::start_with(|config| {
            order(config, RevocationOrder::Crl);
            for row in &mut config.revocation.authorities {
                row.settings.max_crl_bytes = 1024 * 1024;
            }
        })
        .await;
        let before = idp.list_of_cards();
        idp.responder.set_fault(What::Crl, fault.clone());
        idp.fetch_again().await;
        let told = |report: &Report| of_cards(report.clone()).crl.unwrap().last_error.is_some();
        idp.until_sources(told).await;
        let after = idp.list_of_cards();
        assert_eq!((after.this_update, after.current), (before.this_update, true), "{fault}");
        assert_eq!(idp.outcome("clinician").await, None, "{fault}");
    }
}

#[tokio::test]
async fn the_next_mirror_is_tried() {
    let idp = TestIdp::start_without_lists(|config, responder| {
        order(config, RevocationOrder::Crl);
        let nobody = format!("http://{}/nobody.crl", loopback().local_addr().unwrap());
        let garbage = responder.crl_url(siths_idp::dev::pki::CaName::Root);
        for row in &mut config.revocation.authorities {
            row.crl.insert(0, garbage.parse().unwrap());
            row.crl.insert(0, nobody.parse().unwrap());
        }
    })
    .await;
    idp.until_listed().await;
    assert_eq!(idp.outcome("clinician").await, None);
    // Nobody there, and the list of another authority.
    assert!(idp.sources().counts.list_failures >= 2 * (authorities(&idp) - 1));
}

#[tokio::test]
async fn a_redirect_to_an_inner_address_is_not_followed() {
    let inner = loopback();
    let address = inner.local_addr().unwrap();
    let idp = TestIdp::start_without_lists(|config, responder| {
        order(config, RevocationOrder::CrlThenOcsp);
        for what in What::ALL {
            responder.set_fault(what, Fault::Redirecting(format!("http://{address}/secret")));
        }
        // Even where the inner network may be fetched from by address.
        assert!(config.revocation.private_networks[0].contains(&address.ip()));
    })
    .await;
    idp.until_sources(|report| report.counts.list_failures >= 7).await;
    let outcome = idp.outcome("clinician").await;
    assert_eq!(outcome.as_deref(), Some("certificate_status_unknown"));
    assert!(idp.list_of_cards().last_error.unwrap().contains("redirect"));
    let knocked = inner.accept();
    assert_eq!(knocked.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn an_inner_address_that_is_not_listed_is_not_fetched_from() {
    let idp = TestIdp::start_without_lists(|config, _| {
        config.revocation.private_networks.clear();
        order(config, RevocationOrder::CrlThenOcsp);
        for (row, name) in config.revocation.authorities.iter_mut().zip('a'..) {
            // A name that leads inward, besides the address in figures.
            row.crl[0].set_host(Some(&format!("{name}.localhost"))).unwrap();
        }
    })
    .await;
    idp.until_sources(|report| report.counts.list_failures >= 7).await;
    let outcome = idp.outcome("clinician").await;
    assert_eq!(outcome.as_deref(), Some("certificate_status_unknown"));
    assert!(idp.list_of_cards().last_error.unwrap().contains("private_networks"));
    for what in What::ALL {
        assert_eq!(idp.responder.requests(what), 0);
    }
}

#[tokio::test]
async fn a_list_in_the_database_that_cannot_be_read_is_fetched_again() {
    let idp = TestIdp::start_with(|config| order(config, RevocationOrder::Crl)).await;
    idp.sql(
        "update revocation_lists set der = '\\x3000', sha256 = decode(repeat('00', 32), 'hex')",
    )
    .await;
    let (second, _) = idp.another_node().await;
    // Nothing to go by, so nobody is let in by it.
    assert!(report(&idp, &second).authorities.iter().all(|one| !one.current));
    idp.sql("update revocation_lists set fetch_after = '2000-01-01', this_update = '2000-01-01', number = '\\x00'")
        .await;
    second.app.revocation.tell();
    soon(&idp, &second, |report| report.current).await;
    second.stop().await;
}

/// Starts a node by a configuration that was changed.
async fn started(edit: impl FnOnce(&mut Config)) -> Result<Node, ServeError> {
    let mut idp = TestIdp::start().await;
    edit(&mut idp.config);
    serve::start(&idp.config, idp.clock.clone(), Random::system(), Vec::new()).await
}

#[tokio::test]
async fn every_authority_has_a_row_and_every_row_an_authority() {
    let refused = |edit: fn(&mut Config)| async move {
        match started(edit).await {
            Ok(_) => panic!("it started"),
            Err(error) => error.to_string(),
        }
    };
    let missing = refused(|config| {
        config.revocation.authorities.truncate(5);
    })
    .await;
    let [.., left, last] = site().pki.issuers() else { panic!("few issuers") };
    assert!(missing.contains(&left.pem.display().to_string()), "{missing}");
    assert!(missing.contains(&last.pem.display().to_string()), "{missing}");
    // A CA between the root and an issuing CA is one of them.
    let between = refused(|config| {
        let last = config.trust.issuers.pop().unwrap();
        config.trust.intermediates.push(last.certificate.clone());
        config.revocation.authorities.retain(|row| row.certificate != last.certificate);
    })
    .await;
    assert!(between.contains(&last.pem.display().to_string()), "{between}");
    let foreign = refused(|config| {
        config.revocation.authorities[0].certificate = site().pki.web_ca_pem().to_owned();
    })
    .await;
    assert!(foreign.contains("none of trust.roots"), "{foreign}");
    let twice = refused(|config| {
        let again = config.revocation.authorities[1].clone();
        config.revocation.authorities.push(again);
    })
    .await;
    assert!(twice.contains("has a row already") && twice.contains(HSA_ID_3), "{twice}");
    // Said aloud, it is allowed.
    let off = started(|config| {
        config.revocation.defaults.order = RevocationOrder::Off;
        config.revocation.authorities.clear();
    })
    .await
    .unwrap();
    let told = off.app.revocation.report(chrono::Utc::now());
    assert_eq!(told.unasked.len(), 7, "{told:?}");
    off.stop().await;
}
