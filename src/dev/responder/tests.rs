//! A responder as its clients see it. Who reads lists and answers here is another hand than who
//! wrote them: x509-parser, x509-ocsp and webpki.

use std::time::{Duration, Instant};

use chrono::DateTime;
use der::{Decode as _, Encode as _};
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, RawPublicKeyEntity};
use x509_ocsp::{BasicOcspResponse, CertStatus, OcspResponse, OcspResponseStatus};
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::revocation_list::CertificateRevocationList;

use super::*;
use crate::dev::pki::IssuerName;
use crate::dev::pki::tests::pki;

const HSA: CaName = CaName::Issuing(IssuerName::HsaId3);

fn now() -> DateTime<Utc> {
    "2026-11-23T12:34:56Z".parse().unwrap()
}

fn responder() -> (Responder, Clock) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let clock = Clock::manual(now());
    (Responder::start(listener, pki(), clock.clone()).unwrap(), clock)
}

fn http() -> reqwest::Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    client.build().unwrap()
}

async fn list(responder: &Responder) -> Vec<u8> {
    let answer = http().get(responder.crl_url(HSA)).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/pkix-crl");
    answer.bytes().await.unwrap().to_vec()
}

fn read(list: &[u8]) -> CertificateRevocationList<'_> {
    let (rest, list) = CertificateRevocationList::from_der(list).unwrap();
    assert!(rest.is_empty());
    list
}

fn number(list: &CertificateRevocationList<'_>) -> u64 {
    u64::from_str_radix(&list.crl_number().unwrap().to_str_radix(16), 16).unwrap()
}

fn is_signed_by(list: &CertificateRevocationList<'_>, ca: CaName) -> bool {
    let (_, ca) = X509Certificate::from_der(pki().certificate(ca)).unwrap();
    let key = SubjectPublicKeyInfoDer::from(ca.public_key().raw);
    RawPublicKeyEntity::try_from(&key)
        .unwrap()
        .verify_signature(
            webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA512,
            list.tbs_cert_list.as_ref(),
            &list.signature_value.data,
        )
        .is_ok()
}

#[tokio::test]
async fn every_authority_has_a_list_that_it_has_signed() {
    let (responder, _) = responder();
    for ca in CaName::all() {
        let answer = http().get(responder.crl_url(ca)).send().await.unwrap();
        let der = answer.bytes().await.unwrap();
        let list = read(&der);
        assert!(is_signed_by(&list, ca), "{ca:?}");
        let (_, certificate) = X509Certificate::from_der(pki().certificate(ca)).unwrap();
        assert_eq!(list.issuer().as_raw(), certificate.subject().as_raw());
        let key_id = |extension: &ParsedExtension<'_>| match extension {
            ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
            ParsedExtension::AuthorityKeyIdentifier(id) => {
                id.key_identifier.as_ref().map(|id| id.0.to_vec())
            }
            _ => None,
        };
        let of_list = list.extensions().iter().find_map(|e| key_id(e.parsed_extension()));
        // Each authority's own comes before its issuer's, or the root has its own alone.
        let own = certificate.iter_extensions().find_map(|e| match e.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
            _ => None,
        });
        assert_eq!(of_list, own);
        assert_eq!(
            list.next_update().unwrap().timestamp() - list.last_update().timestamp(),
            86_400
        );
    }
    assert_eq!((responder.requests(What::Crl), responder.requests(What::Ocsp)), (7, 0));
}

#[tokio::test]
async fn a_revoked_serial_is_in_the_next_list_with_a_higher_number() {
    let (responder, clock) = responder();
    let before = list(&responder).await;
    let first = read(&before).iter_revoked_certificates().count();
    responder.revoke(HSA, &[0, 0x9a, 7], now());
    let after = list(&responder).await;
    let revoked: Vec<_> =
        read(&after).iter_revoked_certificates().map(|r| r.serial().clone()).collect();
    assert_eq!(revoked.len(), first + 1);
    assert!(revoked.contains(&0x9a07_u32.into()));
    assert!(is_signed_by(&read(&after), HSA));
    clock.advance(TimeDelta::hours(1));
    let later = list(&responder).await;
    let numbers = [&before, &after, &later].map(|list| number(&read(list)));
    assert!(numbers.is_sorted_by(|one, other| one < other), "{numbers:?}");
    assert_eq!(read(&later).iter_revoked_certificates().count(), first + 1);
}

#[tokio::test]
async fn a_list_that_is_known_is_not_sent_again() {
    let (responder, clock) = responder();
    let first = http().get(responder.crl_url(HSA)).send().await.unwrap();
    let (etag, modified) =
        (first.headers()["etag"].clone(), first.headers()["last-modified"].clone());
    assert_eq!(modified, "Mon, 23 Nov 2026 12:00:00 GMT");
    let again =
        |name: &'static str, value| http().get(responder.crl_url(HSA)).header(name, value).send();
    assert_eq!(again("if-none-match", etag.clone()).await.unwrap().status(), 304);
    assert_eq!(again("if-modified-since", modified.clone()).await.unwrap().status(), 304);
    clock.advance(TimeDelta::hours(1));
    assert_eq!(again("if-none-match", etag).await.unwrap().status(), 200);
    assert_eq!(again("if-modified-since", modified).await.unwrap().status(), 200);
}

/// A request for one certificate, as RFC 6960 §4.1.1 has it; with a nonce.
fn request(ca: CaName, serial: u8, hash: Hash) -> Vec<u8> {
    request_of(ca, &[serial], hash)
}

fn request_of(ca: CaName, serial: &[u8], hash: Hash) -> Vec<u8> {
    use crate::dev::pki::der::{oid, sequence, tlv};
    let (_, read) = X509Certificate::from_der(pki().certificate(ca)).unwrap();
    let (algorithm, arcs): (&aws_lc_rs::digest::Algorithm, &[u64]) = match hash {
        Hash::Sha1 => (&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, &[1, 3, 14, 3, 2, 26]),
        Hash::Sha256 => (&aws_lc_rs::digest::SHA256, &[2, 16, 840, 1, 101, 3, 4, 2, 1]),
    };
    let hashed = |bytes: &[u8]| tlv(4, aws_lc_rs::digest::digest(algorithm, bytes).as_ref());
    let id = sequence(&[
        &sequence(&[&oid(arcs), &[5, 0]]),
        &hashed(read.subject().as_raw()),
        &hashed(&read.public_key().subject_public_key.data),
        &tlv(2, serial),
    ]);
    let nonce = sequence(&[&oid(&[1, 3, 6, 1, 5, 5, 7, 48, 1, 2]), &tlv(4, &tlv(4, &[7; 32]))]);
    let requests = sequence(&[&sequence(&[&id])]);
    sequence(&[&sequence(&[&requests, &tlv(0xa2, &sequence(&[&nonce]))])])
}

#[derive(Clone, Copy)]
enum Hash {
    Sha1,
    Sha256,
}

async fn ask(responder: &Responder, request: Vec<u8>) -> OcspResponse {
    let answer = http().post(responder.ocsp_url()).body(request).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/ocsp-response");
    OcspResponse::from_der(&answer.bytes().await.unwrap()).unwrap()
}

async fn basic(responder: &Responder, request: Vec<u8>) -> BasicOcspResponse {
    let response = ask(responder, request).await;
    assert_eq!(response.response_status, OcspResponseStatus::Successful);
    BasicOcspResponse::from_der(response.response_bytes.unwrap().response.as_bytes()).unwrap()
}

/// Whether the answer is signed by a delegate of `ca` for OCSP.
fn is_by_delegate_of(basic: &BasicOcspResponse, ca: CaName) -> bool {
    let delegate = basic.certs.as_ref().unwrap()[0].to_der().unwrap();
    let delegate = CertificateDer::from(delegate);
    let delegate = EndEntityCert::try_from(&delegate).unwrap();
    let anchor = webpki::anchor_from_trusted_cert(pki().certificate(ca)).unwrap();
    let time = rustls::pki_types::UnixTime::since_unix_epoch(Duration::from_secs(
        now().timestamp().unsigned_abs(),
    ));
    let usage = KeyUsage::required(&[0x2b, 6, 1, 5, 5, 7, 3, 9]);
    let path = delegate
        .verify_for_usage(ALL_VERIFICATION_ALGS, &[anchor], &[], time, usage, None, None)
        .is_ok();
    path && delegate
        .verify_signature(
            webpki::aws_lc_rs::ECDSA_P256_SHA256,
            &basic.tbs_response_data.to_der().unwrap(),
            basic.signature.raw_bytes(),
        )
        .is_ok()
}

#[tokio::test]
async fn ocsp_tells_what_is_revoked_by_both_hashes_and_by_get_and_post() {
    let (responder, _) = responder();
    responder.revoke(HSA, &[9], now());
    for hash in [Hash::Sha1, Hash::Sha256] {
        for (serial, is_revoked) in [(9, true), (8, false)] {
            let basic = basic(&responder, request(HSA, serial, hash)).await;
            let [single] = &basic.tbs_response_data.responses[..] else { panic!("not one") };
            assert_eq!(matches!(single.cert_status, CertStatus::Revoked(_)), is_revoked);
            assert_eq!(matches!(single.cert_status, CertStatus::Good(_)), !is_revoked);
            assert_eq!(single.cert_id.serial_number.as_bytes(), [serial]);
            assert!(is_by_delegate_of(&basic, HSA));
            assert!(!is_by_delegate_of(&basic, CaName::Root));
            assert_eq!(basic.nonce().unwrap().0.as_bytes(), [7; 32]);
        }
    }
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(request(HSA, 9, Hash::Sha1));
    let text = text.replace('/', "%2F").replace('+', "%2B").replace('=', "%3D");
    let answer = http().get(format!("{}/{text}", responder.ocsp_url())).send().await.unwrap();
    let response = OcspResponse::from_der(&answer.bytes().await.unwrap()).unwrap();
    assert_eq!(response.response_status, OcspResponseStatus::Successful);
    assert_eq!(responder.requests(What::Ocsp), 5);
}

#[tokio::test]
async fn the_authority_itself_signs_where_that_is_switched() {
    let (responder, _) = responder();
    responder.set_signer(Signer::Authority);
    let basic = basic(&responder, request(CaName::Root, 1, Hash::Sha256)).await;
    assert!(basic.certs.is_none());
    let (_, root) = X509Certificate::from_der(pki().certificate(CaName::Root)).unwrap();
    let key = SubjectPublicKeyInfoDer::from(root.public_key().raw);
    let verified = RawPublicKeyEntity::try_from(&key).unwrap().verify_signature(
        webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA512,
        &basic.tbs_response_data.to_der().unwrap(),
        basic.signature.raw_bytes(),
    );
    assert!(verified.is_ok());
}

#[tokio::test]
async fn nonces_are_left_out_or_wrong_where_that_is_switched() {
    let (responder, _) = responder();
    responder.set_nonce(Nonce::Leave);
    assert!(basic(&responder, request(HSA, 1, Hash::Sha1)).await.nonce().is_none());
    responder.set_nonce(Nonce::Wrong);
    let nonce = basic(&responder, request(HSA, 1, Hash::Sha1)).await.nonce().unwrap();
    assert_ne!(nonce.0.as_bytes(), [7; 32]);
}

#[tokio::test]
async fn another_authority_and_no_request_are_answered_without_a_status() {
    let (responder, _) = responder();
    let mut foreign = request(HSA, 1, Hash::Sha1);
    let at = foreign.windows(2).position(|w| w == [4, 20]).unwrap() + 2;
    foreign[at] ^= 1;
    let response = ask(&responder, foreign).await;
    assert_eq!(response.response_status, OcspResponseStatus::Unauthorized);
    let response = ask(&responder, b"no DER".to_vec()).await;
    assert_eq!(response.response_status, OcspResponseStatus::MalformedRequest);
}

#[tokio::test]
async fn a_stale_responder_says_what_has_run_out() {
    let (responder, _) = responder();
    for what in What::ALL {
        responder.set_fault(what, Fault::Stale);
    }
    let der = list(&responder).await;
    let stale = read(&der);
    assert!(stale.next_update().unwrap().timestamp() < now().timestamp());
    assert!(is_signed_by(&stale, HSA));
    let basic = basic(&responder, request(HSA, 1, Hash::Sha1)).await;
    let next = basic.tbs_response_data.responses[0].next_update.unwrap().0.to_unix_duration();
    assert!(next.as_secs() < now().timestamp().unsigned_abs());
    assert!(is_by_delegate_of(&basic, HSA));
}

#[tokio::test]
async fn a_wrong_signer_signs_in_the_name_of_the_authority() {
    let (responder, _) = responder();
    for what in What::ALL {
        responder.set_fault(what, Fault::WrongSigner);
    }
    let other = CaName::Issuing(IssuerName::PersonId3);
    let der = list(&responder).await;
    let forged = read(&der);
    assert!(!is_signed_by(&forged, HSA) && is_signed_by(&forged, other));
    let (_, ca) = X509Certificate::from_der(pki().certificate(HSA)).unwrap();
    assert_eq!(forged.issuer().as_raw(), ca.subject().as_raw());
    let basic = basic(&responder, request(HSA, 1, Hash::Sha1)).await;
    assert!(!is_by_delegate_of(&basic, HSA) && is_by_delegate_of(&basic, other));
}

#[tokio::test]
async fn faults_of_the_transport_and_of_the_status() {
    let (responder, _) = responder();
    let crl = || http().get(responder.crl_url(HSA)).send();
    let ocsp = || http().post(responder.ocsp_url()).body(request(HSA, 1, Hash::Sha1)).send();
    let set = |fault: Fault| What::ALL.map(|what| responder.set_fault(what, fault.clone()));

    set(Fault::Down);
    assert!(crl().await.is_err() && ocsp().await.is_err());
    set(Fault::Unknown);
    assert_eq!(crl().await.unwrap().status(), 404);
    let basic = basic(&responder, request(HSA, 1, Hash::Sha1)).await;
    assert!(matches!(basic.tbs_response_data.responses[0].cert_status, CertStatus::Unknown(_)));
    set(Fault::Garbage);
    for answer in [crl().await, ocsp().await] {
        assert_eq!(&answer.unwrap().bytes().await.unwrap()[..1], b"<");
    }
    set(Fault::Redirecting(String::new()));
    for answer in [crl().await.unwrap(), ocsp().await.unwrap()] {
        assert_eq!(answer.status(), 302);
        // Whoever follows is answered well: so that it shows.
        let to = answer.headers()["location"].to_str().unwrap();
        assert!(to.starts_with("/well/"), "{to}");
    }
    let well = format!("http://{}/well/{}.crl", responder.address(), HSA.file_stem());
    assert_eq!(http().get(well).send().await.unwrap().status(), 200);
    set(Fault::Redirecting("http://10.0.0.1/x".to_owned()));
    assert_eq!(crl().await.unwrap().headers()["location"], "http://10.0.0.1/x");
    set(Fault::Slow(Duration::from_millis(300)));
    let began = Instant::now();
    assert_eq!(crl().await.unwrap().status(), 200);
    assert!(began.elapsed() >= Duration::from_millis(300));
    set(Fault::Huge);
    for mut answer in [crl().await.unwrap(), ocsp().await.unwrap()] {
        assert_eq!(answer.content_length(), None);
        let mut read = 0;
        while read < 32 * 1024 * 1024 {
            read += answer.chunk().await.unwrap().unwrap().len();
        }
    }
    set(Fault::None);
    assert_eq!(crl().await.unwrap().status(), 200);
}

#[tokio::test]
async fn switches_are_turned_by_a_command_and_by_no_web_page() {
    let (responder, _) = responder();
    let url = format!("http://{}/switches", responder.address());
    let turn =
        |form: &'static str| http().post(&url).header("x-siths-idp-dev", "1").body(form).send();
    let told = turn("crl=stale&ocsp=slow:2").await.unwrap().text().await.unwrap();
    assert_eq!(told, "crl=stale ocsp=slow:2");
    let told = http().get(&url).send().await.unwrap().text().await.unwrap();
    assert_eq!(told, "crl=stale ocsp=slow:2");
    assert_eq!(http().post(&url).body("crl=none").send().await.unwrap().status(), 403);
    for wrong in ["crl=odd", "crl=none&mail=down", "revoke=nobody:01", "revoke=x"] {
        assert_eq!(turn(wrong).await.unwrap().status(), 400, "{wrong}");
    }
    let told = turn("crl=none&revoke=devsithseidpersonhsaid3cav1:009a07").await.unwrap();
    assert_eq!(told.text().await.unwrap(), "crl=none ocsp=slow:2");
    let der = list(&responder).await;
    let added =
        |r: &x509_parser::revocation_list::RevokedCertificate<'_>| *r.serial() == 0x9a07_u32.into();
    assert!(read(&der).iter_revoked_certificates().any(added));
}

#[test]
fn every_fault_is_written_as_it_is_typed() {
    for text in [
        "none",
        "slow:7",
        "down",
        "stale",
        "wrong-signer",
        "unknown",
        "huge",
        "garbage",
        "redirecting",
        "redirecting:http://10.0.0.1/x",
    ] {
        assert_eq!(text.parse::<Fault>().unwrap().to_string(), text);
    }
    for wrong in ["", "down:1", "slow:x", "Stale"] {
        assert!(wrong.parse::<Fault>().is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn the_people_whose_cards_are_not_good_are_told_of() {
    let (responder, _) = responder();
    let serial_of = |name: &str| {
        let file = std::fs::read(&pki().person(name).unwrap().cert_pem).unwrap();
        let (_, pem) = x509_parser::pem::parse_x509_pem(&file).unwrap();
        pem.parse_x509().unwrap().raw_serial().to_vec()
    };
    let status = async |ca, serial: &[u8]| {
        let request = request_of(ca, serial, Hash::Sha256);
        basic(&responder, request).await.tbs_response_data.responses[0].cert_status
    };
    assert!(matches!(status(HSA, &serial_of("revoked")).await, CertStatus::Revoked(_)));
    assert!(matches!(status(HSA, &serial_of("clinician")).await, CertStatus::Good(_)));
    let reserve = CaName::Issuing(IssuerName::HsaId2);
    let unknown = serial_of("status-unknown");
    assert!(matches!(status(reserve, &unknown).await, CertStatus::Unknown(_)));
    assert!(matches!(status(HSA, &unknown).await, CertStatus::Good(_)), "of one authority alone");
}
