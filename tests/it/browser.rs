//! What a person sees: Demo-Symfoni and the provider in a real Chromium, with cards in its store.

use siths_idp::config::IssuerKind;
use siths_idp::dev::pki::IssuerName;
use siths_idp::dev::run::{self, Options};
use siths_idp::identity::assurance::Loa;

use crate::harness::chromium::{self, Chromium};
use crate::harness::demo::{BACK, LOG_IN, TRY_AGAIN, demo_of, idp_with_demo};
use crate::harness::{page_code, site};

#[tokio::test(flavor = "multi_thread")]
async fn a_clinician_presses_the_button_and_is_logged_in() {
    if !chromium::is_installed() {
        return;
    }
    let installation = run::start(&Options {
        folder: env!("CARGO_TARGET_TMPDIR").into(),
        database_url: Some(site().empty_database().await),
        keep: false,
        install_postgres: false,
        port: 0,
        demo_port: 0,
        status_port: 0,
    })
    .await
    .unwrap();
    // The other certificate of the same person is in the store too, and is not offered.
    let browser = Chromium::start(&installation.pki, &["wrong-certificate", "clinician"]).await;
    browser.open(&demo_of(&installation.registered.redirect_uri)).await;
    browser.picture("demo-start").await;
    browser.press(LOG_IN).await;
    assert_eq!(browser.heading().await, "Inloggad som Anna Testsson");
    let text = browser.text().await;
    for told in ["SE2321000222-DEV1", "SYMFONI;Handläggare", "SYMFONI;Bedömningstandläkare"] {
        assert!(text.contains(told), "{told}: {text}");
    }
    browser.picture("demo-logged-in").await;
    browser.open(&installation.registered.issuer).await;
    browser.picture("start").await;
    drop(browser);
    installation.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_chose_person_id_may_choose_again_or_go_back() {
    if !chromium::is_installed() {
        return;
    }
    // Some browsers offer every certificate whatever the server hints; Chromium does not. Here the
    // server hints at the Person ID authority too, so that the wrong certificate can be chosen.
    let (idp, demo) = idp_with_demo(|config| {
        let name = IssuerName::PersonId3.file_name();
        for issuer in &mut config.trust.issuers {
            if issuer.certificate.file_stem().is_some_and(|stem| stem == name) {
                (issuer.kind, issuer.loa) = (IssuerKind::HsaId, Some(Loa::Three));
            }
        }
    })
    .await;
    let browser = Chromium::start(idp.pki(), &["wrong-certificate"]).await;
    browser.open(&demo).await;
    browser.press(LOG_IN).await;
    let page = Page::of(&browser).await;
    assert_eq!(page.heading, "Välj certifikatet Person HSA-id");
    assert_eq!(page.code, "certificate_wrong_type");
    browser.picture("error").await;
    browser.reload().await;
    assert_eq!(Page::of(&browser).await, page);

    let first = card_host(&browser).await;
    browser.press(TRY_AGAIN).await;
    let second = card_host(&browser).await;
    assert_ne!(first, second, "a browser remembers its choice for a host");
    let again = Page::of(&browser).await;
    assert_eq!((&again.heading, &again.code), (&page.heading, &page.code));
    assert_ne!(again.reference, page.reference, "every attempt has a reference of its own");
    browser.back().await;
    assert_eq!(Page::of(&browser).await, page);

    browser.press(BACK).await;
    let documented =
        "Inloggningen avbröts p.g.a. användare med HSAID '189001019802' finns ej i systemet";
    let text = browser.text().await;
    assert!(text.contains(documented) && text.contains(&page.reference), "{text}");
    browser.picture("demo-error").await;
    browser.back().await;
    assert_eq!(Page::of(&browser).await, page);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_puts_the_card_in_late_logs_in_without_a_restart() {
    if !chromium::is_installed() {
        return;
    }
    let (idp, demo) = idp_with_demo(|_| {}).await;
    let browser = Chromium::start(idp.pki(), &[]).await;
    browser.open(&demo).await;
    browser.press(LOG_IN).await;
    let page = Page::of(&browser).await;
    assert_eq!(page.code, "certificate_missing");
    browser.picture("error-no-card").await;
    browser.reload().await;
    assert_eq!(Page::of(&browser).await, page);
    browser.import(idp.pki(), "clinician");
    browser.press(TRY_AGAIN).await;
    assert_eq!(browser.heading().await, "Inloggad som Anna Testsson");
}

/// What an error page says.
#[derive(Debug, PartialEq, Eq)]
struct Page {
    heading: String,
    code: String,
    reference: String,
}

impl Page {
    async fn of(browser: &Chromium) -> Self {
        let (heading, html) = (browser.heading().await, browser.html().await);
        let reference = html.split_once("<strong translate=\"no\">").map(|(_, rest)| rest);
        Self {
            heading,
            code: page_code(&html).unwrap_or_default(),
            reference: reference.and_then(|rest| rest.split('<').next()).unwrap_or("").to_owned(),
        }
    }
}

/// The only card host that the browser has visited lately.
async fn card_host(browser: &Chromium) -> String {
    let mut hosts = browser.hosts_visited().await;
    hosts.retain(|host| host.ends_with(".card.idp.localhost"));
    assert_eq!(hosts.len(), 1, "{hosts:?}");
    hosts.remove(0)
}
