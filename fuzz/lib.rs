//! What the targets have in common: CAs whose keys are known, so that a mutated certificate, list or
//! answer is signed anew and its inside is reached. Without that every mutation would end at its
//! signature, which is read before anything else.

use chrono::{DateTime, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, SerialNumber, SigningKey as _,
    date_time_ymd,
};
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};

/// The moment of every judgement.
pub fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).expect("a moment in 2026")
}

/// A CA.
pub struct Ca {
    pub params: CertificateParams,
    pub key: KeyPair,
    pub certificate: CertificateDer<'static>,
    algorithm: Vec<u8>,
}

impl Ca {
    /// A root with the same key in every run: its key hash is in the seeds.
    pub fn fixed() -> Self {
        // RFC 8410 §7: an Ed25519 private key is any 32 octets.
        let pkcs8 = [&b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20"[..], &[7; 32]];
        let pkcs8 = PrivatePkcs8KeyDer::from(pkcs8.concat());
        let key = KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8, &PKCS_ED25519).expect("a key");
        let params = ca_params("Fuzz CA");
        let certificate = params.self_signed(&key).expect("a certificate").der().clone();
        Self { params, key, certificate, algorithm: tlv(0x30, b"\x06\x03\x2b\x65\x70") }
    }

    /// A root with a P-256 key, another in every run: nothing in a certificate depends on it.
    pub fn root() -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
        let params = ca_params("Fuzz root");
        let certificate = params.self_signed(&key).expect("a certificate").der().clone();
        Self { params, key, certificate, algorithm: ecdsa_with_sha256() }
    }

    /// An issuing CA below this one.
    pub fn issuing(&self) -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
        let params = ca_params("Fuzz issuing CA");
        let signed = params.signed_by(&key, &self.issuer()).expect("a certificate");
        Self { certificate: signed.der().clone(), params, key, algorithm: ecdsa_with_sha256() }
    }

    pub fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }

    /// What is signed, the algorithm and the signature in one SEQUENCE, and `rest` after them.
    pub fn signed(&self, message: &[u8], rest: &[u8]) -> Vec<u8> {
        let signature = [&[0][..], &self.key.sign(message).expect("a signature")].concat();
        let parts = [message, &self.algorithm, &tlv(3, &signature), rest];
        tlv(0x30, &parts.concat())
    }

    /// A certificate of a card.
    pub fn card(&self) -> CertificateDer<'static> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CountryName, "SE");
        params.distinguished_name.push(DnType::CommonName, "Berit Bjork");
        let serial_number = DnType::CustomDnType(vec![2, 5, 4, 5]);
        params.distinguished_name.push(serial_number, "SE2321000016-1003");
        params.serial_number = Some(SerialNumber::from_slice(&[1, 2, 3, 4]));
        params.not_before = date_time_ymd(2026, 1, 1);
        params.not_after = date_time_ymd(2028, 1, 1);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.signed_by(&key, &self.issuer()).expect("a certificate").der().clone()
    }
}

fn ca_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = date_time_ymd(2019, 4, 1);
    params.not_after = date_time_ymd(2049, 9, 15);
    params
}

fn ecdsa_with_sha256() -> Vec<u8> {
    tlv(0x30, b"\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02")
}

/// A byte sequence of a structured field (RFC 9651 §3.3.5).
pub fn byte_sequence(bytes: &[u8]) -> String {
    use base64::Engine as _;
    format!(":{}:", base64::engine::general_purpose::STANDARD.encode(bytes))
}

/// A tag, the length and the content.
pub fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).expect("short").to_be_bytes();
    let length = match content.len() {
        0..=0x7f => &length[3..],
        0x80..=0xff => &[&[0x81], &length[3..]].concat(),
        0x100..=0xffff => &[&[0x82], &length[2..]].concat(),
        _ => &[&[0x84], &length[..]].concat(),
    };
    [&[tag][..], length, content].concat()
}

/// The first SEQUENCE inside a SEQUENCE: what was signed.
pub fn to_be_signed(der: &[u8]) -> Vec<u8> {
    let (header, _) = header(der);
    let inside = &der[header..];
    let (header, content) = self::header(inside);
    inside[..header + content].to_vec()
}

fn header(der: &[u8]) -> (usize, usize) {
    match der[1] {
        short @ 0..=0x7f => (2, usize::from(short)),
        long => {
            let octets = usize::from(long & 0x7f);
            (2 + octets, der[2..2 + octets].iter().fold(0, |n, octet| n << 8 | usize::from(*octet)))
        }
    }
}
