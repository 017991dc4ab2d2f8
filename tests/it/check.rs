//! The check page: what a card is, told to its holder alone, without a login.

use std::num::NonZeroU32;

use crate::harness::revocation::{grace, order};
use siths_idp::card_hosts::{CardHosts, Chooser, Label};
use siths_idp::config::RevocationOrder;
use siths_idp::dev::browser::{Inserted, Response};
use siths_idp::dev::pki::card::{Card, CardFiles};
use siths_idp::dev::pki::{Authority, IssuerName};
use siths_idp::dev::responder::{Fault, What};
use url::Url;

use crate::harness::chromium::{self, Chromium};
use crate::harness::wire::VERSIONS;
use crate::harness::{TestIdp, link};

const CARD: &str = "x.card.idp.localhost";

impl TestIdp {
    /// What a browser with that person's card is shown.
    async fn tried(&self, person: &str) -> Response {
        self.tried_with(Some(self.card(person))).await
    }

    async fn tried_with(&self, card: Option<Inserted>) -> Response {
        let mut browser = self.browser_with(card);
        let mut answers = browser.follow(&self.at("/check"), |_| false).await.unwrap();
        let page = answers.pop().unwrap();
        assert_eq!(page.status, 200, "{}", page.body);
        page
    }
}

fn next(page: &Response) -> Url {
    link(&page.body, "https://a").expect("another label")
}

/// The title of a page.
fn heading(page: &Response) -> &str {
    page.body.split_once("<h1>").unwrap().1.split_once("</h1>").unwrap().0
}

/// The value beside a name.
fn row<'p>(page: &'p Response, name: &str) -> &'p str {
    let name = format!("<dt>{name}</dt><dd");
    let (_, rest) = page.body.split_once(&name).unwrap_or_else(|| panic!("{name}: {}", page.body));
    rest.split_once('>').unwrap().1.split_once("</dd>").unwrap().0
}

#[tokio::test]
async fn a_good_card_is_told_that_it_works_and_leaves_no_trace() {
    let idp = TestIdp::start().await;
    let page = idp.tried("clinician").await;
    let person = idp.pki().person("clinician").unwrap();
    assert_eq!(heading(&page), "Kortet fungerar");
    assert_eq!(row(&page, "HSA-id"), person.hsa_id.unwrap());
    assert_eq!(row(&page, "Användare här"), "Ja");
    assert_eq!(row(&page, "Utfärdare"), "DEV SITHS e-id Person HSA-id 3 CA v1");
    assert_eq!(row(&page, "Tillitsnivå"), "3 (ordinarie kort)");
    assert!(row(&page, "Används till").starts_with("Legitimering (digitalSignature"));
    assert!(row(&page, "TLS").starts_with("TLSv1_"), "{}", row(&page, "TLS"));
    assert!(!page.body.contains(person.surname), "no names: the HSA-id is enough");
    assert_eq!(idp.traces().await, 0);
    assert!(page.body.len() + siths_idp::http::pages::STYLESHEET.len() < 30_000);
}

#[tokio::test]
async fn each_card_is_told_what_it_is() {
    let idp = TestIdp::start().await;
    for person in idp.pki().people() {
        let page = idp.tried(person.name).await;
        let of_card = person.expected.map(|code| code.name());
        let of_card = of_card.filter(|code| code.starts_with("certificate_"));
        let cause = page.body.split_once("<dt>Orsak</dt>").map(|(_, rest)| rest);
        let cause = cause.and_then(|rest| rest.split(['>', ' ']).nth(1));
        assert_eq!(cause, of_card, "{}", person.name);
        let user = row(&page, "Användare här");
        match of_card {
            Some(_) => assert_eq!(user, "Kontrolleras bara med ett kort som godtas"),
            None => assert!(["Ja", "Nej"].contains(&user), "{}: {user}", person.name),
        }
        // Neither a name nor a personnummer, whole or masked.
        assert!(!page.body.contains(&format!("{} {}", person.given_name, person.surname)));
        // (Not "no run of twelve digits": hashes may hold one.)
        assert!(!page.body.contains("189001019802"), "{}", person.name);
    }
    assert_eq!(idp.traces().await, 0);
}

#[tokio::test]
async fn the_wrong_certificate_is_named_and_its_number_is_not_repeated() {
    let idp = TestIdp::start().await;
    let page = idp.tried("wrong-certificate").await;
    assert_eq!(heading(&page), "Välj certifikatet Person HSA-id");
    assert!(row(&page, "Certifikat").starts_with("Person ID, med ditt personnummer"));
    assert_eq!(row(&page, "HSA-id"), "Saknas; där står ett personnummer (visas inte)");
    assert!(page.body.contains("<code>kind</code></dt><dd>failed"), "{}", page.body);
}

#[tokio::test]
async fn without_a_certificate_the_page_says_what_to_look_at() {
    let idp = TestIdp::start().await;
    let page = idp.tried_with(None).await;
    assert_eq!(heading(&page), "Kortet kunde inte läsas");
    for text in ["valet av certifikat", "Klart att användas", ">Försök igen<"] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
}

#[tokio::test]
async fn whether_somebody_is_a_user_is_for_the_holder_of_a_good_card() {
    let idp = TestIdp::start().await;
    // Registered, and switched off or out of its dates: no, and no more than that.
    for person in ["disabled", "unknown"] {
        let page = idp.tried(person).await;
        assert_eq!(row(&page, "Användare här"), "Nej", "{person}");
        assert_eq!(heading(&page), "Kortet fungerar, men du är inte upplagd");
    }
    // An impostor's card for the HSA-id of a user learns nothing, and costs no look-up.
    let (_, before) = idp.node.app.check_counts.snapshot();
    let user = idp.pki().person("clinician").unwrap().hsa_id.unwrap();
    let now = idp.clock.now();
    for (card, authority) in [
        (Card::hsa(user, now), Authority::impostor(IssuerName::HsaId3).unwrap()),
        (Card::hsa(user, now).expired(), idp.pki().authority(IssuerName::HsaId3).unwrap()),
        (Card::hsa(user, now).for_signing(), idp.pki().authority(IssuerName::HsaId3).unwrap()),
        (Card::hsa(user, now), idp.pki().authority(IssuerName::PersonId3).unwrap()),
    ] {
        let CardFiles { chain, key } = card.build(&authority).unwrap();
        let page = idp.tried_with(Some(Inserted { chain, key })).await;
        assert_eq!(row(&page, "Användare här"), "Kontrolleras bara med ett kort som godtas");
        assert!(!page.body.contains(">Ja<") && !page.body.contains(">Nej<"), "{}", page.body);
    }
    assert_eq!(idp.node.app.check_counts.snapshot().1, before);
}

#[tokio::test]
async fn another_certificate_is_chosen_on_another_name() {
    let idp = TestIdp::start().await;
    let mut seen = std::collections::HashSet::new();
    let mut browser = idp.browser("wrong-certificate");
    // The name that is read out on the telephone, and the way from a page, both lead to a label.
    let parent = Url::parse(idp.at("/check").as_str().replace("//idp", "//card.idp").as_str());
    for start in [parent.unwrap(), idp.at("/check")] {
        let answers = browser.follow(&start, |_| false).await.unwrap();
        assert_eq!(answers.len(), 2, "one redirect, one page");
        let mut page = answers.into_iter().last().unwrap();
        for _ in 0..3 {
            assert!(seen.insert(page.url.host_str().unwrap().to_owned()), "{}", page.url);
            page = browser.get(&next(&page)).await.unwrap();
        }
        // Whatever was chosen before, another certificate can be.
        idp.swap(&mut browser, Some(idp.card("clinician")));
        let page = browser.get(&next(&page)).await.unwrap();
        assert_eq!(heading(&page), "Kortet fungerar");
        idp.swap(&mut browser, Some(idp.card("wrong-certificate")));
    }
}

#[tokio::test]
async fn of_a_fixed_list_the_next_name_is_taken() {
    let names = ["c1", "c2", "c3"].map(|name| format!("{name}.card.idp.localhost"));
    let hosts = CardHosts::fixed(&names, &[], Chooser::HsaId);
    let idp = TestIdp::start_with(|config| config.card.hosts = hosts).await;
    let mut browser = idp.browser("clinician");
    let answers = browser.follow(&idp.at("/check"), |_| false).await.unwrap();
    let mut page = answers.into_iter().last().unwrap();
    let mut visited = Vec::new();
    for _ in 0..3 {
        visited.push(page.url.host_str().unwrap().to_owned());
        let next = link(&page.body, "https://c").unwrap();
        page = browser.get(&next).await.unwrap();
    }
    visited.sort();
    assert_eq!(visited, names);
}

#[tokio::test]
async fn the_name_that_logins_begin_at_leads_to_a_label_all_the_same() {
    let hosts = CardHosts::wildcard("card.idp.localhost", Label::Retry, Chooser::HsaId);
    let idp = TestIdp::start_with(|config| config.card.hosts = hosts).await;
    let request = "GET /check HTTP/1.1\r\nHost: card.idp.localhost\r\n\r\n";
    let answer = idp.wire().send("card.idp.localhost", request).await.unwrap();
    assert_eq!(answer.status, 303);
    assert!(answer.header("location")[0].starts_with("https://a"), "{}", answer.text);
}

#[tokio::test]
async fn the_page_is_kept_nowhere_framed_nowhere_and_says_nothing_to_other_sites() {
    let idp = TestIdp::start().await;
    let issuer = idp.config.issuer_identifier();
    let ask = |head: String| {
        let wire = idp.wire().card(idp.card("clinician"));
        async move { wire.send(CARD, &format!("{head}\r\n\r\n")).await.unwrap() }
    };
    let get = format!("GET /check HTTP/1.1\r\nHost: {CARD}");
    for extra in ["", "\r\nSec-Fetch-Dest: document", "\r\nOrigin: https://evil.example"] {
        let answer = ask(format!("{get}{extra}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        for (name, value) in [
            ("connection", "close"),
            ("cache-control", "no-store"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("content-type", "text/html; charset=utf-8"),
        ] {
            assert_eq!(answer.header(name), [value], "{name}");
        }
        assert_eq!(answer.header("access-control-allow-origin"), [""; 0]);
        assert_eq!(answer.header("set-cookie"), [""; 0]);
        let policy = answer.header("content-security-policy");
        assert_eq!(
            policy,
            [format!(
                "default-src 'none'; style-src {issuer}; base-uri 'none'; form-action 'none'; \
                 frame-ancestors 'none'"
            )]
        );
        assert!(answer.text.contains(&format!("href=\"{issuer}/assets/")), "{}", answer.text);
    }
    // What no address bar asks for is answered like everything else on a card host.
    for head in [
        format!("{get}\r\nSec-Fetch-Dest: iframe"),
        format!("{get}\r\nSec-Fetch-Dest: empty\r\nSec-Fetch-Mode: no-cors"),
        format!("{get}\r\nSec-Fetch-Dest: image"),
        format!("HEAD /check HTTP/1.1\r\nHost: {CARD}"),
        format!("POST /check HTTP/1.1\r\nHost: {CARD}\r\nContent-Length: 0"),
        format!("OPTIONS /check HTTP/1.1\r\nHost: {CARD}\r\nOrigin: https://evil.example"),
        format!("GET /check/ HTTP/1.1\r\nHost: {CARD}"),
    ] {
        let answer = ask(head.clone()).await;
        assert_eq!(answer.status, 303, "{head}");
        assert_eq!(answer.header("location"), [format!("{issuer}/")], "{head}");
        assert!(!answer.text.contains("SE2321000222"), "{head}");
    }
    assert_eq!(idp.traces().await, 0);
}

#[tokio::test]
async fn the_language_follows_the_browser_and_the_link() {
    let idp = TestIdp::start().await;
    let ask = |target: &str, accept: &str| {
        let wire = idp.wire().card(idp.card("clinician"));
        let request =
            format!("GET {target} HTTP/1.1\r\nHost: {CARD}\r\nAccept-Language: {accept}\r\n\r\n");
        async move { wire.send(CARD, &request).await.unwrap().text }
    };
    assert!(ask("/check", "fi").await.contains("<h1>Kortet fungerar</h1>"));
    assert!(ask("/check", "en-GB").await.contains("<h1>The card works</h1>"));
    let english = ask("/check?ui_locales=en", "sv").await;
    assert!(english.contains("<h1>The card works</h1>") && english.contains("ui_locales=sv"));
    // The next name keeps what was asked for.
    assert!(english.contains("/check?ui_locales=en\">Choose another"), "{english}");
    let answer = idp.http().get(idp.at("/check?ui_locales=en")).send().await.unwrap();
    assert!(answer.headers()["location"].to_str().unwrap().ends_with("/check?ui_locales=en"));
}

#[tokio::test]
async fn a_good_card_is_told_who_said_so_and_when() {
    let idp = TestIdp::start().await;
    let page = idp.tried("clinician").await;
    assert_eq!(row(&page, "Spärrkontroll"), "Inte spärrat (OCSP, nytt besked)");
    assert!(row(&page, "Spärr, utfärdaren").starts_with("Inte spärrat"), "{}", page.body);
    assert!(page.body.contains("<code>revocation</code></dt><dd>passed"), "{}", page.body);
    idp.advance(17 * 60);
    let page = idp.tried("clinician").await;
    assert_eq!(row(&page, "Spärrkontroll"), "Inte spärrat (OCSP, 17 min gammalt)");
    // A card that is not genuine is asked about nowhere.
    let before = idp.responder.requests(What::Ocsp);
    assert_eq!(row(&idp.tried("untrusted").await, "Spärrkontroll"), "Gjordes inte");
    assert_eq!(row(&idp.tried("expired").await, "Spärrkontroll"), "Gjordes inte");
    assert_eq!(idp.responder.requests(What::Ocsp), before);
}

#[tokio::test]
async fn a_revoked_card_is_told_so_and_learns_nothing_of_users() {
    let idp = TestIdp::start().await;
    idp.revoke("clinician");
    let page = idp.tried("clinician").await;
    assert_eq!(heading(&page), "Kortet är spärrat");
    assert!(row(&page, "Spärrkontroll").starts_with("Spärrat 20"), "{}", page.body);
    assert_eq!(row(&page, "Användare här"), "Kontrolleras bara med ett kort som godtas");
    assert!(page.body.contains("certificate_revoked (revoked)"), "{}", page.body);
    assert!(page.body.contains("<code>revocation</code></dt><dd>failed: <span"), "{}", page.body);
    assert_eq!(idp.node.app.check_counts.snapshot(), (1, 0));
    assert_eq!(idp.traces().await, 0);
}

#[tokio::test]
async fn where_nobody_answers_the_page_says_what_the_configuration_makes_of_it() {
    let idp = TestIdp::start_with(|config| order(config, RevocationOrder::Ocsp)).await;
    idp.responder.set_fault(What::Ocsp, Fault::Down);
    let page = idp.tried("clinician").await;
    assert!(row(&page, "Spärrkontroll").starts_with("Gick inte att ta reda på"), "{}", page.body);
    assert!(page.body.contains("status-undetermined"), "{}", page.body);
    assert_eq!(row(&page, "Användare här"), "Kontrolleras bara med ett kort som godtas");

    let idp = TestIdp::start_with(|config| {
        order(config, RevocationOrder::Ocsp);
        grace(config, 12);
    })
    .await;
    idp.tried("clinician").await;
    idp.responder.set_fault(What::Ocsp, Fault::Down);
    idp.advance(3 * 3600);
    let page = idp.tried("clinician").await;
    let told = row(&page, "Spärrkontroll");
    assert!(told.contains("äldre besked") && told.contains("3 timmar gammalt"), "{told}");
    assert_eq!(row(&page, "Användare här"), "Ja");

    let idp = TestIdp::start_with(|config| order(config, RevocationOrder::Off)).await;
    assert_eq!(row(&idp.tried("clinician").await, "Spärrkontroll"), "Görs inte här");
}

#[tokio::test]
async fn the_signature_that_proved_the_card_is_told() {
    let idp = TestIdp::start().await;
    let request = format!("GET /check HTTP/1.1\r\nHost: {CARD}\r\n\r\n");
    for (version, name, scheme) in
        [(VERSIONS[0], "TLSv1_2", "RSA_P"), (VERSIONS[1], "TLSv1_3", "RSA_PSS_SHA")]
    {
        let wire = || idp.wire().versions(&[version]);
        let answer = wire().card(idp.card("clinician")).send(CARD, &request).await.unwrap();
        let told = answer.text.split_once("<dt>TLS</dt>").unwrap().1.split_once("</dd>").unwrap().0;
        assert!(told.contains(name) && told.contains(scheme), "{told}");
        let answer = wire().send(CARD, &request).await.unwrap();
        assert!(answer.text.contains(name) && !answer.text.contains("RSA_PSS_SHA"));
    }
}

#[tokio::test]
async fn beyond_its_share_an_address_is_told_to_wait_and_nobody_is_asked() {
    let one = NonZeroU32::new(2).unwrap();
    let idp = TestIdp::start_with(|config| config.limits.failed_logins_per_minute = one).await;
    assert_eq!(row(&idp.tried("clinician").await, "Användare här"), "Ja");
    // Any card counts, and a bad one is told what it is all the same.
    assert_eq!(heading(&idp.tried("expired").await), "Certifikatet har gått ut");
    let (_, asked) = idp.node.app.check_counts.snapshot();
    let responder = idp.responder.requests(What::Ocsp);
    let page = idp.tried("reserve-card").await;
    assert_eq!(row(&page, "Användare här"), "Kontrolleras bara med ett kort som godtas");
    assert_ne!(heading(&page), "Kortet fungerar");
    assert_eq!(idp.responder.requests(What::Ocsp), responder);
    assert_eq!(idp.node.app.check_counts.snapshot(), (3, asked));
    assert_eq!(heading(&idp.tried("expired").await), "Certifikatet har gått ut");
    // Logins are counted apart.
    idp.code(&mut idp.browser("clinician"), &idp.authorize()).await;
}

#[tokio::test]
async fn without_the_database_the_card_is_judged_and_the_user_is_left_open() {
    let idp = TestIdp::start().await;
    idp.pool().close().await;
    let page = idp.tried("clinician").await;
    assert_eq!(heading(&page), "Kortet fungerar");
    assert_eq!(row(&page, "Användare här"), "Gick inte att ta reda på just nu");
    assert_eq!(heading(&idp.tried("expired").await), "Certifikatet har gått ut");
}

#[tokio::test]
async fn every_page_about_a_card_leads_there() {
    let idp = TestIdp::start().await;
    for person in ["wrong-certificate", "signing", "expired", "untrusted", "unusable"] {
        let walk = idp.walk(&mut idp.browser(person), &idp.authorize().url()).await;
        assert!(walk.last().body.contains("href=\"/check\""), "{person}: {}", walk.last().body);
    }
    let walk = idp.walk(&mut idp.browser_with(None), &idp.authorize().url()).await;
    assert!(walk.last().body.contains("href=\"/check\""));
    let start = idp.http().get(idp.at("/")).send().await.unwrap().text().await.unwrap();
    assert!(start.contains("href=\"/check\""));
    let lost = idp.http().get(idp.at("/resume")).send().await.unwrap().text().await.unwrap();
    assert!(!lost.contains("href=\"/check\""), "a lost login says nothing of cards");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_tries_a_card_and_then_another() {
    if !chromium::is_installed() {
        return;
    }
    let idp = TestIdp::start().await;
    let browser = Chromium::start(idp.pki(), &[]).await;
    browser.open(idp.at("/").as_str()).await;
    browser.picture("start").await;
    browser.addresses_asked().await;
    browser.press("Prova ditt kort utan att logga in").await;
    assert_eq!(browser.heading().await, "Kortet kunde inte läsas");
    // One connection to the card host, and the page has its style all the same.
    let asked = browser.addresses_asked().await;
    let of_cards = asked.iter().filter(|url| url.host_str().unwrap_or("").contains(".card."));
    assert_eq!(of_cards.count(), 1, "{asked:?}");
    let radius = "return getComputedStyle(document.querySelector('main')).borderTopLeftRadius";
    assert_ne!(browser.find(radius).await, "0px");
    browser.picture("check-no-card").await;

    browser.import(idp.pki(), "wrong-certificate");
    browser.press("Försök igen").await;
    assert_eq!(browser.heading().await, "Välj certifikatet Person HSA-id");
    browser.picture("check-wrong-certificate").await;
    drop(browser);

    for (person, expected) in [
        ("clinician", "Kortet fungerar"),
        ("unknown", "Kortet fungerar, men du är inte upplagd"),
        // Chromium offers neither a certificate for signing alone nor one that has expired.
        ("signing", "Kortet kunde inte läsas"),
        ("expired", "Kortet kunde inte läsas"),
    ] {
        let browser = Chromium::start(idp.pki(), &[person]).await;
        browser.open(idp.at("/check").as_str()).await;
        assert_eq!(browser.heading().await, expected);
        browser.find("document.querySelector('details').open = true").await;
        browser.picture(&format!("check-{person}")).await;
    }
}
