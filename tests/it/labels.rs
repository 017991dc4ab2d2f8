//! The names of card hosts: what is offered on each, and that they live and die with one login.

use siths_idp::card_hosts::{CardHosts, Chooser, Label};
use siths_idp::dev::browser::Browser;
use siths_idp::dev::pki::IssuerName;
use url::Url;
use x509_parser::prelude::{FromDer as _, X509Name};

use crate::harness::{TestIdp, Walk};

const PARENT: &str = "card.idp.localhost";

const LOG_IN: [&str; 2] = [IssuerName::HsaId3.common_name(), IssuerName::HsaId2.common_name()];

/// Where a walk was asked for its card.
fn card_host(walk: &Walk) -> String {
    let hosts = walk.0.iter().map(|answer| answer.url.host_str().unwrap().to_owned());
    let [host] = &hosts.filter(|host| host != "idp.localhost").collect::<Vec<_>>()[..] else {
        panic!("one card host a login");
    };
    host.clone()
}

/// The names of the issuers that a host tells browsers of; `None` where it does not ask.
async fn offered(idp: &TestIdp, host: &str) -> Option<Vec<String>> {
    let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let answer = idp.wire().send(host, &request).await.unwrap();
    let name = |der: &Vec<u8>| {
        let (_, name) = X509Name::from_der(der).unwrap();
        name.iter_common_name().next().unwrap().as_str().unwrap().to_owned()
    };
    answer.asked.then(|| answer.issuers.iter().map(name).collect())
}

async fn first(idp: &TestIdp, browser: &mut Browser) -> Walk {
    idp.walk(browser, &idp.authorize().url()).await
}

async fn again(idp: &TestIdp, browser: &mut Browser, walk: &Walk) -> Walk {
    let link = walk.link(idp.at("/again").as_str()).expect("a link to try again");
    idp.walk(browser, &link).await
}

fn tells_of_more(walk: &Walk) -> bool {
    walk.last().body.contains("Person HSA-id om det finns med")
}

#[tokio::test]
async fn without_a_certificate_the_next_attempt_offers_more_and_begins_again_after_all() {
    let idp = TestIdp::start().await;
    let every = IssuerName::ALL.map(IssuerName::common_name).to_vec();
    let mut browser = idp.browser_with(None);
    let mut walk = first(&idp, &mut browser).await;
    for round in 0..2 {
        for (expected, tells) in [(LOG_IN.to_vec(), true), (every.clone(), true), (vec![], false)] {
            assert_eq!(walk.error_code(), "certificate_missing");
            let host = card_host(&walk);
            assert_eq!(offered(&idp, &host).await.unwrap(), expected, "{round} {host}");
            assert_eq!(tells_of_more(&walk), tells, "{round} {host}");
            walk = again(&idp, &mut browser, &walk).await;
        }
    }
}

#[tokio::test]
async fn after_a_certificate_the_next_attempt_offers_what_the_first_did() {
    let idp = TestIdp::start().await;
    for (cancelled, issuers) in [(1, IssuerName::ALL.len()), (2, 0)] {
        let mut browser = idp.browser_with(None);
        let mut walk = first(&idp, &mut browser).await;
        for _ in 1..cancelled {
            walk = again(&idp, &mut browser, &walk).await;
        }
        idp.swap(&mut browser, Some(idp.card("wrong-certificate")));
        walk = again(&idp, &mut browser, &walk).await;
        assert_eq!(walk.error_code(), "certificate_wrong_type");
        assert_eq!(offered(&idp, &card_host(&walk)).await.unwrap().len(), issuers);
        assert!(!tells_of_more(&walk));
        idp.swap(&mut browser, Some(idp.card("expired")));
        for _ in 0..2 {
            walk = again(&idp, &mut browser, &walk).await;
            assert_eq!(offered(&idp, &card_host(&walk)).await.unwrap(), LOG_IN);
        }
    }
}

#[tokio::test]
async fn a_reload_of_the_page_leads_on_to_the_same() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser_with(None);
    let walk = first(&idp, &mut browser).await;
    idp.advance(120);
    let reloaded = idp.walk(&mut browser, &walk.last().url.clone()).await;
    assert!(tells_of_more(&reloaded));
    let walk = again(&idp, &mut browser, &reloaded).await;
    assert_eq!(offered(&idp, &card_host(&walk)).await.unwrap().len(), IssuerName::ALL.len());
}

#[tokio::test]
async fn what_the_first_attempt_offers_is_configured() {
    for (chooser, expected, next) in [
        (Chooser::HsaId, 2, IssuerName::ALL.len()),
        (Chooser::Siths, IssuerName::ALL.len(), 0),
        (Chooser::Any, 0, 0),
    ] {
        let hosts = CardHosts::wildcard(PARENT, Label::Always, chooser);
        let idp = TestIdp::start_with(|config| config.card.hosts = hosts).await;
        let mut browser = idp.browser_with(None);
        let walk = first(&idp, &mut browser).await;
        assert_eq!(offered(&idp, &card_host(&walk)).await.unwrap().len(), expected, "{chooser}");
        assert_eq!(tells_of_more(&walk), chooser != Chooser::Any);
        let walk = again(&idp, &mut browser, &walk).await;
        assert_eq!(offered(&idp, &card_host(&walk)).await.unwrap().len(), next, "{chooser}");
    }
}

#[tokio::test]
async fn a_fixed_list_widens_by_its_second_list_alone() {
    let names = |letter: char| ['1', '2'].map(|n| format!("{letter}{n}.{PARENT}"));
    for wider in [names('w').to_vec(), Vec::new()] {
        let hosts = CardHosts::fixed(&names('c'), &wider, Chooser::HsaId);
        let idp = TestIdp::start_with(|config| config.card.hosts = hosts).await;
        let mut browser = idp.browser_with(None);
        let walk = first(&idp, &mut browser).await;
        let begun = card_host(&walk);
        assert_eq!(offered(&idp, &begun).await.unwrap(), LOG_IN);
        assert_eq!(tells_of_more(&walk), !wider.is_empty());
        let mut walk = again(&idp, &mut browser, &walk).await;
        if !wider.is_empty() {
            let host = card_host(&walk);
            assert!(wider.contains(&host), "{host}");
            assert_eq!(offered(&idp, &host).await.unwrap(), [""; 0]);
            assert!(!tells_of_more(&walk));
            walk = again(&idp, &mut browser, &walk).await;
        }
        // The other of the list, where the browser remembers nothing.
        let other = card_host(&walk);
        assert!(names('c').contains(&other) && other != begun, "{begun} {other}");
    }
}

#[tokio::test]
async fn with_labels_for_retries_alone_logins_begin_at_one_name() {
    let hosts = CardHosts::wildcard(PARENT, Label::Retry, Chooser::HsaId);
    let idp = TestIdp::start_with(|config| config.card.hosts = hosts).await;
    for _ in 0..2 {
        let mut browser = idp.browser("expired");
        let walk = first(&idp, &mut browser).await;
        assert_eq!(card_host(&walk), PARENT);
        assert_eq!(offered(&idp, PARENT).await.unwrap(), LOG_IN);
        let walk = again(&idp, &mut browser, &walk).await;
        assert_ne!(card_host(&walk), PARENT);
    }
}

#[tokio::test]
async fn with_a_label_for_each_login_the_name_above_asks_for_nothing() {
    let idp = TestIdp::start().await;
    assert_eq!(offered(&idp, PARENT).await, None);
    assert_eq!(offered(&idp, &format!("x.{PARENT}")).await.unwrap(), LOG_IN);
}

#[tokio::test]
async fn a_login_on_the_label_of_another_is_lost() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let begin = async |browser: &mut Browser| -> Url {
        browser.get(&idp.authorize().url()).await.unwrap().location().unwrap()
    };
    let (one, other) = (begin(&mut browser).await, begin(&mut browser).await);
    assert_ne!(one.host_str(), other.host_str());
    let mut crossed = one.clone();
    crossed.set_host(other.host_str()).unwrap();
    assert_eq!(idp.walk(&mut browser, &crossed).await.error_code(), "login_lost");
    // Of another width alone.
    let mut wider = one.clone();
    let name = one.host_str().unwrap();
    assert!(name.starts_with('h'), "{name}");
    wider.set_host(Some(&name.replacen('h', "a", 1))).unwrap();
    assert_eq!(idp.walk(&mut browser, &wider).await.error_code(), "login_lost");
    assert_eq!(idp.traces().await, 0);
    for url in [one, other] {
        assert!(idp.walk(&mut browser, &url).await.parameters().contains_key("code"));
    }
}

#[tokio::test]
async fn a_label_dies_with_its_login() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let card = browser.get(&idp.authorize().url()).await.unwrap().location().unwrap();
    assert!(idp.walk(&mut browser, &card).await.parameters().contains_key("code"));
    // The same address again: the browser would send the certificate without asking.
    let before = idp.traces().await;
    assert_eq!(idp.walk(&mut browser, &card).await.error_code(), "login_replayed");
    idp.swap(&mut browser, Some(idp.card("reserve-card")));
    assert_eq!(idp.walk(&mut browser, &card).await.error_code(), "login_replayed");
    assert_eq!(idp.traces().await, before);
    // And after its time, whoever came there.
    let card = browser.get(&idp.authorize().url()).await.unwrap().location().unwrap();
    idp.advance(601);
    assert_eq!(idp.walk(&mut browser, &card).await.error_code(), "login_expired");
    assert_eq!(idp.count("select count(*) from codes").await, 1);
}
