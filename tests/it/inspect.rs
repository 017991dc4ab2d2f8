//! `siths-idp inspect`: the judgement of a node over a file, without a node and without a database.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use siths_idp::cli::{self, Exit, Surroundings};
use siths_idp::clock::Clock;
use siths_idp::config::Environment;
use siths_idp::dev::pki::Pki;
use siths_idp::error::Code;
use siths_idp::random::Random;

use crate::harness::{TestIdp, site};

/// The personnummer on the card of `wrong-certificate`.
const PERSONNUMMER: &str = "189001019802";

struct Told {
    exit: Exit,
    out: String,
    err: String,
}

impl Told {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("{}{}", self.out, self.err))
    }

    fn step(&self, check: &str) -> Value {
        let told = self.json();
        let steps = told["steps"].as_array().unwrap();
        steps.iter().find(|step| step["check"] == check).unwrap()["result"].clone()
    }
}

fn target(name: &str) -> PathBuf {
    let label = Random::system().label();
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("inspect-{label}-{name}"))
}

/// A configuration that says nothing but whom to trust.
fn config(pki: &Pki, more: &str) -> PathBuf {
    let config = site().config(443, "postgres://nobody@localhost/none".to_owned());
    let mut text = format!("[trust]\nroots = [{:?}]\n", pki.root().pem);
    for issuer in &config.trust.issuers {
        let (file, kind) = (&issuer.certificate, issuer.kind);
        text += &format!("[[trust.issuers]]\ncertificate = {file:?}\nkind = \"{kind}\"\n");
        if let Some(loa) = issuer.loa {
            text += &format!("loa = \"{loa}\"\n");
        }
        for policy in &issuer.policies {
            text += &format!("[[trust.issuers.policies]]\noid = \"{}\"\n", policy.oid);
            text += &format!("kind = \"{}\"\n", policy.kind);
        }
    }
    let file = target("config.toml");
    fs::write(&file, text + more).unwrap();
    file
}

async fn inspect(file: &Path, options: &[&str]) -> Told {
    inspect_with(file, options, Clock::system(), Environment::new()).await
}

/// With the database of a node at hand.
async fn inspect_beside(idp: &TestIdp, file: &Path, options: &[&str]) -> Told {
    let url = idp.site.postgres.url(&idp.database());
    let environment = [("SITHS_IDP__DATABASE__URL".to_owned(), url)].into();
    inspect_with(file, options, idp.clock.clone(), environment).await
}

async fn inspect_with(
    file: &Path,
    options: &[&str],
    clock: Clock,
    environment: Environment,
) -> Told {
    inspect_by("", file, options, clock, environment).await
}

/// With more in the configuration.
async fn inspect_by(
    more: &str,
    file: &Path,
    options: &[&str],
    clock: Clock,
    environment: Environment,
) -> Told {
    let config = config(&site().pki, more);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let surroundings = Surroundings {
        clock,
        random: Random::system(),
        environment,
        input: None,
        out: &mut out,
        err: &mut err,
    };
    let arguments = ["siths-idp", "--config", config.to_str().unwrap(), "inspect"];
    let arguments = arguments.iter().copied().chain([file.to_str().unwrap()]);
    let arguments = arguments.chain(options.iter().copied()).map(OsString::from);
    let exit = cli::run(arguments, surroundings).await;
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Told { exit, out: text(out), err: text(err) }
}

#[tokio::test]
async fn the_card_of_each_person_is_judged_as_at_the_door() {
    for person in site().pki.people() {
        let told = inspect(&person.cert_pem, &["--json"]).await;
        let json = told.json();
        // What a node says of the user, and what only an issuer knows, is nothing for a file alone.
        let of_issuer = [Code::CertificateRevoked, Code::CertificateStatusUnknown];
        let of_card = person.expected.filter(|code| !of_issuer.contains(code));
        let of_card = of_card.map(|code| code.name());
        let of_card = of_card.filter(|code| code.starts_with("certificate_"));
        assert_eq!(json["code"].as_str(), of_card, "{}", person.name);
        // Nobody says whether it is revoked, and that is neither yes nor no.
        let would = if of_card.is_none() { Value::Null } else { false.into() };
        assert_eq!(json["would_log_in"], would, "{}", person.name);
        let exit = if of_card.is_none() { Exit::Open } else { Exit::Failed };
        assert_eq!(told.exit, exit, "{}", person.name);
        assert_eq!(told.step("revocation"), "not-asked");
        for told in [told, inspect(&person.cert_pem, &[]).await] {
            let told = told.out + &told.err;
            assert!(!told.contains(person.surname), "{}: {told}", person.name);
        }
    }
}

#[tokio::test]
async fn a_personnummer_is_masked() {
    let person = site().pki.person("wrong-certificate").unwrap();
    for options in [&["--json"][..], &[]] {
        let told = inspect(&person.cert_pem, options).await;
        assert_eq!(told.exit, Exit::Failed);
        // Not "no run of twelve digits": hashes may hold one.
        assert!(!told.out.contains(PERSONNUMMER), "{}", told.out);
        assert!(told.out.contains("-****"), "{}", told.out);
    }
    let told = inspect(&person.cert_pem, &["--json"]).await;
    assert_eq!(told.json()["certificate"]["kind"], "person-id");
    assert_eq!(told.step("kind"), "failed");
    assert_eq!(told.step("key-usage"), "not-reached");
}

#[tokio::test]
async fn a_card_is_judged_at_the_moment_that_is_asked_for() {
    let person = site().pki.person("clinician").unwrap();
    let told = inspect(&person.cert_pem, &["--json"]).await.json();
    let day = |name: &str, days: i64| {
        let moment: DateTime<Utc> = told["certificate"][name].as_str().unwrap().parse().unwrap();
        (moment + TimeDelta::days(days)).date_naive().to_string()
    };
    for (at, code) in [
        (day("not_before", -1), Some("certificate_not_yet_valid")),
        (day("not_before", 1), None),
        (day("not_after", -1), None),
        (day("not_after", 1), Some("certificate_expired")),
    ] {
        let told = inspect(&person.cert_pem, &["--json", "--at", &at]).await;
        assert_eq!(told.json()["code"].as_str(), code, "{at}");
        let validity = if code.is_some() { "failed" } else { "passed" };
        assert_eq!(told.step("validity"), validity);
    }
}

#[tokio::test]
async fn der_is_read_and_what_is_no_certificate_is_said_to_be_none() {
    let person = site().pki.person("clinician").unwrap();
    let told = inspect(&person.cert_pem, &["--json"]).await;
    let pem = fs::read_to_string(&person.cert_pem).unwrap();
    let body = pem.split("-----").nth(2).unwrap().replace('\n', "");
    use base64::Engine as _;
    let der = base64::engine::general_purpose::STANDARD.decode(body).unwrap();
    let file = target("card.der");
    fs::write(&file, &der).unwrap();
    let again = inspect(&file, &["--json"]).await;
    assert_eq!(again.json()["certificate"], told.json()["certificate"]);

    fs::write(&file, &der[..200]).unwrap();
    let told = inspect(&file, &["--json"]).await;
    assert_eq!((told.json()["cause"].as_str(), told.exit), (Some("unreadable"), Exit::Failed));
    assert_eq!(told.json()["certificate"], Value::Null);

    // A key that lies beside the card is not read out.
    fs::write(&file, pem + &fs::read_to_string(&person.key_pem).unwrap()).unwrap();
    let told = inspect(&file, &["--json"]).await;
    assert!(told.err.contains("private_key") && told.out.is_empty(), "{}", told.err);
}

#[tokio::test]
async fn the_real_root_does_not_vouch_for_real_certificates_of_other_kinds() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/siths");
    for file in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if file.extension().is_some_and(|end| end == "pem") {
            let told = inspect(&file, &["--json"]).await;
            assert_eq!(told.exit, Exit::Failed, "{}", file.display());
            assert_eq!(told.json()["would_log_in"], false);
        }
    }
}

#[tokio::test]
async fn with_a_database_at_hand_its_revocation_lists_are_looked_into() {
    let idp = TestIdp::start().await;
    let card = &site().pki.person("clinician").unwrap().cert_pem;
    let good = inspect_beside(&idp, card, &["--json"]).await;
    assert_eq!((good.exit, good.step("revocation")), (Exit::Done, "passed".into()));
    assert_eq!(good.json()["would_log_in"], true);
    let lists = good.json()["revocation"]["lists"].clone();
    // The card by its issuer's list, the issuer by the root's.
    assert_eq!(lists.as_array().unwrap().len(), 2, "{lists}");
    assert_eq!(lists[0]["authority"], "DEV SITHS e-id Person HSA-id 3 CA v1");
    assert_eq!(lists[1]["authority"], "DEV SITHS e-id Root CA v2");

    // Long after the end of the list nobody knows, and that is said.
    let at = (idp.clock.now() + TimeDelta::days(60)).date_naive().to_string();
    let later = inspect_beside(&idp, card, &["--json", "--at", &at]).await;
    assert_eq!((later.exit, later.step("revocation")), (Exit::Open, "warned".into()));
    assert_eq!(later.json()["would_log_in"], Value::Null);
    let later = inspect_beside(&idp, card, &["--at", &at]).await;
    assert!(later.out.contains("\nNot determined: would log in if it is not revoked"));

    let before = idp.clock.now().to_rfc3339();
    idp.advance(60);
    idp.revoke("clinician");
    idp.fetch_again().await;
    let revoked = inspect_beside(&idp, card, &["--json"]).await;
    assert_eq!(revoked.json()["code"], "certificate_revoked");
    assert_eq!((revoked.exit, revoked.step("revocation")), (Exit::Failed, "failed".into()));
    // The day before it was not.
    let then = inspect_beside(&idp, card, &["--json", "--at", &before]).await;
    assert_eq!(then.exit, Exit::Done);
    assert_eq!(then.json()["revocation"]["lists"][0]["verdict"], "revoked-later");
}

#[tokio::test]
async fn a_database_that_is_away_leaves_the_rest_of_the_judgement() {
    let card = &site().pki.person("clinician").unwrap().cert_pem;
    let url = "postgres://nobody@localhost/none?host=/nowhere".to_owned();
    let environment: Environment = [("SITHS_IDP__DATABASE__URL".to_owned(), url)].into();
    let told = inspect_with(card, &["--json"], Clock::system(), environment).await;
    assert_eq!((told.exit, told.step("revocation")), (Exit::Open, "not-asked".into()));
    assert_eq!(told.json()["would_log_in"], Value::Null);
    assert!(told.json()["revocation"]["not_asked"].is_string());
}

#[tokio::test]
async fn where_the_configuration_asks_nobody_nothing_is_left_open() {
    let card = &site().pki.person("clinician").unwrap().cert_pem;
    let off: Environment = [("SITHS_IDP__REVOCATION__ORDER".to_owned(), "off".to_owned())].into();
    let told = inspect_with(card, &["--json"], Clock::system(), off.clone()).await;
    assert_eq!((told.exit, told.step("revocation")), (Exit::Done, "warned".into()));
    assert_eq!(told.json()["would_log_in"], true);
    assert_eq!(told.json()["revocation"]["lists"][0]["verdict"], "off");
    let told = inspect_with(card, &[], Clock::system(), off).await;
    assert!(told.out.contains("\nWould log in, revoked or not"), "{}", told.out);

    // The authorities of the path count, each by its own row.
    let row = |certificate: &Path, order: &str| {
        format!("[[revocation.authorities]]\ncertificate = {certificate:?}\norder = \"{order}\"\n")
    };
    let issuers = &site().config(443, "postgres://nobody@localhost/none".to_owned()).trust.issuers;
    let rows: Vec<_> = issuers.iter().map(|issuer| row(&issuer.certificate, "off")).collect();
    let root = &site().pki.root().pem;
    for (order, exit) in [("off", Exit::Done), ("crl", Exit::Open)] {
        let more = rows.concat() + &row(root, order);
        let told = inspect_by(&more, card, &["--json"], Clock::system(), Environment::new()).await;
        assert_eq!(told.exit, exit, "{order}");
    }
}
