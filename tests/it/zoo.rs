//! Every odd card through the front door, over real TLS: what becomes of it, and what is written
//! down of it.

use std::path::PathBuf;

use siths_idp::config::{IssuerFile, IssuerKind, RevocationOrder};
use siths_idp::dev::browser::Inserted;
use siths_idp::dev::pki::card::CardFiles;
use siths_idp::dev::pki::zoo::{self, Keeper, Outcome, Specimen};
use siths_idp::error::Code;
use siths_idp::identity::assurance::Loa;

use crate::harness::{TestIdp, site};

fn inserted(CardFiles { chain, key }: CardFiles) -> Inserted {
    Inserted { chain, key }
}

/// What became of a card, in one line: to be compared with what should.
async fn outcome(idp: &TestIdp, specimen: &Specimen, keeper: &Keeper<'_>) -> String {
    became(idp, specimen.name, specimen.make(keeper).unwrap()).await
}

async fn became(idp: &TestIdp, name: &str, files: CardFiles) -> String {
    let events = "select count(*) from audit_events where event like 'login%'";
    let before = idp.count(events).await;
    let broken_off = idp.node.counters.snapshot();
    let mut browser = idp.browser_with(Some(inserted(files)));
    let is_callback = |url: &url::Url| url.as_str().starts_with(crate::harness::REDIRECT_URI);
    let walk = match browser.follow(&idp.authorize().url(), is_callback).await {
        Ok(answers) => crate::harness::Walk(answers),
        Err(_) => {
            let now = idp.node.counters.snapshot();
            assert_ne!(format!("{now:?}"), format!("{broken_off:?}"), "{}", name);
            assert_eq!(idp.count(events).await, before, "{}", name);
            return "handshake broken off".to_owned();
        }
    };
    assert_eq!(idp.count(events).await, before + 1, "{}", name);
    // Whatever a certificate holds, what travels of it fits in an address.
    let longest = walk.0.iter().filter_map(|answer| answer.location()).map(|to| to.as_str().len());
    assert!(longest.max().unwrap_or_default() < 4096, "{}", name);
    let last = "select to_jsonb(e) from audit_events e where event like 'login%'
        order by id desc limit 1";
    let last = idp.rows(last).await;
    let cause = last.first().and_then(|event| event["details"]["cause"].as_str());
    match walk.last().location() {
        Some(location) if location.query_pairs().any(|(name, _)| name == "code") => {
            "logs in".to_owned()
        }
        _ => format!("{} for {}", walk.error_code(), cause.unwrap_or("no cause")),
    }
}

fn expected(outcome: Outcome) -> String {
    match outcome {
        Outcome::LogsIn => "logs in".to_owned(),
        Outcome::Refused(cause) => format!("{} for {}", cause.code().name(), cause.name()),
        Outcome::NotSent => "certificate_missing for no cause".to_owned(),
        Outcome::BreaksOff => "handshake broken off".to_owned(),
    }
}

#[tokio::test]
async fn every_card_of_the_zoo_ends_as_its_row_says() {
    let idp = TestIdp::start().await;
    let keeper = Keeper::new(idp.pki(), idp.clock.now()).unwrap();
    let mut wrong = Vec::new();
    for specimen in zoo::specimens() {
        let became = outcome(&idp, specimen, &keeper).await;
        let should = expected(specimen.outcome);
        if became != should {
            wrong.push(format!("{}: {became}, and not: {should}", specimen.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_code_of_a_card_has_somebody_who_is_told_it() {
    let people = site().pki.people().iter().filter_map(|person| person.expected);
    let told: Vec<Code> = zoo::specimens().filter_map(|s| s.outcome.code()).chain(people).collect();
    for code in Code::ALL.iter().filter(|code| code.name().starts_with("certificate_")) {
        // Told to whoever has no card.
        assert!(told.contains(code) || *code == Code::CertificateMissing, "{}", code.name());
    }
}

#[tokio::test]
async fn a_reserve_card_is_not_enough_where_more_is_demanded() {
    let idp = TestIdp::start().await;
    let demanding = idp.authorize().set("acr_values", Loa::Three.acr());
    let walk = idp.walk(&mut idp.browser("reserve-card"), &demanding.url()).await;
    assert_eq!(walk.error_code(), "assurance_too_low");
    assert_eq!(walk.parameters()["error"], "unmet_authentication_requirements");
    idp.code(&mut idp.browser("clinician"), &demanding).await;
}

#[tokio::test]
async fn an_authority_that_is_configured_may_no_more_than_its_certificate_says() {
    for (name, cause) in [
        ("name-constraints", "path-invalid"),
        ("expired-intermediate", "issuer-not-current"),
        // Nothing is wrong with it but that nobody has configured it.
        ("same-name-authority", ""),
    ] {
        let keeper = Keeper::new(&site().pki, chrono::Utc::now()).unwrap();
        let files = zoo::specimen(name).unwrap().make(&keeper).unwrap();
        let idp = TestIdp::start_with(|config| {
            let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.pem"));
            std::fs::write(&file, pem(&files.chain[1])).unwrap();
            let mut unasked = config.revocation.authorities[0].clone();
            unasked.certificate = file.clone();
            unasked.settings.order = RevocationOrder::Off;
            config.revocation.authorities.push(unasked);
            config.trust.issuers.push(IssuerFile {
                certificate: file,
                kind: IssuerKind::HsaId,
                loa: Some(Loa::Three),
                policies: Vec::new(),
            });
        })
        .await;
        let became = became(&idp, name, files).await;
        if cause.is_empty() {
            assert_eq!(became, "logs in");
        } else {
            assert_eq!(became, format!("certificate_untrusted for {cause}"), "{name}");
        }
    }
}

fn pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}
