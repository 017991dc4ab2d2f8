//! The catalogue, the story of a failed login, and that no personnummer is anywhere.

use std::collections::BTreeSet;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::Algorithm;
use siths_idp::dev::seed::CLIENT_ID;
use siths_idp::error::messages::messages;
use siths_idp::error::{Code, Language, tables};
use siths_idp::oidc::client::{ClientAuthentication, ToldFirst};
use siths_idp::secret::sha256;
use siths_idp::store::housekeeping;

use crate::harness::answer::{handed_back, is_reference, told_by_page, told_by_redirect};
use crate::harness::assertion::{Assertion, p256};
use crate::harness::{Answer, CLIENT_SECRET, REDIRECT_URI, TestIdp, TokenRequest, Walk, page_code};

/// The personnummer (of Skatteverket's, for tests) of the Person ID certificate, and ways to write it.
const PERSONNUMMER: &str = "189001019802";
const WRITTEN: [&str; 5] =
    ["9001019802", "900101-9802", "900101%2D9802", "393030313031393830", "OTAwMTAxOTgw"];

/// What a login of the person ends with, for the client: the `error_ref` by redirect or by page.
async fn failed(idp: &TestIdp, person: &str, request: &crate::harness::Authorize) -> String {
    reference(&idp.walk(&mut idp.browser(person), &request.url()).await)
}

fn reference(walk: &Walk) -> String {
    let back = walk.last().location().or_else(|| walk.link(REDIRECT_URI)).expect("a way back");
    let (_, reference) = back.query_pairs().find(|(name, _)| name == "error_ref").unwrap();
    assert!(is_reference(&reference), "{reference}");
    reference.into_owned()
}

async fn story(idp: &TestIdp, reference: &str, by: Option<(&str, &str)>) -> Answer {
    let mut request = idp.http().get(idp.at(&format!("/login-errors/{reference}")));
    if let Some((id, secret)) = by {
        request = request.basic_auth(id, Some(secret));
    }
    Answer::of(request.send().await.unwrap()).await
}

const DEMO: Option<(&str, &str)> = Some((CLIENT_ID, CLIENT_SECRET));

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
    assert_eq!(story(&idp, "ABCD-EFGH", DEMO).await.problem(idp.issuer()), "unavailable");
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

#[tokio::test]
async fn a_story_is_told_to_nobody_but_the_client_that_it_concerns() {
    let idp = TestIdp::start().await;
    idp.register(|client| client.id = "other".to_owned()).await;
    let reference = failed(&idp, "unknown", &idp.authorize()).await;
    for (by, code) in [
        (None, "client_authentication_missing"),
        (Some((CLIENT_ID, "wrong")), "client_secret_wrong"),
        (Some(("nobody", CLIENT_SECRET)), "client_not_registered"),
        (Some(("other", CLIENT_SECRET)), "login_error_unknown"),
    ] {
        let answer = story(&idp, &reference, by).await;
        assert_eq!(answer.problem(idp.issuer()), code);
        assert!(!answer.body.contains("DEV4"));
    }
    for made_up in ["ABCD-EFGH", "nonsense", "%27%20or%201=1"] {
        let answer = story(&idp, made_up, DEMO).await;
        assert_eq!(answer.problem(idp.issuer()), "login_error_unknown", "{made_up}");
    }
    assert_eq!(idp.audited("login_error.read").await, 0);
    assert_eq!(story(&idp, &reference, DEMO).await.status, 200);
    assert_eq!(idp.audited("login_error.read").await, 1);
}

#[tokio::test]
async fn a_login_that_succeeded_has_no_story() {
    let idp = TestIdp::start().await;
    idp.code(&mut idp.browser("clinician"), &idp.authorize()).await;
    let reference: String =
        sqlx::query_scalar("select ref from login_attempts").fetch_one(idp.pool()).await.unwrap();
    let answer = story(&idp, &reference, DEMO).await;
    assert_eq!(answer.problem(idp.issuer()), "login_error_unknown");
}

#[tokio::test]
async fn a_story_has_the_documented_sentence_and_what_to_do() {
    let idp = TestIdp::start().await;
    for (person, code, submitted) in [
        ("wrong-certificate", "certificate_wrong_type", Some(PERSONNUMMER)),
        ("unknown", "user_unknown", Some("SE2321000222-DEV4")),
        ("no-role", "role_missing", Some("SE2321000222-DEV3")),
    ] {
        let reference = failed(&idp, person, &idp.authorize()).await;
        let answer = story(&idp, &reference, DEMO).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.header("cache-control"), "no-store");
        let told = answer.json();
        assert_eq!(told["code"], code);
        assert_eq!(told["ref"], reference);
        assert_eq!(told["submitted_value"].as_str(), submitted);
        assert_eq!(told["type"], idp.at(&format!("/errors/{code}")).as_str());
        assert_eq!(told["status"], 403);
        assert_eq!(told["error"], "access_denied");
        if let (Some(value), true) = (submitted, code != "role_missing") {
            let sentence = format!(
                "Inloggningen avbröts p.g.a. användare med HSAID '{value}' finns ej i systemet"
            );
            assert_eq!(told["messages"]["sv"], sentence);
            assert!(told["messages"]["en"].as_str().unwrap().contains(value));
        }
        let known = Code::by_name(code).unwrap();
        assert_eq!(told["retry"], known.again());
        assert_eq!(told["contact"]["kind"], messages(known, Language::Sv).contact.name());
        for language in ["sv", "en"] {
            let actions: Vec<String> =
                serde_json::from_value(told["actions"][language].clone()).unwrap();
            assert!(!actions.is_empty() && actions.iter().all(|step| !step.contains('{')));
        }
    }
}

#[tokio::test]
async fn clients_of_every_method_read_their_stories() {
    let idp = TestIdp::start().await;
    idp.register(|client| {
        client.id = "post".to_owned();
        let hash = sha256(CLIENT_SECRET.as_bytes());
        client.authentication = ClientAuthentication::SecretPost { hash };
    })
    .await;
    idp.register(|client| {
        client.id = "jwt".to_owned();
        client.authentication = p256().registered();
    })
    .await;
    let signed = |id: &str| {
        let assertion = Assertion::new(id, idp.config.issuer_identifier(), idp.clock.now());
        assertion.sign(Algorithm::ES256, &p256().signing)
    };
    let none = || TokenRequest::new("").basic(None).only_authentication();
    let by_post = none().set("client_id", "post").set("client_secret", CLIENT_SECRET);
    for (id, proof) in [("post", by_post), ("jwt", none().assertion(&signed("jwt")))] {
        let request = idp.authorize().set("client_id", id);
        let reference = failed(&idp, "unknown", &request).await;
        let address = idp.at(&format!("/login-errors/{reference}"));
        let answer = proof.answer(&idp.http(), &address).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.json()["submitted_value"], "SE2321000222-DEV4");
        if id == "jwt" {
            let replayed = proof.answer(&idp.http(), &address).await;
            assert_eq!(replayed.problem(idp.issuer()), "assertion_replayed");
        }
        // The others' are none of its business.
        let others = failed(&idp, "unknown", &idp.authorize()).await;
        let proof = if id == "jwt" { none().assertion(&signed("jwt")) } else { proof };
        let address = idp.at(&format!("/login-errors/{others}"));
        let answer = proof.answer(&idp.http(), &address).await;
        assert_eq!(answer.problem(idp.issuer()), "login_error_unknown");
    }
    let json = idp.http().post(idp.at("/login-errors/ABCD-EFGH")).json(&serde_json::json!({}));
    let answer = Answer::of(json.send().await.unwrap()).await;
    assert_eq!(answer.problem(idp.issuer()), "content_type_unsupported");
}

#[tokio::test]
async fn after_ten_minutes_a_story_is_gone_and_its_value_erased() {
    let idp = TestIdp::start().await;
    let reference = failed(&idp, "wrong-certificate", &idp.authorize()).await;
    let sealed = async || -> i64 {
        let kept = "select count(sealed_submitted_value) from login_attempts";
        sqlx::query_scalar(kept).fetch_one(idp.pool()).await.unwrap()
    };
    idp.advance(599);
    housekeeping::run(idp.pool(), idp.clock.now()).await.unwrap();
    assert_eq!(story(&idp, &reference, DEMO).await.status, 200);
    assert_eq!(sealed().await, 1);
    idp.advance(1);
    let answer = story(&idp, &reference, DEMO).await;
    assert_eq!(answer.problem(idp.issuer()), "login_error_unknown");
    housekeeping::run(idp.pool(), idp.clock.now()).await.unwrap();
    assert_eq!(sealed().await, 0);
    // The attempt itself stays, for an inspector.
    assert_eq!(idp.tables().await["login_attempts"].len(), 1);
}

#[tokio::test]
async fn a_personnummer_is_nowhere_but_in_the_story() {
    assert!(PERSONNUMMER.ends_with(WRITTEN[0]));
    let hex: String = PERSONNUMMER.bytes().map(|byte| format!("{byte:02x}")).collect();
    assert!(
        hex.contains(WRITTEN[3]) && STANDARD.encode(&PERSONNUMMER[2..]).starts_with(WRITTEN[4])
    );
    let clean = |what: &str, text: &str| {
        for written in WRITTEN {
            assert!(!text.contains(written), "{written} in {what}: {text}");
        }
    };
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("wrong-certificate");
    let walk = idp.walk(&mut browser, &idp.authorize().url()).await;
    assert_eq!(told_by_page(walk.last()), "certificate_wrong_type");
    let again = walk.link("https://idp.localhost").unwrap();
    let second = idp.walk(&mut browser, &again).await;
    for answer in walk.0.iter().chain(&second.0) {
        clean("address", answer.url.as_str());
        clean("header and cookies", &format!("{:?}", answer.headers));
        clean("page", &answer.body);
    }
    clean("way back", walk.link(REDIRECT_URI).unwrap().as_str());
    let told = story(&idp, &reference(&walk), DEMO).await;
    assert_eq!(told.json()["submitted_value"], PERSONNUMMER);
    let tables = idp.tables().await;
    assert!(tables["audit_events"].iter().any(|row| row.contains("certificate_wrong_type")));
    for (name, rows) in &tables {
        rows.iter().for_each(|row| clean(name, row));
    }
    // And the scan would find one.
    let details = serde_json::json!({ "leaked": PERSONNUMMER });
    sqlx::query("insert into audit_events (created_at, event, details) values (now(), 'x', $1)")
        .bind(details)
        .execute(idp.pool())
        .await
        .unwrap();
    assert!(format!("{:?}", idp.tables().await).contains(WRITTEN[0]));
}

#[tokio::test]
async fn a_personnummer_in_a_request_is_kept_nowhere() {
    let idp = TestIdp::start().await;
    let request = idp.authorize().set("login_hint", PERSONNUMMER);
    failed(&idp, "unknown", &request).await;
    let tables = format!("{:?}", idp.tables().await);
    assert!(!tables.contains(WRITTEN[0]));
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
