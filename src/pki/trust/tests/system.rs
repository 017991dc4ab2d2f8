//! What a system's certificate must be (RFC 8705 §2.1), and what is never one.

use std::net::IpAddr;

use rcgen::{DistinguishedName as Subject, DnType, SanType};

use super::*;
use crate::pki::{RejectedSystem, SystemCertificate, SystemRejection};

use CertificateRejection as C;
use SystemRejection::{Certificate, NamesUnreadable, Person};

fn system(pki: &Pki, edit: impl FnOnce(&mut rcgen::CertificateParams)) -> PresentedChain {
    pki.function.card(edit).chain()
}

fn judged(trust: &Trust, chain: &PresentedChain) -> Result<SystemCertificate, SystemRejection> {
    let cause = |rejected: RejectedSystem| rejected.cause;
    let authentic = trust.verify_system(chain, now()).map_err(cause)?;
    let verdicts = vec![Verdict::NotRevoked; authentic.links().len()];
    authentic.settle(&verdicts).map_err(cause)
}

fn cause(trust: &Trust, chain: &PresentedChain) -> SystemRejection {
    judged(trust, chain).unwrap_err()
}

#[test]
fn a_function_certificate_is_a_system_and_tells_its_names() {
    let pki = Pki::new();
    let chain = system(&pki, |params| {
        params.distinguished_name = Subject::new();
        params.distinguished_name.push(DnType::CountryName, printable("SE"));
        params.distinguished_name.push(DnType::CommonName, "journal.region.example");
        params.subject_alt_names = vec![
            SanType::DnsName("journal.region.example".try_into().unwrap()),
            SanType::URI("https://region.example/Journal".try_into().unwrap()),
            SanType::IpAddress("192.0.2.1".parse().unwrap()),
            SanType::IpAddress("2001:db8::1".parse().unwrap()),
            SanType::Rfc822Name("Drift@region.example".try_into().unwrap()),
        ];
    });
    let system = judged(&pki.trust(), &chain).unwrap();
    assert_eq!(system.subject().to_string(), "CN=journal.region.example,C=SE");
    assert_eq!(system.facts().issuer_cn, "Function CA v1");
    assert_eq!(system.der(), chain.leaf().as_ref());
    assert_eq!(system.thumbprint(), crate::secret::sha256(chain.leaf()));
    assert!(system.has_host("Journal.region.example"));
    assert!(system.has_uri("https://region.example/Journal"));
    for address in ["192.0.2.1", "2001:db8::1", "2001:0db8:0:0:0:0:0:1"] {
        assert!(system.has_address(address.parse::<IpAddr>().unwrap()), "{address}");
    }
    assert!(system.has_mailbox("Drift@REGION.example"));
    for wrong in ["region.example", "*.region.example", "journal.region.example.", ""] {
        assert!(!system.has_host(wrong), "{wrong}");
    }
    assert!(!system.has_uri("https://region.example/journal") && !system.has_uri(""));
    assert!(!system.has_address("192.0.2.2".parse().unwrap()));
    assert!(!system.has_address("::ffff:192.0.2.1".parse().unwrap()));
    assert!(!system.has_mailbox("drift@region.example") && !system.has_mailbox("region.example"));
}

/// A person's card is never a system, whatever else is right; and a system never a person.
#[test]
fn a_person_is_no_system_and_a_system_no_person() {
    let pki = Pki::new();
    let trust = pki.trust();
    for ca in [&pki.hsa, &pki.person, &pki.mobile] {
        assert_eq!(cause(&trust, &ca.card(|_| {}).chain()), Person);
    }
    assert_eq!(pki.cause(&system(&pki, |_| {})), C::Function);
}

#[test]
fn a_chain_of_another_pki_or_of_a_ca_that_is_not_configured_is_no_system() {
    let pki = Pki::new();
    let trust = pki.trust();
    for (root, issuer, told) in [
        ("Test Root CA v2", "Function CA v1", C::SignatureWrong),
        ("Test Root CA v2", "Function CA v2", C::IssuerUnknown),
    ] {
        let foreign = Ca::root(root).under(issuer).card(|_| {});
        assert_eq!(cause(&trust, &foreign.chain()), Certificate(told), "{issuer}");
    }
    let sister = pki.root.under("Sister CA v1");
    let sisters = sister.card(|_| {});
    let with_ca = chain([&sisters.certificate, &sister.certificate]);
    assert_eq!(cause(&trust, &with_ca), Certificate(C::IssuerNotAllowed));
    assert_eq!(cause(&trust, &chain([&pki.function.certificate])), Certificate(C::CaPresented));
}

#[test]
fn what_cannot_be_read_is_no_system_and_never_panics() {
    let pki = Pki::new();
    let trust = pki.trust();
    let good = pki.function.card(|_| {}).certificate;
    for at in 0..good.len() {
        let cut = CertificateDer::from(good[..at].to_vec());
        assert_eq!(cause(&trust, &chain([&cut])), Certificate(C::Unreadable));
        let mut bytes = good.to_vec();
        bytes[at] ^= 0x55;
        assert!(judged(&trust, &chain([&CertificateDer::from(bytes)])).is_err(), "byte {at}");
    }
    let many = PresentedChain::new(vec![good; 11]).unwrap();
    assert_eq!(cause(&trust, &many), Certificate(C::ChainExcessive));
}

#[test]
fn each_rule_of_a_card_holds_for_a_system() {
    let pki = Pki::new();
    let trust = pki.trust();
    let of = |edit: fn(&mut rcgen::CertificateParams)| cause(&trust, &system(&pki, edit));
    assert_eq!(of(|p| p.not_after = date_time_ymd(2026, 1, 1)), Certificate(C::Expired));
    assert_eq!(of(|p| p.not_before = date_time_ymd(2027, 1, 1)), Certificate(C::NotYetValid));
    let usage = |p: &mut rcgen::CertificateParams| {
        p.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
    };
    assert_eq!(of(usage), Certificate(C::KeyUsageUnfit));
    let signing = |p: &mut rcgen::CertificateParams| {
        p.key_usages = vec![KeyUsagePurpose::ContentCommitment];
    };
    assert_eq!(of(signing), Certificate(C::ForSigning));
    let server = |p: &mut rcgen::CertificateParams| {
        p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    };
    assert_eq!(of(server), Certificate(C::PurposeUnfit));
    let weak = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let certificate = pki.function.certify(&weak, |_| {});
    assert_eq!(cause(&trust, &chain([&certificate])), Certificate(C::KeyWeak));
    // An address of five octets.
    let odd = |p: &mut rcgen::CertificateParams| {
        let content = vec![0x30, 7, 0x87, 5, 1, 2, 3, 4, 5];
        p.custom_extensions.push(CustomExtension::from_oid_content(&[2, 5, 29, 17], content));
    };
    assert!(matches!(of(odd), NamesUnreadable | Certificate(_)));
}

#[test]
fn a_policy_decides_and_every_configured_one_must_say_system() {
    let pki = Pki::new();
    let trust_of = |unknown_policy| {
        let mut source = pki.source();
        source.unknown_policy = unknown_policy;
        let row = |last: u32, kind| PolicyRow {
            oid: format!("1.2.752.74.8.{}", 512 + last),
            kind,
            loa: None,
        };
        for issuer in &mut source.issuers {
            if matches!(issuer.kind, Kind::Function | Kind::HsaId) {
                issuer.policies = vec![row(1, Kind::Function), row(2, Kind::PersonId)];
            }
        }
        Trust::new(source, now()).unwrap()
    };
    let trust = trust_of(UnknownPolicy::FollowIssuer);
    let of = |ca: &Ca, last: &[u8]| {
        let extension = policies(last);
        ca.card(|params| params.custom_extensions.push(extension)).chain()
    };
    assert!(judged(&trust, &of(&pki.function, &[1])).is_ok());
    assert!(judged(&trust, &of(&pki.function, &[9])).is_ok());
    assert!(judged(&trust, &of(&pki.hsa, &[1])).is_ok(), "a policy that says so");
    for (ca, last) in
        [(&pki.function, &[2][..]), (&pki.function, &[1, 2]), (&pki.hsa, &[1, 2]), (&pki.hsa, &[9])]
    {
        assert_eq!(cause(&trust, &of(ca, last)), Person, "{last:?}");
    }
    let strict = trust_of(UnknownPolicy::Refuse);
    assert_eq!(cause(&strict, &of(&pki.function, &[9])), Certificate(C::PolicyUnknown));
    assert!(judged(&strict, &of(&pki.function, &[1, 9])).is_ok());
}

#[test]
fn only_a_verdict_on_every_certificate_of_the_path_lets_a_system_in() {
    let pki = Pki::new();
    let settled = |verdicts: &[Verdict]| {
        let authentic = pki.trust().verify_system(&system(&pki, |_| {}), now()).unwrap();
        assert_eq!(authentic.links().len(), 2);
        authentic.settle(verdicts).err().map(|rejected| rejected.cause)
    };
    use Verdict::{NotRevoked, Revoked, Undetermined};
    assert_eq!(settled(&[NotRevoked, NotRevoked]), None);
    assert_eq!(settled(&[Revoked, NotRevoked]), Some(Certificate(C::Revoked)));
    assert_eq!(settled(&[NotRevoked, Revoked]), Some(Certificate(C::IssuerRevoked)));
    assert_eq!(settled(&[Undetermined, NotRevoked]), Some(Certificate(C::StatusUndetermined)));
    assert_eq!(settled(&[NotRevoked]), Some(Certificate(C::StatusUndetermined)));
    assert_eq!(settled(&[]), Some(Certificate(C::StatusUndetermined)));
}

/// A function certificate of SITHS' test hierarchy, as it was published.
#[test]
fn a_real_function_certificate_is_a_system() {
    let source = TrustSource {
        roots: vec![fixture("config/trust/test/test-siths-e-id-root-ca-v2.pem")],
        issuers: vec![IssuerRow {
            certificate: fixture("config/trust/test/test-siths-e-id-function-ca-v1.pem"),
            kind: Kind::Function,
            loa: None,
            policies: Vec::new(),
        }],
        intermediates: Vec::new(),
        grammar: HsaIdGrammar::default(),
        unknown_policy: UnknownPolicy::FollowIssuer,
    };
    let trust = Trust::new(source, now()).unwrap();
    let leaf = fixture("tests/fixtures/siths/qa-inera-idp-clientcert-function.pem");
    let system = judged(&trust, &chain([&leaf])).unwrap();
    let subject = "serialNumber=T-SERVICES-SE165565594230-1110,CN=clientcert-idp.qa.siths.se,\
                   O=Inera AB,L=Stockholm,C=SE";
    assert_eq!(system.subject().to_string(), subject);
    assert_eq!(subject.parse().as_ref(), Ok(system.subject()));
    assert!(system.has_host("clientcert-idp.qa.siths.se"));
    let old = fixture("tests/fixtures/siths/old-siths-ca-v3-function-2010.pem");
    assert!(judged(&trust, &chain([&old])).is_err());
}
