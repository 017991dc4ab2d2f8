use rcgen::{CustomExtension, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose, date_time_ymd};
use rustls::pki_types::pem::PemObject as _;

mod forge;
mod paths;
mod pkits;
mod rules;
mod system;

use super::*;
use crate::card_hosts::Chooser;
use crate::error::Code;
use crate::pki::revocation::Verdict;
use crate::pki::testing::{
    Borrowed, Ca, any_policy, chain, identify, now, policies, printable, replaced,
};
use crate::pki::view::View;
use crate::pki::{Check, Judgement, StepResult};

/// A root with the issuing CAs that matter, and the trust in them.
struct Pki {
    root: Ca,
    hsa: Ca,
    person: Ca,
    mobile: Ca,
    function: Ca,
}

impl Pki {
    fn new() -> Self {
        let root = Ca::root("Test Root CA v2");
        Self {
            hsa: root.under("Person HSA-id 3 CA v1"),
            person: root.under("Person ID 3 CA v1"),
            mobile: root.under("Person ID Mobile CA v1"),
            function: root.under("Function CA v1"),
            root,
        }
    }

    fn source(&self) -> TrustSource {
        let row = |ca: &Ca, kind| IssuerRow {
            certificate: ca.certificate.clone(),
            kind,
            loa: (kind == Kind::HsaId).then_some(Loa::Three),
            policies: Vec::new(),
        };
        TrustSource {
            roots: vec![self.root.certificate.clone()],
            issuers: vec![
                row(&self.hsa, Kind::HsaId),
                row(&self.person, Kind::PersonId),
                row(&self.mobile, Kind::Mobile),
                row(&self.function, Kind::Function),
            ],
            intermediates: Vec::new(),
            grammar: HsaIdGrammar::default(),
            unknown_policy: UnknownPolicy::FollowIssuer,
        }
    }

    fn trust(&self) -> Trust {
        Trust::new(self.source(), now()).unwrap()
    }

    /// Why a chain is rejected now.
    fn cause(&self, chain: &PresentedChain) -> CertificateRejection {
        self.trust().verify(chain, now()).unwrap_err().cause
    }

    /// Why an HSA card, spoilt by `edit`, is rejected now.
    fn cause_of(&self, edit: impl FnOnce(&mut rcgen::CertificateParams)) -> CertificateRejection {
        self.cause(&self.hsa.card(edit).chain())
    }
}

#[test]
fn bytes_that_are_no_certificate_are_unreadable_and_never_panic() {
    let pki = Pki::new();
    let trust = pki.trust();
    let good = pki.hsa.card(|_| {}).certificate;
    for length in 0..good.len() {
        let cut = CertificateDer::from(good[..length].to_vec());
        let rejected = trust.verify(&chain([&cut]), now()).unwrap_err();
        assert_eq!(rejected.cause, CertificateRejection::Unreadable);
        assert!(rejected.facts.is_none() && rejected.submitted.is_none());
    }
    for at in 0..good.len() {
        let mut bytes = good.to_vec();
        bytes[at] ^= 0x55;
        assert!(trust.verify(&chain([&CertificateDer::from(bytes)]), now()).is_err(), "byte {at}");
    }
    let mut longer = good.to_vec();
    longer.push(0);
    assert_eq!(pki.cause(&chain([&longer.into()])), CertificateRejection::Unreadable);
}

#[test]
fn a_chain_beyond_reason_is_not_read() {
    let pki = Pki::new();
    let card = pki.hsa.card(|_| {}).certificate;
    let many = PresentedChain::new(vec![card.clone(); 11]).unwrap();
    assert_eq!(pki.cause(&many), CertificateRejection::ChainExcessive);
    let large = CertificateDer::from(vec![0x30; 64 * 1024]);
    assert_eq!(pki.cause(&chain([&card, &large])), CertificateRejection::ChainExcessive);
    assert!(pki.trust().verify(&PresentedChain::new(vec![card; 10]).unwrap(), now()).is_ok());
}

#[test]
fn a_card_is_verified_from_its_leaf_alone() {
    let pki = Pki::new();
    let card = pki.hsa.card(|_| {});
    let verified = pki.trust().verify(&card.chain(), now()).unwrap();
    assert_eq!(verified.hsa_id().as_str(), "SE2321000016-1003");
    assert_eq!(verified.loa(), Loa::Three);
    assert_eq!(verified.facts().issuer_cn, "Person HSA-id 3 CA v1");
    assert_eq!(verified.facts().not_after.to_rfc3339(), "2028-01-01T00:00:00+00:00");
    assert_eq!(verified.facts().sha256.len(), 64);
    let with_ca = chain([&card.certificate, &pki.hsa.certificate]);
    assert!(pki.trust().verify(&with_ca, now()).is_ok());
}

#[test]
fn a_card_of_another_pki_is_untrusted() {
    let pki = Pki::new();
    let root = Ca::root("Test Root CA v2");
    let issuer = root.under("Other CA");
    let card = issuer.card(|_| {});
    let all = chain([&card.certificate, &issuer.certificate, &root.certificate]);
    for chain in [card.chain(), all] {
        let rejected = pki.trust().verify(&chain, now()).unwrap_err();
        assert_eq!(rejected.code(), Code::CertificateUntrusted, "{rejected:?}");
    }
    assert_eq!(pki.cause(&card.chain()), CertificateRejection::IssuerUnknown);
}

#[test]
fn a_ca_of_the_same_name_with_another_key_is_untrusted() {
    let pki = Pki::new();
    // Under a root of its own, and (a compromised sister) under the very root that is trusted.
    let foreign = Ca::root("Test Root CA v2").under("Person HSA-id 3 CA v1");
    let sister = pki.root.under("Person HSA-id 3 CA v1");
    for ca in [&foreign, &sister] {
        let card = ca.card(|_| {});
        for chain in [card.chain(), chain([&card.certificate, &ca.certificate])] {
            let rejected = pki.trust().verify(&chain, now()).unwrap_err();
            assert_eq!(rejected.code(), Code::CertificateUntrusted, "{rejected:?}");
        }
    }
    let card = sister.card(|_| {});
    let sent = chain([&card.certificate, &sister.certificate]);
    assert_eq!(pki.cause(&sent), CertificateRejection::IssuerNotAllowed);
    assert_eq!(pki.cause(&card.chain()), CertificateRejection::SignatureWrong);
}

#[test]
fn another_ca_under_the_same_root_is_not_allowed() {
    let pki = Pki::new();
    let other = pki.root.under("Person HSA-id 9 CA v1");
    let card = other.card(|_| {});
    let sent = chain([&card.certificate, &other.certificate]);
    assert_eq!(pki.cause(&sent), CertificateRejection::IssuerNotAllowed);
    assert_eq!(pki.cause(&card.chain()), CertificateRejection::IssuerUnknown);
    // Nor one that an allowed CA was made to certify, nor the root itself.
    let below = pki.hsa.under("Below");
    let card = below.card(|_| {});
    let sent = chain([&card.certificate, &below.certificate]);
    assert_eq!(pki.cause(&sent), CertificateRejection::IssuerNotAllowed);
    let card = pki.root.card(|_| {});
    assert_eq!(pki.cause(&card.chain()), CertificateRejection::IssuerNotAllowed);
}

#[test]
fn a_forged_signature_is_told() {
    let pki = Pki::new();
    let mut bytes = pki.hsa.card(|_| {}).certificate.to_vec();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let forged = chain([&CertificateDer::from(bytes)]);
    assert_eq!(pki.cause(&forged), CertificateRejection::SignatureWrong);
    // Another person's number in a genuine certificate.
    let genuine = pki.hsa.card(|_| {}).certificate;
    let other = replaced(&genuine, b"SE2321000016-1003", b"SE2321000016-1004");
    let forged = chain([&CertificateDer::from(other)]);
    assert_eq!(pki.cause(&forged), CertificateRejection::SignatureWrong);
}

#[test]
fn an_unknown_critical_extension_is_unusable() {
    let pki = Pki::new();
    let unknown = || {
        let mut extension = CustomExtension::from_oid_content(&[1, 2, 752, 34, 2, 1], vec![5, 0]);
        extension.set_criticality(true);
        extension
    };
    let cause = pki.cause_of(|params| params.custom_extensions.push(unknown()));
    assert_eq!(cause, CertificateRejection::CriticalExtensionUnknown);
    let odd = pki.root.under_with("Odd", KeyPair::generate().unwrap(), |params| {
        params.custom_extensions.push(unknown());
    });
    let mut source = pki.source();
    source.issuers[0].certificate = odd.certificate.clone();
    let trust = Trust::new(source, now()).unwrap();
    let rejected = trust.verify(&odd.card(|_| {}).chain(), now()).unwrap_err();
    assert_eq!(rejected.cause, CertificateRejection::CriticalExtensionUnknown);
}

#[test]
fn critical_policies_are_processed_and_not_refused() {
    let pki = Pki::new();
    let critical = |mut extension: CustomExtension| {
        extension.set_criticality(true);
        extension
    };
    let ca = pki.root.under_with("Critical", KeyPair::generate().unwrap(), |params| {
        params.custom_extensions = vec![critical(any_policy())];
    });
    let mut source = pki.source();
    source.issuers[0].certificate = ca.certificate.clone();
    let trust = Trust::new(source, now()).unwrap();
    let card = ca.card(|params| params.custom_extensions.push(critical(policies(&[0]))));
    assert!(trust.verify(&card.chain(), now()).is_ok());
    // What webpki was shown is not DER, so that nobody can have it signed.
    let shown = View::of(card.certificate.clone()).unwrap().shown;
    assert_ne!(shown, card.certificate);
    let rejected = trust.verify(&chain([&shown]), now()).unwrap_err();
    assert_eq!(rejected.cause, CertificateRejection::Malformed);
    let forged = replaced(&card.certificate, b"SE2321000016-1003", b"SE2321000016-1004");
    let rejected = trust.verify(&chain([&forged.into()]), now()).unwrap_err();
    assert_eq!(rejected.cause, CertificateRejection::SignatureWrong);
}

#[test]
fn a_ca_is_nobody() {
    let pki = Pki::new();
    let below = pki.hsa.under("Below");
    assert_eq!(pki.cause(&chain([&below.certificate])), CertificateRejection::CaPresented);
}

#[test]
fn sha1_is_refused() {
    let pki = Pki::new();
    let key = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let issuer = pki.root.under_with("RSA CA", key, |_| {});
    let card = issuer.card(|_| {}).certificate;
    let oid = |last| [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, last];
    let mut source = pki.source();
    source.issuers[0].certificate = issuer.certificate.clone();
    let trust = Trust::new(source, now()).unwrap();
    assert!(trust.verify(&chain([&card]), now()).is_ok());
    let sha1 = CertificateDer::from(replaced(&card, &oid(0x0b), &oid(0x05)));
    let rejected = trust.verify(&chain([&sha1]), now()).unwrap_err();
    assert_eq!(rejected.cause, CertificateRejection::SignatureAlgorithmWeak);
}

#[test]
fn weak_keys_are_refused() {
    let pki = Pki::new();
    let old = fixture("tests/fixtures/siths/old-siths-ca-v3-function-2010.pem");
    let rsa_1024 = Borrowed(Profile::read(&old).unwrap().key, &rcgen::PKCS_RSA_SHA256);
    let certificate = pki.hsa.certify(&rsa_1024, |_| {});
    assert_eq!(pki.cause(&chain([&certificate])), CertificateRejection::KeyWeak);
    for algorithm in [&rcgen::PKCS_ECDSA_P521_SHA512, &rcgen::PKCS_ED25519] {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let certificate = pki.hsa.certify(&key, |_| {});
        assert_eq!(pki.cause(&chain([&certificate])), CertificateRejection::KeyWeak);
    }
    for algorithm in [&rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_RSA_SHA256] {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let certificate = pki.hsa.certify(&key, |_| {});
        assert!(pki.trust().verify(&chain([&certificate]), now()).is_ok());
    }
}

#[test]
fn the_wrong_kind_is_told_before_anything_else_that_is_wrong() {
    let pki = Pki::new();
    let spoil = |params: &mut rcgen::CertificateParams| {
        identify(params, "191212121212");
        params.not_after = date_time_ymd(2026, 1, 1);
        params.key_usages = vec![KeyUsagePurpose::ContentCommitment];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    };
    for (ca, cause, code) in [
        (&pki.person, CertificateRejection::PersonId, Code::CertificateWrongType),
        (&pki.mobile, CertificateRejection::Mobile, Code::CertificateWrongType),
        (&pki.function, CertificateRejection::Function, Code::CertificateNotPersonal),
    ] {
        let rejected = pki.trust().verify(&ca.card(spoil).chain(), now()).unwrap_err();
        assert_eq!((rejected.cause, rejected.code()), (cause, code));
        assert_eq!(rejected.submitted.as_deref(), Some("191212121212"));
        assert!(rejected.facts.is_some());
    }
}

#[test]
fn the_signing_certificate_is_told_even_when_expired() {
    let pki = Pki::new();
    let cause = pki.cause_of(|params| {
        params.key_usages = vec![KeyUsagePurpose::ContentCommitment];
        params.not_after = date_time_ymd(2026, 1, 1);
    });
    assert_eq!(cause, CertificateRejection::ForSigning);
    let both = [KeyUsagePurpose::ContentCommitment, KeyUsagePurpose::DigitalSignature];
    let card = pki.hsa.card(|params| params.key_usages = both.to_vec());
    assert!(pki.trust().verify(&card.chain(), now()).is_ok());
}

#[test]
fn a_key_that_may_not_sign_handshakes_is_unusable() {
    let pki = Pki::new();
    for usages in [vec![], vec![KeyUsagePurpose::KeyEncipherment]] {
        let cause = pki.cause_of(|params| params.key_usages = usages);
        assert_eq!(cause, CertificateRejection::KeyUsageUnfit);
    }
}

#[test]
fn an_extended_key_usage_without_client_authentication_is_unusable() {
    let pki = Pki::new();
    for purpose in [ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::Any] {
        let cause = pki.cause_of(|params| params.extended_key_usages = vec![purpose]);
        assert_eq!(cause, CertificateRejection::PurposeUnfit);
    }
    let card = pki.hsa.card(|params| params.extended_key_usages = vec![]);
    assert!(pki.trust().verify(&card.chain(), now()).is_ok(), "none at all allows any");
}

#[test]
fn a_card_is_valid_to_the_second() {
    let pki = Pki::new();
    let trust = pki.trust();
    let card = pki.hsa.card(|_| {}).chain();
    let cause = |moment: &str| match trust.verify(&card, moment.parse().unwrap()) {
        Ok(_) => None,
        Err(rejected) => Some(rejected.cause),
    };
    assert_eq!(cause("2024-12-31T23:59:59Z"), Some(CertificateRejection::NotYetValid));
    assert_eq!(cause("2025-01-01T00:00:00Z"), None);
    assert_eq!(cause("2028-01-01T00:00:00.9Z"), None);
    assert_eq!(cause("2028-01-01T00:00:01Z"), Some(CertificateRejection::Expired));
}

#[test]
fn an_issuer_or_root_past_its_validity_ends_its_cards() {
    let root = Ca::root("Test Root CA v2");
    let key = KeyPair::generate().unwrap();
    let short = |params: &mut rcgen::CertificateParams| {
        params.not_after = date_time_ymd(2026, 1, 1);
    };
    let pki = Pki { hsa: root.under_with("Short", key, short), root, ..Pki::new() };
    let mut source = pki.source();
    source.issuers.truncate(1);
    let trust = Trust::new(source, now()).unwrap();
    let card = pki.hsa.card(|_| {}).chain();
    let rejected = trust.verify(&card, now()).unwrap_err();
    assert_eq!(rejected.cause, CertificateRejection::IssuerNotCurrent);
    assert!(trust.verify(&card, "2025-12-31T00:00:00Z".parse().unwrap()).is_ok());

    let pki = Pki::new();
    let lasting = |params: &mut rcgen::CertificateParams| {
        params.not_after = date_time_ymd(2060, 1, 1);
    };
    let mut source = pki.source();
    source.issuers[0].certificate = pki.hsa.again_under(&pki.root, lasting);
    let trust = Trust::new(source, now()).unwrap();
    let card = pki.hsa.card(lasting).chain();
    let rejected = trust.verify(&card, "2050-01-01T00:00:00Z".parse().unwrap()).unwrap_err();
    assert_eq!(rejected.cause, CertificateRejection::IssuerNotCurrent);
}

#[test]
fn a_ca_that_may_not_sign_certificates_or_clients_is_untrusted() {
    let pki = Pki::new();
    let mute = pki.hsa.again_under(&pki.root, |params| {
        params.key_usages = vec![KeyUsagePurpose::CrlSign];
    });
    let narrow = pki.hsa.again_under(&pki.root, |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
    });
    let mut source = pki.source();
    source.issuers[0].certificate = narrow;
    let trust = Trust::new(source, now()).unwrap();
    let card = pki.hsa.card(|_| {});
    let rejected = trust.verify(&card.chain(), now()).unwrap_err();
    assert_eq!(rejected.cause, CertificateRejection::IssuerUnfit);
    // Here the path leads over the certificate that the browser sent.
    let sent = chain([&card.certificate, &mute]);
    let rejected = trust.verify(&sent, now()).unwrap_err();
    assert_eq!(rejected.cause, CertificateRejection::IssuerUnfit);
}

#[test]
fn there_is_exactly_one_identifier_and_it_is_an_hsa_id() {
    let pki = Pki::new();
    let none = pki.cause_of(|params| {
        params.distinguished_name.remove(crate::pki::testing::serial_number());
    });
    assert_eq!(none, CertificateRejection::IdentifierMissing);

    // rcgen keeps one of each: a pseudonym (2.5.4.65) is made a second serialNumber.
    let two = pki.hsa.card(|params| {
        let pseudonym = rcgen::DnType::CustomDnType(vec![2, 5, 4, 65]);
        params.distinguished_name.push(pseudonym, printable("SE2321000016-1004"));
    });
    let two = pki.hsa.resign(&two.certificate, &[6, 3, 0x55, 4, 65], &[6, 3, 0x55, 4, 5]);
    assert_eq!(pki.cause(&chain([&two])), CertificateRejection::IdentifierRepeated);

    for personal in ["191212121212", "197010632391"] {
        let cause = pki.cause_of(|params| identify(params, personal));
        assert_eq!(cause, CertificateRejection::IdentifierPersonal);
        assert_eq!(cause.code(), Code::CertificateWrongType);
    }
    for other in ["HSATEST2-DGQ", "T-SERVICES-SE165565594230-1110", "1"] {
        let cause = pki.cause_of(|params| identify(params, other));
        assert_eq!(cause, CertificateRejection::IdentifierMalformed);
    }
}

#[test]
fn test_identifiers_follow_the_configured_grammar() {
    let pki = Pki::new();
    let mut source = pki.source();
    source.grammar.extra_prefixes.push("TSTNMT".into());
    let trust = Trust::new(source, now()).unwrap();
    let card = pki.hsa.card(|params| identify(params, "TSTNMT2321000156-1019"));
    assert!(trust.verify(&card.chain(), now()).is_ok());
}

#[test]
fn policies_decide_kind_and_level_and_the_least_of_several_counts() {
    let pki = Pki::new();
    let row = |oid: &str, kind, loa| PolicyRow { oid: oid.into(), kind, loa };
    let mut source = pki.source();
    source.issuers[0].policies = vec![
        row("1.2.752.74.8.512", Kind::HsaId, None),
        row("1.2.752.74.8.513", Kind::HsaId, Some(Loa::Two)),
        row("1.2.752.74.8.514", Kind::PersonId, None),
    ];
    let judged = |source: &TrustSource, with: &[u8]| {
        let card = pki.hsa.card(|params| {
            if !with.is_empty() {
                params.custom_extensions.push(policies(with));
            }
        });
        let trust = Trust::new(source.clone(), now()).unwrap();
        trust.verify(&card.chain(), now()).map(|v| v.loa()).map_err(|r| r.cause)
    };
    assert_eq!(judged(&source, &[0]), Ok(Loa::Three));
    assert_eq!(judged(&source, &[1]), Ok(Loa::Two));
    assert_eq!(judged(&source, &[0, 1]), Ok(Loa::Two));
    assert_eq!(judged(&source, &[0, 2]), Err(CertificateRejection::IdentifierForeign));
    assert_eq!(judged(&source, &[9]), Ok(Loa::Three));
    assert_eq!(judged(&source, &[]), Ok(Loa::Three));
    source.unknown_policy = UnknownPolicy::Refuse;
    assert_eq!(judged(&source, &[9]), Err(CertificateRejection::PolicyUnknown));
    assert_eq!(judged(&source, &[]), Err(CertificateRejection::PolicyUnknown));
    assert_eq!(judged(&source, &[9, 1]), Ok(Loa::Two));
}

#[test]
fn a_policy_that_a_ca_of_the_path_does_not_allow_lets_nobody_in() {
    let pki = Pki::new();
    let key = KeyPair::generate().unwrap();
    let ca = pki.root.under_with("Narrow", key, |params| {
        params.custom_extensions = vec![policies(&[1])];
    });
    let mut source = pki.source();
    source.issuers[0].certificate = ca.certificate.clone();
    // The row of the policy says less than that of the CA, which must not count instead.
    source.issuers[0].policies =
        vec![PolicyRow { oid: "1.2.752.74.8.512".into(), kind: Kind::HsaId, loa: Some(Loa::Two) }];
    let judged = |last: &[u8], source: &TrustSource| {
        let card = ca.card(|params| params.custom_extensions.push(policies(last)));
        let trust = Trust::new(source.clone(), now()).unwrap();
        trust.verify(&card.chain(), now()).map(|card| card.loa()).map_err(|r| r.cause)
    };
    assert_eq!(judged(&[0], &source), Err(CertificateRejection::PolicyNotAllowed));
    assert_eq!(judged(&[0, 1], &source), Err(CertificateRejection::PolicyNotAllowed));
    assert_eq!(judged(&[1], &source), Ok(Loa::Three));
    source.issuers[0].policies[0].kind = Kind::Mobile;
    assert_eq!(judged(&[0], &source), Err(CertificateRejection::IdentifierForeign));
}

#[test]
fn a_policy_that_no_row_names_is_told_and_follows_its_issuer() {
    let pki = Pki::new();
    let card = pki.hsa.card(|params| params.custom_extensions.push(policies(&[9])));
    let assessment = pki.trust().assess(&card.chain(), now());
    assert_eq!(assessment.unknown_policies, ["1.2.752.74.8.521"]);
    assert!(assessment.outcome.is_ok());
    let step = assessment.steps.iter().find(|step| step.check == Check::Policy).unwrap();
    assert_eq!(step.result, StepResult::Warned);
    assert_eq!(step.detail, "follows its CA; not configured: 1.2.752.74.8.521");
}

#[test]
fn a_policy_that_no_row_names_is_told_beside_a_known_one_and_of_who_is_refused() {
    let pki = Pki::new();
    let mut source = pki.source();
    source.unknown_policy = UnknownPolicy::Refuse;
    let row = PolicyRow { oid: "1.2.752.74.8.512".into(), kind: Kind::HsaId, loa: None };
    source.issuers[0].policies = vec![row];
    let trust = Trust::new(source, now()).unwrap();
    let unknown = "1.2.752.74.8.521";

    // What rides along refuses nothing.
    let card = pki.hsa.card(|params| params.custom_extensions.push(policies(&[0, 9])));
    let assessment = trust.assess(&card.chain(), now());
    assert_eq!(assessment.unknown_policies, [unknown]);
    assert!(assessment.outcome.is_ok());
    let step = assessment.steps.iter().find(|step| step.check == Check::Policy).unwrap();
    assert_eq!(step.result, StepResult::Warned);
    assert_eq!(step.detail, "1.2.752.74.8.512; not configured: 1.2.752.74.8.521");

    let card = pki.hsa.card(|params| params.custom_extensions.push(policies(&[9])));
    let assessment = trust.assess(&card.chain(), now());
    assert_eq!(assessment.unknown_policies, [unknown]);
    assert_eq!(assessment.outcome.unwrap_err().cause, CertificateRejection::PolicyUnknown);

    // Another key under the CA's name: a stranger names what he likes.
    let impostor = Ca::root("Test Root CA v2").under("Person HSA-id 3 CA v1");
    let card = impostor.card(|params| params.custom_extensions.push(policies(&[9])));
    let assessment = trust.assess(&card.chain(), now());
    assert!(assessment.outcome.is_err());
    assert!(assessment.unknown_policies.is_empty());
}

#[test]
fn an_assessment_has_every_step_in_order_and_stops_at_the_first_that_fails() {
    let pki = Pki::new();
    let results = |assessment: &crate::pki::Assessment| -> Vec<StepResult> {
        let checks: Vec<Check> = assessment.steps.iter().map(|step| step.check).collect();
        assert_eq!(checks, Check::ALL);
        assessment.steps.iter().map(|step| step.result).collect()
    };
    let good = pki.hsa.card(|params| params.use_authority_key_identifier_extension = true);
    let assessment = pki.trust().assess(&good.chain(), now());
    let (last, others) = results(&assessment).split_last().map(|(l, o)| (*l, o.to_vec())).unwrap();
    assert!(others.iter().all(|result| *result == StepResult::Passed), "{assessment:?}");
    assert_eq!(last, StepResult::NotReached, "revocation is for others to ask");
    let certificate = assessment.certificate.unwrap();
    assert_eq!(certificate.key_usage, ["digitalSignature", "keyEncipherment"]);
    assert_eq!(certificate.purposes, ["clientAuth"]);
    assert_eq!((&*certificate.key, certificate.kind), ("EC P-256", Some(Kind::HsaId)));
    assert_eq!(certificate.signature_algorithm, "ecdsa-with-SHA256");

    let expired = pki.hsa.card(|params| params.not_after = date_time_ymd(2026, 1, 1));
    let assessment = pki.trust().assess(&expired.chain(), now());
    let failed = results(&assessment).iter().position(|r| *r == StepResult::Failed).unwrap();
    assert_eq!(assessment.steps[failed].check, Check::Validity);
    let after = &results(&assessment)[failed + 1..];
    assert!(after.iter().all(|result| *result == StepResult::NotReached));
    let told = format!("{assessment:?}");
    assert!(!told.contains("SE2321000016-1003") && !told.contains("Berit"), "{told}");

    let garbage = chain([&CertificateDer::from(vec![1, 2, 3])]);
    let assessment = pki.trust().assess(&garbage, now());
    assert!(assessment.certificate.is_none());
    assert_eq!(results(&assessment)[1], StepResult::Failed);
}

#[test]
fn an_hsa_id_from_an_issuer_of_personal_numbers_is_told_as_such() {
    let pki = Pki::new();
    for ca in [&pki.person, &pki.mobile] {
        assert_eq!(pki.cause(&ca.card(|_| {}).chain()), CertificateRejection::IdentifierForeign);
    }
    let function = pki.function.card(|_| {}).chain();
    assert_eq!(pki.cause(&function), CertificateRejection::Function);
}

#[test]
fn hints_are_the_issuers_that_the_chooser_offers_each_once() {
    let pki = Pki::new();
    let subject = |ca: &Ca| Profile::read(&ca.certificate).unwrap().subject;
    let named = |source: TrustSource, chooser| -> Vec<Vec<u8>> {
        let hints = Trust::new(source, now()).unwrap().hints(chooser);
        hints.iter().map(|hint| hint.as_ref().to_vec()).collect()
    };
    let all = [&pki.hsa, &pki.person, &pki.mobile, &pki.function].map(subject);
    assert_eq!(named(pki.source(), Chooser::HsaId), [subject(&pki.hsa)]);
    assert_eq!(named(pki.source(), Chooser::Siths), all);
    assert!(named(pki.source(), Chooser::Any).is_empty());

    // Whoever has one policy for login among others is offered, too.
    let mut source = pki.source();
    source.issuers[1].policies.push(PolicyRow {
        oid: "1.2.3".to_owned(),
        kind: Kind::HsaId,
        loa: Some(Loa::Three),
    });
    assert_eq!(named(source, Chooser::HsaId), [subject(&pki.hsa), subject(&pki.person)]);

    // A CA with a renewed key bears the name of the old one.
    let mut source = pki.source();
    let renewed = pki.root.under("Person HSA-id 3 CA v1");
    source
        .issuers
        .push(IssuerRow { certificate: renewed.certificate, ..source.issuers[0].clone() });
    assert_eq!(named(source, Chooser::HsaId), [subject(&pki.hsa)]);
}

#[test]
fn what_nobody_should_read_is_not_kept() {
    let root = Ca::root("Berit Björk 191212121212");
    let rejected = Pki::new().trust().verify(&chain([&root.certificate]), now()).unwrap_err();
    assert_eq!(rejected.facts.as_ref().unwrap().issuer_cn, "self-issued");
    assert!(!format!("{rejected:?}").contains("1912"));

    // Whoever has a card, or a CA at home, chooses the name of the issuer.
    let issued = Ca::root("Berit Björk 191212121212").card(|_| {});
    let rejected = Pki::new().trust().verify(&issued.chain(), now()).unwrap_err();
    assert_eq!(rejected.facts.as_ref().unwrap().issuer_cn, "Berit Björk ****");
    assert!(!format!("{rejected:?}").contains("1912"));
}

#[test]
fn the_serial_number_that_is_told_is_bounded() {
    let serial = |octets: usize| {
        let card = Ca::root("At Home CA").card(|params| {
            params.serial_number = Some(vec![0x5a; octets].into());
        });
        let rejected = Pki::new().trust().verify(&card.chain(), now()).unwrap_err();
        rejected.facts.unwrap().serial
    };
    assert_eq!(serial(20), "5a".repeat(20));
    assert_eq!(serial(40), "5a".repeat(40));
    assert_eq!(serial(41), "5a".repeat(40) + "…");
    assert_eq!(serial(22_000), "5a".repeat(40) + "…");
}

#[test]
fn a_configured_certificate_that_will_not_do_is_named() {
    let pki = Pki::new();
    let reason = |edit: fn(&Pki, &mut TrustSource), moment: DateTime<Utc>| {
        let mut source = pki.source();
        edit(&pki, &mut source);
        Trust::new(source, moment).unwrap_err()
    };
    let garbage = |_: &Pki, source: &mut TrustSource| source.roots.push(vec![1, 2, 3].into());
    let fault = reason(garbage, now());
    assert_eq!(fault.to_string(), "root number 2: is no certificate that can be read");

    let late = "2050-01-01T00:00:00Z".parse().unwrap();
    let fault = reason(|_, _| {}, late);
    assert_eq!(fault.reason, TrustFaultReason::NotCurrent);
    assert!(fault.certificate.starts_with("root \"Test Root CA v2\" (SHA-256 "));

    let no_ca = |pki: &Pki, source: &mut TrustSource| {
        source.issuers[0].certificate = pki.hsa.card(|_| {}).certificate;
    };
    assert_eq!(reason(no_ca, now()).reason, TrustFaultReason::NotACa);
    let elsewhere = |_: &Pki, source: &mut TrustSource| {
        source.issuers[0].certificate = Ca::root("Test Root CA v2").under("X").certificate;
    };
    assert_eq!(reason(elsewhere, now()).reason, TrustFaultReason::NotUnderARoot);
    let twice = |_: &Pki, source: &mut TrustSource| {
        source.issuers.push(source.issuers[0].clone());
    };
    assert_eq!(reason(twice, now()).reason, TrustFaultReason::Repeated);
    let no_loa = |_: &Pki, source: &mut TrustSource| source.issuers[0].loa = None;
    assert_eq!(reason(no_loa, now()).reason, TrustFaultReason::LoaMissing);
}

#[test]
fn a_judgement_travels() {
    let pki = Pki::new();
    let authentic = pki.trust().verify(&pki.hsa.card(|_| {}).chain(), now()).unwrap();
    let verdicts = vec![Verdict::NotRevoked; authentic.links().len()];
    let judgement = Judgement::Verified(authentic.settle(&verdicts).unwrap());
    let json = serde_json::to_string(&judgement).unwrap();
    let Judgement::Verified(back) = serde_json::from_str(&json).unwrap() else {
        panic!("another judgement came back");
    };
    assert_eq!(back.hsa_id().as_str(), "SE2321000016-1003");
    assert_eq!(back.loa(), Loa::Three);
}

/// The real SITHS: what is public of it.
mod real {
    use super::*;

    fn trust(environment: &str, root: &str, function: &str) -> Trust {
        let folder = format!("config/trust/{environment}");
        let source = TrustSource {
            roots: vec![fixture(&format!("{folder}/{root}.pem"))],
            issuers: vec![IssuerRow {
                certificate: fixture(&format!("{folder}/{function}.pem")),
                kind: Kind::Function,
                loa: None,
                policies: Vec::new(),
            }],
            intermediates: Vec::new(),
            grammar: HsaIdGrammar::default(),
            unknown_policy: UnknownPolicy::FollowIssuer,
        };
        Trust::new(source, now()).unwrap()
    }

    fn test_trust() -> Trust {
        trust("test", "test-siths-e-id-root-ca-v2", "test-siths-e-id-function-ca-v1")
    }

    #[test]
    fn a_function_certificate_is_not_personal() {
        for name in ["qa-inera-idp-clientcert-function", "test-function-ee-2021"] {
            let leaf = fixture(&format!("tests/fixtures/siths/{name}.pem"));
            let rejected = test_trust().verify(&chain([&leaf]), now()).unwrap_err();
            assert_eq!(rejected.cause, CertificateRejection::Function, "{name}");
        }
    }

    #[test]
    fn a_test_certificate_is_untrusted_in_production() {
        let trust = trust("production", "siths-e-id-root-ca-v2", "siths-e-id-function-ca-v1");
        let leaf = fixture("tests/fixtures/siths/qa-inera-idp-clientcert-function.pem");
        let rejected = trust.verify(&chain([&leaf]), now()).unwrap_err();
        assert_eq!(rejected.code(), Code::CertificateUntrusted);
    }

    #[test]
    fn certificates_of_old_hierarchies_are_untrusted() {
        for name in ["testperson-siths-type-1-ca-v1-pp-signing", "old-siths-ca-v3-function-2010"] {
            let leaf = fixture(&format!("tests/fixtures/siths/{name}.pem"));
            let rejected = test_trust().verify(&chain([&leaf]), now()).unwrap_err();
            assert_eq!(rejected.code(), Code::CertificateUntrusted, "{name}");
        }
    }
}

fn fixture(path: &str) -> CertificateDer<'static> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    CertificateDer::from_pem_file(path).unwrap()
}
