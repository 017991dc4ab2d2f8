//! Every odd card through the front door, over real TLS: what becomes of it, and what is written
//! down of it.

use siths_idp::dev::browser::Inserted;
use siths_idp::dev::pki::card::CardFiles;
use siths_idp::dev::pki::zoo::{self, Keeper, Outcome, Specimen};

use crate::harness::TestIdp;

fn inserted(CardFiles { chain, key }: CardFiles) -> Inserted {
    Inserted { chain, key }
}

/// What became of a card, in one line: to be compared with what should.
async fn outcome(idp: &TestIdp, specimen: &Specimen, keeper: &Keeper<'_>) -> String {
    let events = "select count(*) from audit_events where event like 'login%'";
    let before = idp.count(events).await;
    let broken_off = idp.node.counters.snapshot();
    let card = inserted(specimen.make(keeper).unwrap());
    let mut browser = idp.browser_with(Some(card));
    let is_callback = |url: &url::Url| url.as_str().starts_with(crate::harness::REDIRECT_URI);
    let walk = match browser.follow(&idp.authorize().url(), is_callback).await {
        Ok(answers) => crate::harness::Walk(answers),
        Err(_) => {
            let now = idp.node.counters.snapshot();
            assert_ne!(format!("{now:?}"), format!("{broken_off:?}"), "{}", specimen.name);
            assert_eq!(idp.count(events).await, before, "{}", specimen.name);
            return "handshake broken off".to_owned();
        }
    };
    assert_eq!(idp.count(events).await, before + 1, "{}", specimen.name);
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
