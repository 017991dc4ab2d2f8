//! The chooser of certificates in a real Chromium and a real Firefox: whoever chose wrongly, or shares
//! a workstation, chooses again without closing the browser.
//!
//! A card is a certificate with its key in the store of the browser, or on a token of SoftHSM, put in
//! and pulled out while the browser runs.

use std::fs;
use std::path::PathBuf;

use chrono::{TimeDelta, Utc};
use siths_idp::card_hosts::{CardHosts, Chooser, Label};
use siths_idp::dev::pki::IssuerName::{self, HsaId2, HsaId3, PersonId3};
use siths_idp::dev::pki::card::Card;

use crate::harness::chromium::{self, Chromium};
use crate::harness::demo::{LOG_IN, TRY_AGAIN, idp_with_demo};
use crate::harness::firefox::{self, Firefox};
use crate::harness::person::Person;
use crate::harness::token::Token;
use crate::harness::{TestIdp, page_code};

const ANNA: &str = "Inloggad som Anna Testsson";
const BJORN: &str = "Inloggad som Björn Provén";

/// The two certificates of Anna's card. The one with her personnummer is valid longer, and so comes
/// first in a chooser that shows both.
fn annas_card(idp: &TestIdp) -> [PathBuf; 2] {
    let now = Utc::now();
    let authority = idp.pki().authority(PersonId3).unwrap();
    let card = Card::person_id("189001019802", now).named("Anna", "Testsson");
    let card = card.valid(now - TimeDelta::days(1), now + TimeDelta::days(3000));
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!(
        "person-id-{}-{}.p12",
        std::process::id(),
        idp.issuer().port().unwrap()
    ));
    fs::write(&file, card.build(&authority).unwrap().p12("Person ID").unwrap()).unwrap();
    [file, idp.pki().person("clinician").unwrap().p12.clone()]
}

fn bjorns_card(idp: &TestIdp) -> PathBuf {
    idp.pki().person("reserve-card").unwrap().p12.clone()
}

async fn code(person: &impl Person) -> String {
    page_code(&person.html().await).unwrap_or_default()
}

async fn idp_with(label: Label, chooser: Chooser) -> (TestIdp, String) {
    let hosts = CardHosts::wildcard("card.idp.localhost", label, chooser);
    idp_with_demo(|config| config.card.hosts = hosts).await
}

/// The host that all logins begin at remembers the wrong certificate; the next attempt does not.
async fn a_wrong_choice_is_remembered_and_tried_again(
    person: &impl Person,
    idp: &TestIdp,
    demo: &str,
) {
    for certificate in annas_card(idp) {
        person.reader().insert(&certificate);
    }
    let both: &[IssuerName] = &[PersonId3, HsaId3];
    person.open(demo).await;
    person.press_and_choose(LOG_IN, both, Some(PersonId3), "both-certificates").await;
    assert_eq!(code(person).await, "certificate_wrong_type");

    // The trouble that all this is about.
    person.open(demo).await;
    person.press(LOG_IN).await;
    assert_eq!(code(person).await, "certificate_wrong_type", "without a question");
    person.picture("remembered").await;

    person.press_and_choose(TRY_AGAIN, both, Some(HsaId3), "asked-again").await;
    assert_eq!(person.heading().await, ANNA);
}

/// Nothing, then more, then the wrong one, then the right one.
async fn a_cancelled_chooser_is_followed_by_a_wider_one(
    person: &impl Person,
    idp: &TestIdp,
    demo: &str,
) {
    let [person_id, hsa_id] = annas_card(idp);
    person.reader().insert(&person_id);
    person.open(demo).await;
    // Nothing that would be offered: no chooser at all.
    person.press(LOG_IN).await;
    assert_eq!(code(person).await, "certificate_missing");
    person.picture("nothing-offered").await;
    person.press_and_choose(TRY_AGAIN, &[PersonId3], None, "wider").await;
    assert_eq!(code(person).await, "certificate_missing");
    // Any certificate: the store holds no other.
    person.press_and_choose(TRY_AGAIN, &[PersonId3], Some(PersonId3), "any").await;
    assert_eq!(code(person).await, "certificate_wrong_type");
    person.reader().insert(&hsa_id);
    person.press_and_choose(TRY_AGAIN, &[HsaId3], None, "narrow-again").await;
    assert_eq!(code(person).await, "certificate_missing");
    person.press_and_choose(TRY_AGAIN, &[PersonId3, HsaId3], Some(PersonId3), "wider-again").await;
    assert_eq!(code(person).await, "certificate_wrong_type");
    person.press_and_choose(TRY_AGAIN, &[HsaId3], Some(HsaId3), "narrow-at-last").await;
    assert_eq!(person.heading().await, ANNA);
}

/// One workstation, one browser, two people.
async fn the_next_person_is_the_one_who_logs_in(person: &impl Person, idp: &TestIdp, demo: &str) {
    let [_, annas] = annas_card(idp);
    person.reader().insert(&annas);
    person.open(demo).await;
    person.press_and_choose(LOG_IN, &[HsaId3], Some(HsaId3), "anna").await;
    assert_eq!(person.heading().await, ANNA);

    person.reader().pull();
    person.open(demo).await;
    person.press(LOG_IN).await;
    assert_eq!(code(person).await, "certificate_missing", "her card has left");
    person.picture("card-pulled").await;

    person.reader().insert(&bjorns_card(idp));
    person.open(demo).await;
    person.press_and_choose(LOG_IN, &[HsaId2], Some(HsaId2), "bjorn").await;
    assert_eq!(person.heading().await, BJORN);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_chromium_a_wrong_choice_is_tried_again() {
    if chromium::is_installed_with_a_screen() {
        let (idp, demo) = idp_with(Label::Retry, Chooser::Siths).await;
        let browser = Chromium::start_in_a_window(idp.pki()).await;
        a_wrong_choice_is_remembered_and_tried_again(&browser, &idp, &demo).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_firefox_a_wrong_choice_is_tried_again() {
    if firefox::is_installed() {
        let (idp, demo) = idp_with(Label::Retry, Chooser::Siths).await;
        let browser = Firefox::start(idp.pki(), &[]).await;
        a_wrong_choice_is_remembered_and_tried_again(&browser, &idp, &demo).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_chromium_a_cancelled_chooser_is_followed_by_a_wider_one() {
    if chromium::is_installed_with_a_screen() {
        let (idp, demo) = idp_with(Label::Always, Chooser::HsaId).await;
        let browser = Chromium::start_in_a_window(idp.pki()).await;
        a_cancelled_chooser_is_followed_by_a_wider_one(&browser, &idp, &demo).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_firefox_a_cancelled_chooser_is_followed_by_a_wider_one() {
    if firefox::is_installed() {
        let (idp, demo) = idp_with(Label::Always, Chooser::HsaId).await;
        let browser = Firefox::start(idp.pki(), &[]).await;
        a_cancelled_chooser_is_followed_by_a_wider_one(&browser, &idp, &demo).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_chromium_the_next_person_is_the_one_who_logs_in() {
    if chromium::is_installed_with_a_screen() {
        let (idp, demo) = idp_with(Label::Always, Chooser::HsaId).await;
        let browser = Chromium::start_in_a_window(idp.pki()).await;
        the_next_person_is_the_one_who_logs_in(&browser, &idp, &demo).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_firefox_the_next_person_is_the_one_who_logs_in() {
    if firefox::is_installed() {
        let (idp, demo) = idp_with(Label::Always, Chooser::HsaId).await;
        let browser = Firefox::start(idp.pki(), &[]).await;
        the_next_person_is_the_one_who_logs_in(&browser, &idp, &demo).await;
    }
}

/// Where all logins begin at one host, its browser's memory outlives the person. In the end Anna's
/// card is out, Björn's in, and the button to press.
async fn a_choice_outlives_the_person(person: &impl Person, idp: &TestIdp, demo: &str) {
    let [_, annas] = annas_card(idp);
    person.reader().insert(&annas);
    person.open(demo).await;
    person.press_and_choose(LOG_IN, &[HsaId3], Some(HsaId3), "retry-anna").await;
    assert_eq!(person.heading().await, ANNA);
    // Whoever presses the button next is her, while her card is in.
    person.reader().insert(&bjorns_card(idp));
    person.open(demo).await;
    person.press(LOG_IN).await;
    assert_eq!(person.heading().await, ANNA);
    person.reader().pull();
    person.reader().insert(&bjorns_card(idp));
    person.open(demo).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_chromium_a_choice_for_one_host_outlives_the_person() {
    if chromium::is_installed_with_a_screen() {
        let (idp, demo) = idp_with(Label::Retry, Chooser::HsaId).await;
        let browser = Chromium::start_in_a_window(idp.pki()).await;
        a_choice_outlives_the_person(&browser, &idp, &demo).await;
        // A certificate that is not there any more is forgotten.
        browser.press_and_choose(LOG_IN, &[HsaId2], Some(HsaId2), "retry-bjorn").await;
        assert_eq!(browser.heading().await, BJORN);
        // That there was none is remembered, too; until the next attempt, on another host.
        browser.reader().pull();
        browser.open(&demo).await;
        browser.press(LOG_IN).await;
        assert_eq!(code(&browser).await, "certificate_missing");
        browser.reader().insert(&bjorns_card(&idp));
        browser.open(&demo).await;
        browser.press(LOG_IN).await;
        assert_eq!(code(&browser).await, "certificate_missing");
        browser.press_and_choose(TRY_AGAIN, &[HsaId2], Some(HsaId2), "retry-again").await;
        assert_eq!(browser.heading().await, BJORN);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_firefox_a_choice_for_one_host_outlives_the_person() {
    if firefox::is_installed() {
        let (idp, demo) = idp_with(Label::Retry, Chooser::HsaId).await;
        let browser = Firefox::start(idp.pki(), &[]).await;
        a_choice_outlives_the_person(&browser, &idp, &demo).await;
        // None is sent in the place of the one that has gone, and nobody is asked; until the next
        // attempt, on another host.
        browser.press(LOG_IN).await;
        assert_eq!(code(&browser).await, "certificate_missing");
        browser.press_and_choose(TRY_AGAIN, &[HsaId2], Some(HsaId2), "retry-bjorn").await;
        assert_eq!(browser.heading().await, BJORN);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn firefox_that_chooses_by_itself_takes_what_is_offered() {
    if firefox::is_installed() {
        let (idp, demo) = idp_with(Label::Always, Chooser::HsaId).await;
        let by_itself = ("security.default_personal_cert", "\"Select Automatically\"");
        let browser = Firefox::start(idp.pki(), &[by_itself]).await;
        for certificate in annas_card(&idp) {
            browser.reader().insert(&certificate);
        }
        browser.open(&demo).await;
        browser.press(LOG_IN).await;
        assert_eq!(browser.heading().await, ANNA);
        browser.reader().pull();
        browser.reader().insert(&bjorns_card(&idp));
        browser.open(&demo).await;
        browser.press(LOG_IN).await;
        assert_eq!(browser.heading().await, BJORN);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_chromium_the_card_in_the_reader_is_the_one_that_logs_in() {
    if chromium::is_installed_with_a_reader() {
        let (idp, demo) = idp_with(Label::Always, Chooser::HsaId).await;
        let reader = Token::create("chromium");
        reader.insert(idp.pki().person("clinician").unwrap());
        let browser = Chromium::start_with_a_reader(idp.pki(), &reader).await;
        browser.open(&demo).await;
        browser.press_and_unlock(LOG_IN).await;
        assert_eq!(browser.heading().await, ANNA);
        reader.pull();
        browser.open(&demo).await;
        browser.press(LOG_IN).await;
        assert_eq!(code(&browser).await, "certificate_missing");
        reader.insert(idp.pki().person("reserve-card").unwrap());
        browser.press_and_choose(TRY_AGAIN, &[HsaId2], Some(HsaId2), "reader-bjorn").await;
        assert_eq!(browser.heading().await, BJORN);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_firefox_the_card_in_the_reader_is_the_one_that_logs_in() {
    if firefox::is_installed_with_a_reader() {
        let (idp, demo) = idp_with(Label::Always, Chooser::HsaId).await;
        let reader = Token::create("firefox");
        reader.insert(idp.pki().person("clinician").unwrap());
        let browser = Firefox::start_with_a_reader(idp.pki(), &reader).await;
        browser.open(&demo).await;
        browser.press_and_unlock(LOG_IN, &[HsaId3], HsaId3).await;
        assert_eq!(browser.heading().await, ANNA);
        reader.pull();
        reader.insert(idp.pki().person("reserve-card").unwrap());
        // It still offers what was on a token that never left; without the key none is sent.
        let both = &[HsaId3, HsaId2];
        browser.open(&demo).await;
        browser.press_and_choose(LOG_IN, both, Some(HsaId3), "reader-stale").await;
        assert_eq!(code(&browser).await, "certificate_missing");
        browser.press_and_choose(TRY_AGAIN, both, Some(HsaId2), "reader-bjorn").await;
        assert_eq!(browser.heading().await, BJORN);
    }
}
