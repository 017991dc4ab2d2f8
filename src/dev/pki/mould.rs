//! A certificate taken apart, changed in any way, and signed again.
//!
//! For what `rcgen` refuses to write, and rightly so.

use der::{Any, Decode as _, Encode as _};
use rcgen::{KeyPair, SigningKey as _};
use rustls::pki_types::CertificateDer;

use super::PkiError;
use super::der::{SEQUENCE, bit_string, explicit, oid, sequence, tlv};
use super::raw_rsa::RawRsa;

/// sha1WithRSAEncryption (RFC 3279 §2.2.1).
const SHA1_WITH_RSA: [u64; 7] = [1, 2, 840, 113_549, 1, 1, 5];

/// The fields of a TBSCertificate (RFC 5280 §4.1), each as DER.
#[derive(Clone, Debug)]
pub(super) struct Mould {
    fields: Vec<Vec<u8>>,
    signature_algorithm: Vec<u8>,
}

/// The places of the fields in a certificate of version 3.
const VERSION: usize = 0;
const SERIAL: usize = 1;
const ALGORITHM: usize = 2;
const SUBJECT: usize = 5;
const KEY: usize = 6;
const EXTENSIONS: usize = 7;

impl Mould {
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Result<Self, PkiError> {
        let parts = parts(certificate)?;
        let [tbs, algorithm, ..] = parts.as_slice() else { return Err(unreadable()) };
        Ok(Self { fields: self::parts(tbs)?, signature_algorithm: algorithm.clone() })
    }

    /// Another serial number, as the content of its INTEGER.
    pub(super) fn serial(self, content: &[u8]) -> Self {
        self.with(SERIAL, tlv(0x02, content))
    }

    /// Another SubjectPublicKeyInfo.
    pub(super) fn key(self, info: Vec<u8>) -> Self {
        self.with(KEY, info)
    }

    /// The subject with other relative distinguished names.
    pub(super) fn subject(self, edit: impl FnOnce(&mut Vec<Vec<u8>>)) -> Result<Self, PkiError> {
        let mut names = parts(self.fields.get(SUBJECT).ok_or_else(unreadable)?)?;
        edit(&mut names);
        Ok(self.with(SUBJECT, tlv(SEQUENCE, &names.concat())))
    }

    /// Other extensions, each a SEQUENCE.
    pub(super) fn extensions(self, edit: impl FnOnce(&mut Vec<Vec<u8>>)) -> Result<Self, PkiError> {
        let tagged = self.fields.get(EXTENSIONS).ok_or_else(unreadable)?;
        let list = Any::from_der(tagged).map_err(|_| unreadable())?;
        let mut extensions = parts(list.value())?;
        edit(&mut extensions);
        Ok(self.with(EXTENSIONS, explicit(3, &tlv(SEQUENCE, &extensions.concat()))))
    }

    /// Version 1: no version, no extensions.
    pub(super) fn version_1(mut self) -> Self {
        self.fields.truncate(EXTENSIONS);
        self.with(VERSION, Vec::new())
    }

    /// Signed by the algorithm that it was signed by.
    pub(super) fn sign(&self, key: &KeyPair) -> Result<CertificateDer<'static>, PkiError> {
        let tbs = tlv(SEQUENCE, &self.fields.concat());
        let signature = key.sign(&tbs)?;
        Ok(sequence(&[&tbs, &self.signature_algorithm, &bit_string(&signature)]).into())
    }

    /// Signed by SHA-1 and RSA.
    pub(super) fn sign_sha1(mut self, key: &RawRsa) -> CertificateDer<'static> {
        self.signature_algorithm = sequence(&[&oid(&SHA1_WITH_RSA), &[5, 0]]);
        let signed = self.signature_algorithm.clone();
        let tbs = tlv(SEQUENCE, &self.with(ALGORITHM, signed.clone()).fields.concat());
        sequence(&[&tbs, &signed, &bit_string(&key.sign_sha1(&tbs))]).into()
    }

    fn with(mut self, place: usize, der: Vec<u8>) -> Self {
        if let Some(field) = self.fields.get_mut(place) {
            *field = der;
        }
        self
    }
}

/// A RelativeDistinguishedName of attributes with these types, tags and contents.
pub(super) fn relative_name(attributes: &[(&[u64], u8, &[u8])]) -> Vec<u8> {
    let mut written: Vec<Vec<u8>> = attributes
        .iter()
        .map(|(arcs, tag, content)| sequence(&[&oid(arcs), &tlv(*tag, content)]))
        .collect();
    // SET OF, in the order of DER (X.690 §11.6).
    written.sort();
    tlv(0x31, &written.concat())
}

/// An extension (RFC 5280 §4.1).
pub(super) fn extension(arcs: &[u64], is_critical: bool, content: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if is_critical { &[1, 1, 0xff] } else { &[] };
    sequence(&[&oid(arcs), critical, &tlv(0x04, content)])
}

/// What a SEQUENCE holds, each part as DER.
fn parts(der: &[u8]) -> Result<Vec<Vec<u8>>, PkiError> {
    let parts = Vec::<Any>::from_der(der).map_err(|_| unreadable())?;
    parts.iter().map(|part| part.to_der().map_err(|_| unreadable())).collect()
}

fn unreadable() -> PkiError {
    rcgen::Error::CouldNotParseCertificate.into()
}
