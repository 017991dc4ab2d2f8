//! The codes that logins end with, the catalogue, and that every code is provoked.

use std::collections::BTreeSet;
use std::path::Path;

use siths_idp::dev::seed::CLIENT_ID;
use siths_idp::error::{Code, tables};
use siths_idp::oidc::client::ToldFirst;

use crate::harness::answer::{handed_back, told_by_page, told_by_redirect};
use crate::harness::{Answer, CLIENT_SECRET, REDIRECT_URI, TestIdp, page_code};

#[tokio::test]
async fn each_failure_at_the_card_has_its_code() {
    let idp = TestIdp::start().await;
    for (person, code) in [
        ("wrong-certificate", "certificate_wrong_type"),
        ("signing", "certificate_for_signing"),
        ("function", "certificate_not_personal"),
        ("untrusted", "certificate_untrusted"),
        ("expired", "certificate_expired"),
        ("not-yet-valid", "certificate_not_yet_valid"),
        ("unusable", "certificate_unusable"),
    ] {
        let walk = idp.walk(&mut idp.browser(person), &idp.authorize().url()).await;
        assert_eq!(told_by_page(walk.last()), code);
        assert!(walk.link("https://idp.localhost").is_some_and(|again| again.path() == "/again"));
    }
    let walk = idp.walk(&mut idp.browser_with(None), &idp.authorize().url()).await;
    assert_eq!(told_by_page(walk.last()), "certificate_missing");
    for (person, code) in [
        ("unknown", "user_unknown"),
        ("disabled", "user_disabled"),
        ("not-current", "user_not_current"),
        ("no-role", "role_missing"),
    ] {
        let walk = idp.walk(&mut idp.browser(person), &idp.authorize().url()).await;
        assert_eq!(told_by_redirect(walk.last(), REDIRECT_URI, idp.issuer()), code);
    }
}

#[tokio::test]
async fn a_client_may_have_the_person_told_first() {
    let idp = TestIdp::start().await;
    idp.register(|client| client.told_first = ToldFirst::Person).await;
    let walk = idp.walk(&mut idp.browser("unknown"), &idp.authorize().url()).await;
    assert_eq!(told_by_page(walk.last()), "user_unknown");
    let back = walk.link(REDIRECT_URI).expect("back to the system");
    assert!(
        back.query_pairs().any(|(name, value)| name == "error_code" && value == "user_unknown")
    );
    // Nobody looks at a page that was to be silent.
    let silent = idp.authorize().set("prompt", "none");
    let answer = idp.browser_with(None).get(&silent.url()).await.unwrap();
    assert_eq!(told_by_redirect(&answer, REDIRECT_URI, idp.issuer()), "login_required");
}

#[tokio::test]
async fn a_login_that_is_late_lost_or_used_has_its_code() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let card = browser.get(&idp.authorize().url()).await.unwrap().location().unwrap();
    let resume = browser.get(&card).await.unwrap().location().unwrap();
    // A ticket in another browser logs nobody in, and tells nothing.
    let stolen = idp.browser("clinician").get(&resume).await.unwrap();
    assert_eq!(told_by_page(&stolen), "login_lost");
    assert!(!stolen.body.contains("Demo-Symfoni"));
    let altered = resume.as_str().replacen("ticket=", "ticket=A", 1);
    let altered = browser.get(&altered.parse().unwrap()).await.unwrap();
    assert_eq!(told_by_page(&altered), "login_lost");
    // It stayed good, and is good once.
    let first = browser.get(&resume).await.unwrap();
    assert!(handed_back(&first, REDIRECT_URI).contains_key("code"));
    assert_eq!(told_by_page(&browser.get(&resume).await.unwrap()), "login_replayed");

    let card = browser.get(&idp.authorize().url()).await.unwrap().location().unwrap();
    idp.advance(601);
    let resume = browser.get(&card).await.unwrap().location().unwrap();
    assert_eq!(told_by_page(&browser.get(&resume).await.unwrap()), "login_expired");
}

#[tokio::test]
async fn a_page_changes_its_language_however_long_the_request_was() {
    let idp = TestIdp::start().await;
    for state in ["short".to_owned(), "long".repeat(1900)] {
        let mut browser = idp.browser("expired");
        let request = idp.authorize().set("state", &state).set("ui_locales", "fi sv");
        let walk = idp.walk(&mut browser, &request.url()).await;
        let page = walk.last();
        assert!(page.body.contains("<html lang=\"sv\">"));
        let english = format!("{}&ui_locales=en", page.url);
        let page = browser.get(&english.parse().unwrap()).await.unwrap();
        // Shown again, it is the same failure, not a replay.
        assert_eq!(told_by_page(&page), "certificate_expired");
        assert!(page.body.contains("<html lang=\"en\">"), "{}", state.len());
    }
}

#[tokio::test]
async fn a_database_that_is_away_is_told_as_such() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let card = browser.get(&idp.authorize().url()).await.unwrap().location().unwrap();
    let resume = browser.get(&card).await.unwrap().location().unwrap();
    idp.pool().close().await;
    let answer = browser.get(&resume).await.unwrap();
    assert_eq!(told_by_redirect(&answer, REDIRECT_URI, idp.issuer()), "unavailable");
    assert_eq!(idp.token_error(&idp.token_request("a-code")).await, "unavailable");
    let story = idp.http().get(idp.at("/login-errors/ABCD-EFGH"));
    let told = story.basic_auth(CLIENT_ID, Some(CLIENT_SECRET)).send().await.unwrap();
    assert_eq!(Answer::of(told).await.problem(idp.issuer()), "unavailable");
}

#[tokio::test]
async fn a_host_that_is_not_the_one_of_the_connection_is_misdirected() {
    let idp = TestIdp::start().await;
    let port = idp.issuer().port().unwrap();
    for host in ["card.idp.localhost", "rp.localhost"] {
        let request = idp.http().get(idp.at("/")).header("host", format!("{host}:{port}"));
        let answer = Answer::of(request.send().await.unwrap()).await;
        assert_eq!((answer.status, answer.body.trim()), (421, "misdirected"));
    }
}

#[tokio::test]
async fn the_catalogue_is_served_whole() {
    let idp = TestIdp::start().await;
    let answer = Answer::of(idp.http().get(idp.at("/errors")).send().await.unwrap()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("cache-control"), "public, max-age=3600");
    assert_eq!(answer.json(), tables::as_json());
    let errors = answer.json()["errors"].as_array().unwrap().clone();
    let codes: Vec<&str> = errors.iter().map(|error| error["code"].as_str().unwrap()).collect();
    assert_eq!(codes, Code::ALL.iter().map(|code| code.name()).collect::<Vec<_>>());
}

#[tokio::test]
async fn every_code_has_a_page_in_both_languages() {
    let idp = TestIdp::start().await;
    let http = idp.http();
    for code in Code::ALL.iter().map(|code| code.name()) {
        for (query, accept, language) in [
            ("", "", "sv"),
            ("", "de, fr;q=0.9", "sv"),
            ("", "en-GB, sv;q=0.5", "en"),
            ("?ui_locales=sv", "en", "sv"),
            ("?ui_locales=fi%20en", "sv", "en"),
        ] {
            let request = http.get(idp.at(&format!("/errors/{code}{query}")));
            let answer = request.header("accept-language", accept).send().await.unwrap();
            let answer = Answer::of(answer).await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
            assert!(answer.body.contains(&format!("<html lang=\"{language}\">")), "{code}");
            assert!(answer.body.contains(&format!(">{code}</code>")), "{code}");
        }
    }
    for unknown in ["nonsense", "Internal", "%C3%A5", "internal/x"] {
        let answer = http.get(idp.at(&format!("/errors/{unknown}"))).send().await.unwrap();
        let answer = Answer::of(answer).await;
        assert_eq!((answer.status, page_code(&answer.body).as_deref()), (404, Some("not_found")));
    }
}

/// Codes that no integration test provokes, and why.
const NOT_PROVOKED: [(Code, &str); 1] =
    [(Code::Internal, "a fault of ours: there is no request that should find one")];

#[test]
fn every_code_is_provoked() {
    let mut sources = String::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it"), &mut sources);
    // Names stand in these sources as literals only where a test expects them.
    let missing: BTreeSet<&str> = Code::ALL
        .iter()
        .map(|code| code.name())
        .filter(|name| !sources.contains(&format!("\"{name}\"")))
        .collect();
    assert_eq!(missing, NOT_PROVOKED.iter().map(|(code, _)| code.name()).collect());
}

fn read(folder: &Path, sources: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, sources);
        } else {
            sources.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}
