//! What was made, read by another library than the one that made it.

use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::OnceLock;

use chrono::TimeDelta;
use rustls::pki_types::UnixTime;
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_parser::asn1_rs::Tag;
use x509_parser::extensions::{DistributionPointName, GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::card::{Card, CardFiles};
use super::*;
use crate::clock::Clock;
use crate::random::Random;

fn now() -> DateTime<Utc> {
    Clock::system().now()
}

pub(in crate::dev) fn pki() -> &'static Pki {
    static PKI: OnceLock<Pki> = OnceLock::new();
    PKI.get_or_init(|| {
        // One for all test runs of one folder of built things: making it takes seconds, and a build
        // of another version would make it anew under our hands.
        let program = std::env::current_exe().unwrap();
        Pki::load_or_create(&program.with_file_name("siths-idp-test-pki"), now()).unwrap()
    })
}

fn chain(name: &str) -> Vec<CertificateDer<'static>> {
    let file = &pki().person(name).unwrap().cert_pem;
    CertificateDer::pem_file_iter(file).unwrap().collect::<Result<_, _>>().unwrap()
}

fn parse(der: &[u8]) -> X509Certificate<'_> {
    X509Certificate::from_der(der).unwrap().1
}

fn verify(chain: &[CertificateDer<'_>]) -> Result<(), webpki::Error> {
    let anchor = anchor_from_trusted_cert(&pki().root().der).unwrap();
    let time = UnixTime::since_unix_epoch(card::since_epoch(now()));
    EndEntityCert::try_from(&chain[0])?
        .verify_for_usage(
            ALL_VERIFICATION_ALGS,
            &[anchor],
            &chain[1..],
            time,
            KeyUsage::client_auth(),
            None,
            None,
        )
        .map(drop)
}

fn authority() -> Authority {
    pki().authority(IssuerName::HsaId3).unwrap()
}

#[test]
fn only_the_cards_that_should_not_verify_do_not() {
    for person in pki().people() {
        let verdict = verify(&chain(person.name));
        match person.name {
            "expired" => assert!(matches!(verdict, Err(webpki::Error::CertExpired { .. }))),
            "not-yet-valid" => {
                assert!(matches!(verdict, Err(webpki::Error::CertNotValidYet { .. })));
            }
            "untrusted" => assert!(verdict.is_err()),
            name => assert!(verdict.is_ok(), "{name}: {verdict:?}"),
        }
    }
}

#[test]
fn an_impostor_has_the_names_and_not_the_keys() {
    let (good, bad) = (chain("clinician"), chain("untrusted"));
    assert_eq!(parse(&good[1]).subject().as_raw(), parse(&bad[1]).subject().as_raw());
    assert_eq!(parse(&good[1]).issuer().as_raw(), parse(&bad[1]).issuer().as_raw());
    assert_ne!(parse(&good[1]).public_key().raw, parse(&bad[1]).public_key().raw);
}

#[test]
fn the_subject_has_the_order_and_the_string_types_of_siths() {
    let chain = chain("clinician");
    let leaf = parse(&chain[0]);
    let attributes: Vec<_> = leaf
        .subject()
        .iter_attributes()
        .map(|a| (a.attr_type().to_id_string(), a.attr_value().tag(), a.as_str().unwrap()))
        .collect();
    let expected = [
        ("2.5.4.6", Tag::PrintableString, "SE"),
        ("2.5.4.7", Tag::Utf8String, "Västerbottens län"),
        ("2.5.4.10", Tag::Utf8String, "Region Testbotten"),
        ("2.5.4.3", Tag::Utf8String, "Anna Testsson"),
        ("2.5.4.4", Tag::Utf8String, "Testsson"),
        ("2.5.4.42", Tag::Utf8String, "Anna"),
        ("2.5.4.5", Tag::PrintableString, "SE2321000222-DEV1"),
    ];
    assert_eq!(attributes, expected.map(|(oid, tag, text)| (oid.to_owned(), tag, text)));
}

#[test]
fn the_identification_certificate_has_the_profile_of_siths() {
    let chain = chain("clinician");
    let leaf = parse(&chain[0]);
    let usage = leaf.key_usage().unwrap().unwrap();
    assert!(usage.critical);
    assert_eq!(usage.value.flags, 0b101, "digitalSignature and keyEncipherment alone");
    let purposes = leaf.extended_key_usage().unwrap().unwrap().value;
    assert!(purposes.client_auth && !purposes.server_auth && !purposes.any);
    assert_eq!(purposes.other[0].to_id_string(), "1.3.6.1.4.1.311.20.2.2");
    assert!(leaf.raw_serial().len() >= 15);
    assert_eq!(leaf.signature_algorithm.algorithm.to_id_string(), "1.2.840.113549.1.1.13");

    let (mut policy, mut crl, mut access, mut number) = (None, None, Vec::new(), None);
    let (mut subject_key, mut authority_key) = (None, None);
    for extension in leaf.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::CertificatePolicies(policies) => {
                policy = Some(policies[0].policy_id.to_id_string());
            }
            ParsedExtension::CRLDistributionPoints(points) => {
                let Some(DistributionPointName::FullName(names)) =
                    &points.points[0].distribution_point
                else {
                    panic!("no full name")
                };
                crl = Some(names[0].to_string());
            }
            ParsedExtension::AuthorityInfoAccess(info) => {
                access = info.accessdescs.iter().map(|d| d.access_location.to_string()).collect();
            }
            ParsedExtension::SubjectKeyIdentifier(id) => subject_key = Some(id.0.to_vec()),
            ParsedExtension::AuthorityKeyIdentifier(id) => {
                authority_key = id.key_identifier.as_ref().map(|id| id.0.to_vec());
            }
            _ if extension.oid.to_id_string() == "1.2.752.34.2.1" => {
                number = Some(extension.value.to_vec());
            }
            _ => {}
        }
    }
    assert_eq!(policy.unwrap(), "1.3.6.1.4.1.32473.74.8.3");
    let crl = crl.unwrap();
    assert!(crl.contains("//crl.idp.localhost:8445/devsithseidpersonhsaid3cav1.crl"), "{crl}");
    assert!(access[0].contains("//ocsp.idp.localhost:8445"), "{access:?}");
    assert!(access[1].contains("//aia.idp.localhost:8445/devsithseidpersonhsaid3cav1.cer"));
    let number = number.unwrap();
    assert_eq!(number[..2], [0x13, 19]);
    assert!(number[2..].iter().all(u8::is_ascii_digit));
    assert!(subject_key.is_some());
    let issuer = parse(&chain[1]);
    let issuer_key = issuer.iter_extensions().find_map(|e| match e.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
        _ => None,
    });
    assert_eq!(authority_key, issuer_key);

    let names = &leaf.subject_alternative_name().unwrap().unwrap().value.general_names;
    assert!(matches!(&names[0], GeneralName::OtherName(oid, value)
        if oid.to_id_string() == "1.3.6.1.4.1.311.20.2.3" && value.ends_with(b"region.example")));
    assert_eq!(names[1], GeneralName::RFC822Name("anna.testsson@region.example"));
}

#[test]
fn the_signing_certificate_differs_in_its_use() {
    let chain = chain("signing");
    let leaf = parse(&chain[0]);
    assert_eq!(leaf.key_usage().unwrap().unwrap().value.flags, 0b10, "nonRepudiation alone");
    assert!(leaf.extended_key_usage().unwrap().is_none());
}

#[test]
fn the_authorities_are_as_those_of_siths() {
    let root = parse(&pki().root().der);
    assert_eq!(root.subject().to_string(), format!("C=SE, O=Inera AB, CN={ROOT_NAME}"));
    assert_eq!(root.signature_algorithm.algorithm.to_id_string(), "1.2.840.113549.1.1.11");
    for issuer in pki().issuers() {
        let certificate = parse(&issuer.der);
        let name = format!("C=SE, O=Inera AB, CN={}", issuer.name.common_name());
        assert_eq!(certificate.subject().to_string(), name);
        assert_eq!(certificate.public_key().parsed().unwrap().key_size(), 4096);
        assert_eq!(
            certificate.signature_algorithm.algorithm.to_id_string(),
            "1.2.840.113549.1.1.13"
        );
        let constraints = certificate.basic_constraints().unwrap().unwrap();
        assert!(constraints.critical && constraints.value.ca);
        assert_eq!(constraints.value.path_len_constraint, Some(0));
        let usage = certificate.key_usage().unwrap().unwrap();
        assert!(usage.critical && usage.value.key_cert_sign() && usage.value.crl_sign());
        assert_eq!(usage.value.flags.count_ones(), 2);
        certificate.verify_signature(Some(root.public_key())).unwrap();
    }
}

#[test]
fn every_person_has_a_name_and_an_identity_of_their_own() {
    let people = pki().people();
    let names: HashSet<_> = people.iter().map(|person| person.name).collect();
    assert_eq!(names.len(), people.len());
    let ids: Vec<_> = people.iter().filter_map(|person| person.hsa_id).collect();
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
    for person in people {
        assert!(person.what_happens.len() <= 28, "{} breaks the table", person.name);
    }
}

#[test]
fn keys_are_closed_to_others() {
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let person = pki().person("clinician").unwrap();
    assert_eq!(mode(pki().dir()), 0o700);
    for file in [&person.key_pem, &person.p12, pki().server_key_pem()] {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
}

#[test]
fn the_server_speaks_for_localhost_only_and_verifies() {
    let ca = certificate(pki().web_ca_pem()).unwrap();
    let chain: Vec<_> = CertificateDer::pem_file_iter(pki().server_chain_pem())
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let server = EndEntityCert::try_from(&chain[0]).unwrap();
    let time = UnixTime::since_unix_epoch(card::since_epoch(now()));
    let anchor = anchor_from_trusted_cert(&ca).unwrap();
    let usage = KeyUsage::server_auth();
    server
        .verify_for_usage(ALL_VERIFICATION_ALGS, &[anchor], &[], time, usage, None, None)
        .unwrap();
    for host in ["idp.localhost", "7f3k.card.idp.localhost", "mtls.idp.localhost", "127.0.0.1"] {
        let name = rustls::pki_types::ServerName::try_from(host).unwrap();
        server.verify_is_valid_for_subject_name(&name).unwrap();
    }
    let certificate = parse(&chain[0]);
    let validity = certificate.validity();
    assert!(validity.not_after.timestamp() - validity.not_before.timestamp() < 398 * 86_400);
    assert!(parse(&ca).name_constraints().unwrap().unwrap().critical);
}

#[test]
fn cards_are_made_on_the_fly() {
    let CardFiles { chain, .. } = Card::hsa("SE2321000222-FLY", now()).build(&authority()).unwrap();
    verify(&chain).unwrap();
    assert!(verify(&chain[..1]).is_err(), "the leaf alone");
    let forged = Authority::impostor(IssuerName::HsaId3).unwrap();
    let forged = Card::hsa("SE2321000222-FLY", now()).build(&forged).unwrap();
    assert!(verify(&[forged.chain[0].clone(), chain[1].clone()]).is_err(), "another key");
}

#[test]
fn a_second_load_reads_what_the_first_has_made() {
    let again = Pki::load_or_create(pki().dir(), now()).unwrap();
    assert_eq!(again.root().der, pki().root().der);
    let key = |pki: &Pki| std::fs::read(&pki.person("clinician").unwrap().key_pem).unwrap();
    assert_eq!(key(&again), key(pki()));
}

#[test]
fn a_half_made_or_old_folder_is_made_anew() {
    let label = Random::system().label();
    let dir = std::env::temp_dir().join(format!("siths-idp-pki-{label}"));
    copy(pki().dir(), &dir);
    let made = std::fs::read_to_string(dir.join("made")).unwrap();

    assert!(folder::is_current(&dir, now()));
    assert!(!folder::is_current(&dir, now() + TimeDelta::days(368)), "30 days before the end");
    std::fs::write(dir.join("made"), made.replacen(' ', "x ", 1)).unwrap();
    assert!(!folder::is_current(&dir, now()), "of another version");
    std::fs::write(dir.join("made"), &made).unwrap();

    std::fs::remove_file(dir.join("people/signing/card.p12")).unwrap();
    let remade = Pki::load_or_create(&dir, now()).unwrap();
    assert_ne!(remade.root().der, pki().root().der);
    assert!(remade.person("signing").unwrap().p12.exists());
    assert!(!dir.with_extension("new").exists() && !dir.with_extension("old").exists());
    std::fs::remove_dir_all(&dir).unwrap();
    std::fs::remove_file(dir.with_extension("lock")).unwrap();
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
