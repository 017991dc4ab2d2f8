//! Cards over real TLS: forged, broken, of the wrong kind, and who is told of it first.

use std::collections::BTreeSet;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::Value;
use siths_idp::config::UnknownPolicy;
use siths_idp::dev::browser::{Inserted, client};
use siths_idp::dev::pki::card::{Card, CardFiles};
use siths_idp::dev::pki::{Authority, IssuerName};
use siths_idp::error::Code;
use siths_idp::error::catalogue::First;
use siths_idp::oidc::client::ToldFirst;
use url::Url;

use crate::harness::wire::VERSIONS;
use crate::harness::{TestIdp, link, page_code};

const CLINICIAN: &str = "SE2321000222-DEV1";

fn inserted(CardFiles { chain, key }: CardFiles) -> Inserted {
    Inserted { chain, key }
}

async fn code_with(idp: &TestIdp, card: Inserted) -> String {
    idp.walk(&mut idp.browser_with(Some(card)), &idp.authorize().url()).await.error_code()
}

async fn card_address(idp: &TestIdp) -> Url {
    let mut browser = idp.browser_with(None);
    browser.get(&idp.authorize().url()).await.unwrap().location().unwrap()
}

#[tokio::test]
async fn a_copied_certificate_without_its_key_does_not_pass_the_handshake() {
    let idp = TestIdp::start().await;
    for (refused, version) in (1..).zip(VERSIONS) {
        let address = card_address(&idp).await;
        let copied =
            Inserted { chain: idp.card("clinician").chain, key: idp.card("reserve-card").key };
        let answer = idp.wire().versions(&[version]).card(copied).get(&address).await;
        assert!(answer.is_err(), "{}", answer.unwrap().text);
        assert_eq!(idp.node.counters.snapshot().possession, refused);
    }
    assert_eq!(idp.traces().await, 0);
}

#[tokio::test]
async fn an_authority_of_the_same_name_with_another_key_is_untrusted() {
    let idp = TestIdp::start().await;
    let forged = || {
        let impostor = Authority::impostor(IssuerName::HsaId3).unwrap();
        inserted(Card::hsa(CLINICIAN, idp.clock.now()).build(&impostor).unwrap())
    };
    assert_eq!(code_with(&idp, forged()).await, "certificate_untrusted");
    // The same leaf, with the certificate of the true authority beside it, and alone.
    let truth = idp.pki().authority(IssuerName::HsaId3).unwrap().certificate().clone();
    let mut mixed = forged();
    mixed.chain[1] = truth.clone();
    assert_eq!(code_with(&idp, mixed).await, "certificate_untrusted");
    let mut both = forged();
    both.chain.insert(1, truth);
    assert_eq!(code_with(&idp, both).await, "certificate_untrusted");
    let mut alone = forged();
    alone.chain.truncate(1);
    assert_eq!(code_with(&idp, alone).await, "certificate_untrusted");
    assert_eq!(idp.count("select count(*) from codes").await, 0);
}

#[tokio::test]
async fn a_certificate_that_signs_itself_is_untrusted() {
    let idp = TestIdp::start().await;
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::CustomDnType(vec![2, 5, 4, 5]), CLINICIAN);
    params.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let leaf = params.self_signed(&key).unwrap().der().clone();
    let key: PrivateKeyDer<'static> = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    for chain in [
        vec![leaf.clone()],
        vec![leaf, idp.card("clinician").chain[1].clone(), idp.pki().root().der.clone()],
    ] {
        let card = Inserted { chain, key: key.clone_key() };
        assert_eq!(code_with(&idp, card).await, "certificate_untrusted");
    }
}

#[tokio::test]
async fn a_policy_that_refuses_is_told_to_the_operator_and_a_strangers_is_not() {
    const POLICY: &str = "1.3.6.1.4.1.32473.74.8.3";
    let idp = TestIdp::start_with(|config| {
        config.trust.unknown_policy = UnknownPolicy::Refuse;
        config.trust.issuers.iter_mut().for_each(|issuer| issuer.policies.clear());
    })
    .await;
    let told = &idp.node.app.told_policies;
    let impostor = Authority::impostor(IssuerName::HsaId3).unwrap();
    let forged = Card::hsa(CLINICIAN, idp.clock.now()).build(&impostor).unwrap();
    assert_eq!(code_with(&idp, inserted(forged)).await, "certificate_untrusted");
    assert!(told.is_empty());
    assert_eq!(code_with(&idp, idp.card("clinician")).await, "certificate_untrusted");
    assert!(!told.is_empty() && !told.is_first(POLICY));
}

#[tokio::test]
async fn a_certificate_that_was_altered_is_untrusted() {
    let idp = TestIdp::start().await;
    let altered = |alter: fn(&mut Vec<u8>)| {
        let mut card = idp.card("clinician");
        let mut der = card.chain[0].to_vec();
        alter(&mut der);
        card.chain[0] = CertificateDer::from(der);
        card
    };
    let signature = altered(|der| *der.last_mut().unwrap() ^= 1);
    assert_eq!(code_with(&idp, signature).await, "certificate_untrusted");
    // Another person's HSA-id, under the signature for one's own.
    let subject = altered(|der| {
        let end = der.windows(CLINICIAN.len()).position(|w| w == CLINICIAN.as_bytes()).unwrap();
        der[end + CLINICIAN.len() - 1] = b'2';
    });
    assert_eq!(code_with(&idp, subject).await, "certificate_untrusted");
    assert_eq!(idp.count("select count(*) from codes").await, 0);
}

#[tokio::test]
async fn a_card_that_sends_its_own_certificate_alone_logs_in() {
    let idp = TestIdp::start().await;
    let mut card = idp.card("clinician");
    card.chain.truncate(1);
    idp.code(&mut idp.browser_with(Some(card)), &idp.authorize()).await;
}

/// Whether a person whose browser speaks one version alone is let in.
async fn lets_in(idp: &TestIdp, version: &'static rustls::SupportedProtocolVersion) -> bool {
    let mut browser = idp.browser_with(None);
    let address = browser.get(&idp.authorize().url()).await.unwrap().location().unwrap();
    let card = Some(idp.card("clinician"));
    let narrow = client(idp.pki().web_ca_pem(), card, &[version]).unwrap();
    let Ok(answer) = narrow.get(address).send().await else { return false };
    let resume = answer.headers()["location"].to_str().unwrap().parse().unwrap();
    idp.walk(&mut browser, &resume).await.parameters().contains_key("code")
}

#[tokio::test]
async fn a_version_of_tls_that_is_switched_off_is_not_spoken_on_card_hosts() {
    for (tls12, tls13) in [(false, true), (true, false)] {
        let idp = TestIdp::start_with(|config| {
            (config.card.tls12, config.card.tls13) = (tls12, tls13);
        })
        .await;
        let [old, new] = VERSIONS;
        assert_eq!(lets_in(&idp, old).await, tls12);
        assert_eq!(lets_in(&idp, new).await, tls13);
        // The issuer host speaks both all the same.
        for version in VERSIONS {
            let answer = idp.wire().versions(&[version]).get(&idp.at("/jwks")).await.unwrap();
            assert_eq!((answer.status, answer.version), (200, Some(version.version)));
        }
    }
}

#[tokio::test]
async fn both_versions_of_tls_log_in() {
    let idp = TestIdp::start().await;
    for version in VERSIONS {
        assert!(lets_in(&idp, version).await, "{version:?}");
    }
}

#[tokio::test]
async fn only_card_hosts_ask_for_a_certificate() {
    let idp = TestIdp::start().await;
    for version in VERSIONS {
        for path in ["/", "/authorize", "/card", "/resume", "/token", "/userinfo"] {
            let wire = idp.wire().versions(&[version]).card(idp.card("clinician"));
            let answer = wire.get(&idp.at(path)).await.unwrap();
            assert!(!answer.asked, "{path}");
        }
        // Under the name without a label no login is asked for its card.
        for (host, asks) in [("card.idp.localhost", false), ("x.card.idp.localhost", true)] {
            let wire = idp.wire().versions(&[version]);
            let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
            let answer = wire.send(host, &request).await.unwrap();
            assert_eq!((answer.asked, answer.status), (asks, 303), "{host}");
        }
    }
}

/// Everything that was written of the one attempt so far: its row and its audit event.
async fn written(idp: &TestIdp) -> (Value, Value) {
    let attempts = idp.rows("select to_jsonb(a) from login_attempts a").await;
    let events = "select to_jsonb(e) from audit_events e where event = 'login.failed'";
    let events = idp.rows(events).await;
    assert_eq!((attempts.len(), events.len()), (1, 1));
    (attempts[0].clone(), events[0].clone())
}

#[tokio::test]
async fn who_is_refused_is_told_as_the_catalogue_says_and_written_down() {
    let idp = TestIdp::start().await;
    let mut seen = BTreeSet::new();
    for person in idp.pki().people().iter().filter(|person| person.expected.is_some()) {
        let code = person.expected.unwrap();
        // A database of its own for each would take a node each: these rows are all there are.
        idp.sql("delete from login_attempts").await;
        let before = idp.count("select count(*) from audit_events").await;
        let walk = idp.walk(&mut idp.browser(person.name), &idp.authorize().url()).await;

        let reference = match code.first() {
            First::RelyingParty => {
                let told = walk.parameters();
                assert_eq!(told["error"], code.oauth(), "{}", person.name);
                assert_eq!((&*told["error_code"], &*told["state"]), (code.name(), "a-state"));
                assert!(!told.contains_key("code"));
                told["error_ref"].clone()
            }
            First::Person | First::PageOnly => {
                assert_eq!(walk.last().status, code.status(), "{}", person.name);
                assert_eq!(page_code(&walk.last().body).as_deref(), Some(code.name()));
                let again = walk.link(idp.at("/again").as_str()).is_some();
                assert_eq!(again, code.again(), "{}", person.name);
                let back = walk.link("https://rp.localhost/callback").expect("a way back");
                let told: std::collections::BTreeMap<_, _> = back.query_pairs().collect();
                assert_eq!((&*told["error_code"], &*told["state"]), (code.name(), "a-state"));
                assert!(walk.last().body.contains(&*told["error_ref"]));
                told["error_ref"].to_string()
            }
        };

        let attempt = idp.rows("select to_jsonb(a) from login_attempts a").await;
        let [attempt] = &attempt[..] else { panic!("{attempt:?}") };
        assert_eq!((&attempt["code"], &attempt["ref"]), (&code.name().into(), &reference.into()));
        let event = idp.rows("select to_jsonb(e) from audit_events e order by id desc limit 1");
        let event = &event.await[0];
        assert_eq!((&event["event"], &event["ref"]), (&"login.failed".into(), &attempt["ref"]));
        assert_eq!(event["client_id"], "demo-symfoni");
        assert_eq!(event["address"], "127.0.0.1");
        assert!(event["details"].to_string().contains(code.name()), "{event}");
        assert_eq!(idp.count("select count(*) from audit_events").await, before + 1);
        seen.insert(code.name());
    }
    assert_eq!(seen.len(), 13);
    assert_eq!(idp.count("select count(*) from codes").await, 0);
}

#[tokio::test]
async fn a_personnummer_on_a_card_is_neither_written_down_nor_shown() {
    const NUMBER: &str = "9001019802";
    let idp = TestIdp::start().await;
    for told_first in [ToldFirst::Catalogue, ToldFirst::Person] {
        idp.register(|client| client.told_first = told_first).await;
        idp.sql("delete from login_attempts").await;
        let walk = idp.walk(&mut idp.browser("wrong-certificate"), &idp.authorize().url()).await;
        assert_eq!(walk.error_code(), "certificate_wrong_type");
        for answer in &walk.0 {
            assert!(!answer.body.contains(NUMBER) && !answer.url.as_str().contains(NUMBER));
            assert!(!format!("{:?}", answer.headers).contains(NUMBER));
        }
    }
    let events = "select to_jsonb(e) from audit_events e";
    let attempts = "select to_jsonb(a) from login_attempts a";
    for row in idp.rows(events).await.iter().chain(&idp.rows(attempts).await) {
        assert!(!row.to_string().contains(NUMBER), "{row}");
    }
    // It is kept, for the relying party to ask for, and sealed.
    let kept = "select count(*) from login_attempts where sealed_submitted_value is not null
        and position('9001019802'::bytea in sealed_submitted_value) = 0";
    assert_eq!(idp.count(kept).await, 1);
}

#[tokio::test]
async fn a_client_may_have_the_person_told_first_of_everything() {
    let idp = TestIdp::start().await;
    idp.register(|client| client.told_first = ToldFirst::Person).await;
    for (name, code) in [
        ("unknown", Code::UserUnknown),
        ("disabled", Code::UserDisabled),
        ("not-current", Code::UserNotCurrent),
        ("no-role", Code::RoleMissing),
    ] {
        let walk = idp.walk(&mut idp.browser(name), &idp.authorize().url()).await;
        assert_eq!(walk.last().status, code.status());
        assert_eq!(page_code(&walk.last().body).as_deref(), Some(code.name()));
        let back = link(&walk.last().body, "https://rp.localhost/callback").unwrap();
        assert!(back.query().unwrap().contains(&format!("error_code={}", code.name())));
        // Another attempt with the same card would end in the same way.
        assert_eq!(walk.link(idp.at("/again").as_str()), None);
    }
    // Nobody looks at a page when prompt=none was asked for.
    let silent = idp.authorize().set("prompt", "none").url();
    let walk = idp.walk(&mut idp.browser("clinician"), &silent).await;
    assert_eq!(walk.parameters()["error"], "login_required");
}

#[tokio::test]
async fn the_certificate_is_written_down_with_the_attempt() {
    let idp = TestIdp::start().await;
    idp.walk(&mut idp.browser("expired"), &idp.authorize().url()).await;
    let (attempt, event) = written(&idp).await;
    assert_eq!(attempt["certificate"]["issuer_cn"], "DEV SITHS e-id Person HSA-id 3 CA v1");
    assert_eq!(event["details"]["certificate"], attempt["certificate"]);
}
