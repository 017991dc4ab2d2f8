//! The story of a failed login, told to its client alone; and that no personnummer is anywhere else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::Algorithm;
use siths_idp::dev::seed::CLIENT_ID;
use siths_idp::error::messages::messages;
use siths_idp::error::{Code, Language};
use siths_idp::oidc::client::ClientAuthentication;
use siths_idp::secret::sha256;
use siths_idp::store::housekeeping;

use crate::harness::answer::{is_reference, told_by_page};
use crate::harness::assertion::{Assertion, p256};
use crate::harness::{Answer, Authorize, CLIENT_SECRET, REDIRECT_URI, TestIdp, TokenRequest, Walk};

/// The personnummer (of Skatteverket's, for tests) of the Person ID certificate, and ways to write it.
const PERSONNUMMER: &str = "189001019802";
const WRITTEN: [&str; 5] =
    ["9001019802", "900101-9802", "900101%2D9802", "393030313031393830", "OTAwMTAxOTgw"];

/// What a login of the person ends with, for the client: the `error_ref` by redirect or by page.
async fn failed(idp: &TestIdp, person: &str, request: &Authorize) -> String {
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
        p256().register(client);
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
