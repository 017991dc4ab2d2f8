//! CRLs and OCSP answers for tests, put together octet by octet so that each can be wrong in one way.

use chrono::{DateTime, TimeDelta, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData as _, SigningKey as _,
    date_time_ymd,
};
use rustls::pki_types::CertificateDer;

use super::authority::sha1;
use super::{Authority, Link, Serial, Subject};

/// The moment of most tests.
pub(super) fn now() -> DateTime<Utc> {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

/// The moment at which the files in `fixtures` are looked at.
pub(super) fn of_fixtures() -> DateTime<Utc> {
    "2026-12-01T12:00:00Z".parse().unwrap()
}

pub(super) fn hours(hours: i64) -> TimeDelta {
    TimeDelta::hours(hours)
}

/// A tag, the length and the content.
pub(super) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let header = match u8::try_from(length) {
        Ok(short @ ..=0x7f) => vec![tag, short],
        Ok(byte) => vec![tag, 0x81, byte],
        Err(_) => {
            let octets = u32::try_from(length).unwrap().to_be_bytes();
            [&[tag, 0x84][..], &octets].concat()
        }
    };
    // The shortest form of the length, as DER has it.
    let header = match length {
        0x100..=0xffff => vec![tag, 0x82, header[4], header[5]],
        0x1_0000..=0xff_ffff => vec![tag, 0x83, header[3], header[4], header[5]],
        _ => header,
    };
    [header.as_slice(), content].concat()
}

pub(super) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

pub(super) fn integer(content: &[u8]) -> Vec<u8> {
    tlv(2, content)
}

pub(super) fn generalized(time: DateTime<Utc>) -> Vec<u8> {
    tlv(0x18, time.format("%Y%m%d%H%M%SZ").to_string().as_bytes())
}

pub(super) fn utc(time: DateTime<Utc>) -> Vec<u8> {
    tlv(0x17, time.format("%y%m%d%H%M%SZ").to_string().as_bytes())
}

/// An extension: the content of its OID, whether it is critical, and its value.
pub(super) fn extension(oid: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[1, 1, 0xff] } else { &[] };
    sequence(&[&tlv(6, oid), critical, &tlv(4, value)])
}

/// An OID of nobody.
pub(super) const UNKNOWN: &[u8] = &[0x2b, 6, 1, 4, 1, 0x83, 0xb3, 0x3a, 1];

/// A GeneralName that is a URI.
pub(super) fn uri(uri: &str) -> Vec<u8> {
    tlv(0x86, uri.as_bytes())
}

/// The algorithm of [`TestCa`]'s signatures.
pub(super) fn ecdsa_with_sha256() -> Vec<u8> {
    sequence(&[&tlv(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2])])
}

/// A CA with a P-256 key.
pub(super) struct TestCa {
    params: CertificateParams,
    key: KeyPair,
    pub(super) authority: Authority,
}

impl TestCa {
    pub(super) fn new(name: &str) -> Self {
        Self::with(name, |_| {})
    }

    pub(super) fn with(name: &str, edit: impl FnOnce(&mut CertificateParams)) -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        edit(&mut params);
        let certificate = params.self_signed(&key).unwrap();
        let authority = Authority::new(certificate.der()).unwrap();
        Self { params, key, authority }
    }

    pub(super) fn link(&self, serial: &[u8]) -> Link {
        Link {
            issuer: self.authority.id(),
            serial: Serial::new(serial),
            subject: Subject::Person,
            points: Vec::new(),
        }
    }

    /// Its signature over what is to be signed, all in one SEQUENCE, and `rest` after it.
    pub(super) fn signed(&self, message: &[u8], rest: &[u8]) -> Vec<u8> {
        signed(&self.key, message, rest)
    }

    fn certify(&self, key: &KeyPair, params: &CertificateParams) -> CertificateDer<'static> {
        let issuer = Issuer::from_params(&self.params, &self.key);
        params.signed_by(key, &issuer).unwrap().der().clone()
    }

    pub(super) fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }

    /// Gets its certificate from `above` instead of itself.
    pub(super) fn sign_by(&mut self, above: &Self) {
        let certificate = above.certify(&self.key, &self.params);
        self.authority = Authority::new(&certificate).unwrap();
    }

    /// A delegate of its OCSP, spoilt by `edit`.
    pub(super) fn delegate(&self, edit: impl FnOnce(&mut CertificateParams)) -> Delegate {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = params("Responder");
        params.not_before = date_time_ymd(2026, 11, 1);
        params.not_after = date_time_ymd(2026, 12, 31);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning];
        params.custom_extensions = vec![no_check()];
        edit(&mut params);
        Delegate { certificate: self.certify(&key, &params), key }
    }
}

/// id-pkix-ocsp-nocheck.
fn no_check() -> CustomExtension {
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 48, 1, 5], vec![5, 0])
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2019, 4, 1);
    params.not_after = date_time_ymd(2049, 9, 15);
    params
}

/// A certificate that signs OCSP answers in the place of its CA.
pub(super) struct Delegate {
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl Delegate {
    pub(super) fn name(&self) -> Vec<u8> {
        tlv(
            0xa1,
            &sequence(&[&tlv(0x31, &sequence(&[&tlv(6, &[0x55, 4, 3]), &tlv(12, b"Responder")]))]),
        )
    }

    pub(super) fn key_hash(&self) -> Vec<u8> {
        tlv(0xa2, &tlv(4, &sha1(self.key.der_bytes())))
    }

    pub(super) fn signed(&self, message: &[u8]) -> Vec<u8> {
        let certificates = tlv(0xa0, &sequence(&[&self.certificate]));
        signed(&self.key, message, &certificates)
    }
}

fn signed(key: &KeyPair, message: &[u8], rest: &[u8]) -> Vec<u8> {
    let signature = tlv(3, &[&[0][..], &key.sign(message).unwrap()].concat());
    sequence(&[message, &ecdsa_with_sha256(), &signature, rest])
}
