//! The fields of a certificate that webpki does not read, in SITHS's terms.
//!
//! Reading only: nothing here decides, and nothing here says that a certificate is genuine.

pub(super) mod describe;
pub(super) mod form;
mod policies;

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};
use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::oid_registry::{
    OID_EC_P256, OID_NIST_EC_P384, OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER,
    OID_X509_EXT_NAME_CONSTRAINTS, OID_X509_EXT_SUBJECT_ALT_NAME, OID_X509_SERIALNUMBER,
};
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

pub(super) use self::policies::Policies;
use super::certificate::CertificateFacts;
use super::revocation::{Serial, points};
use super::text;

/// The most characters of a foreign text that are kept.
const MAX_TEXT: usize = 64;
/// The most octets of a serial number that are told: twice what RFC 5280 §4.1.2.2 allows. The facts
/// travel in addresses, and anybody can make a certificate.
const MAX_SERIAL: usize = 40;

/// What key usage says of signing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Signing {
    /// digitalSignature: handshakes.
    pub(super) handshakes: bool,
    /// nonRepudiation (contentCommitment): documents.
    pub(super) documents: bool,
    /// keyCertSign: certificates.
    pub(super) certificates: bool,
}

/// A certificate, read.
pub(super) struct Profile {
    pub(super) facts: CertificateFacts,
    pub(super) serial: Serial,
    /// The names of its CRL distribution points.
    pub(super) points: Vec<Vec<u8>>,
    /// The common name of the subject: to name a CA to an operator, never a person.
    pub(super) subject_cn: String,
    /// The subject as DER.
    pub(super) subject: Vec<u8>,
    /// The issuer as DER.
    pub(super) issuer: Vec<u8>,
    /// The SubjectPublicKeyInfo as DER: what a CA is pinned by.
    pub(super) key: Vec<u8>,
    /// Whether the key is RSA from 2048 bits on, P-256 or P-384.
    pub(super) key_is_strong: bool,
    /// Basic constraints with CA.
    pub(super) is_ca: bool,
    /// How many CAs may follow it on a path, self-issued ones apart.
    pub(super) path_length: Option<u32>,
    /// What is wrong with its serial number.
    pub(super) serial_fault: Option<&'static str>,
    /// What else is wrong with its form.
    pub(super) fault: Option<&'static str>,
    pub(super) signing: Signing,
    /// Whether extended key usage allows client authentication: so it does when it is absent
    /// (RFC 5280 §4.2.1.12).
    pub(super) for_clients: bool,
    pub(super) policies: Policies,
    /// The value of nameConstraints.
    pub(super) name_constraints: Option<Vec<u8>>,
    /// The value of subjectAltName.
    pub(super) alternative_name: Option<Vec<u8>>,
    /// Whether it names the key that signed it.
    pub(super) names_issuer_key: bool,
    /// Every serialNumber (2.5.4.5) of the subject; `None` where it is no text.
    pub(super) identifiers: Vec<Option<String>>,
    /// The key usages, by their names in RFC 5280 §4.2.1.3.
    pub(super) key_usage: Vec<&'static str>,
    /// The extended key usages: names where they are known, else OIDs.
    pub(super) purposes: Vec<String>,
    /// The public key, for people: `RSA 2048`.
    pub(super) key_name: String,
    /// The algorithm of the issuer's signature, for people.
    pub(super) signature_algorithm: String,
    /// What the issuer signed, and the signature.
    pub(super) signed: Signed,
}

/// The signed part of a certificate and its signature.
pub(super) struct Signed {
    pub(super) message: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

impl Profile {
    /// Reads a certificate: exactly one, without anything after it.
    ///
    /// # Errors
    /// What could not be read, in words for the log.
    pub(super) fn read(der: &CertificateDer<'_>) -> Result<Self, String> {
        let (rest, certificate) =
            X509Certificate::from_der(der).map_err(|_| "no certificate in DER".to_owned())?;
        if !rest.is_empty() {
            return Err("bytes after the certificate".to_owned());
        }
        Self::of(&certificate, der).map_err(|error| error.to_string())
    }

    fn of(certificate: &X509Certificate<'_>, der: &[u8]) -> Result<Self, X509Error> {
        let signing = certificate.key_usage()?.map_or_else(Signing::default, |usage| Signing {
            handshakes: usage.value.digital_signature(),
            documents: usage.value.non_repudiation(),
            certificates: usage.value.key_cert_sign(),
        });
        let for_clients =
            certificate.extended_key_usage()?.is_none_or(|usage| usage.value.client_auth);
        let basic = certificate.basic_constraints()?.map(|basic| basic.value);
        let value = |oid| -> Result<Option<Vec<u8>>, X509Error> {
            let extension = certificate.get_extension_unique(oid)?;
            Ok(extension.map(|extension| extension.value.to_vec()))
        };
        Ok(Self {
            facts: facts(certificate, der)?,
            serial: Serial::new(certificate.raw_serial()),
            points: points(certificate).ok_or(X509Error::DuplicateExtensions)?,
            subject_cn: common_name(certificate.subject()),
            subject: certificate.subject().as_raw().to_vec(),
            issuer: certificate.issuer().as_raw().to_vec(),
            key: certificate.public_key().raw.to_vec(),
            key_is_strong: is_strong(certificate.public_key()),
            is_ca: basic.is_some_and(|basic| basic.ca),
            path_length: basic.and_then(|basic| basic.path_len_constraint),
            serial_fault: form::serial_fault(certificate.raw_serial()),
            fault: form::fault(certificate, der),
            signing,
            for_clients,
            policies: Policies::of(certificate)?,
            name_constraints: value(&OID_X509_EXT_NAME_CONSTRAINTS)?,
            alternative_name: value(&OID_X509_EXT_SUBJECT_ALT_NAME)?,
            names_issuer_key: value(&OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER)?.is_some(),
            identifiers: identifiers(certificate),
            key_usage: describe::key_usage(certificate)?,
            purposes: describe::purposes(certificate)?,
            key_name: describe::key(certificate.public_key()),
            signature_algorithm: describe::signature_algorithm(certificate),
            signed: Signed {
                message: certificate.tbs_certificate.as_ref().to_vec(),
                signature: certificate.signature_value.data.to_vec(),
            },
        })
    }

    /// The first serialNumber of the subject as sent, for the person to recognise.
    pub(super) fn submitted(&self) -> Option<String> {
        self.identifiers.iter().flatten().next().map(|text| text.chars().take(MAX_TEXT).collect())
    }

    /// The policies that it asserts, dotted.
    pub(super) fn asserted(&self) -> &[String] {
        self.policies.asserted.as_deref().unwrap_or_default()
    }

    /// Whether its issuer and its subject have one name (RFC 5280 §6.1).
    pub(super) fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// Whether this is a CA's certificate whose key may sign certificates.
    pub(super) const fn may_issue(&self) -> bool {
        self.is_ca && self.signing.certificates
    }
}

/// The SubjectPublicKeyInfo of a certificate, as DER; `None` where it cannot be read.
pub(super) fn public_key<'a>(der: &'a CertificateDer<'_>) -> Option<&'a [u8]> {
    let (_, certificate) = X509Certificate::from_der(der.as_ref()).ok()?;
    Some(certificate.tbs_certificate.subject_pki.raw)
}

fn facts(certificate: &X509Certificate<'_>, der: &[u8]) -> Result<CertificateFacts, X509Error> {
    let validity = certificate.validity();
    let moment = |seconds: i64| -> Result<DateTime<Utc>, X509Error> {
        DateTime::from_timestamp(seconds, 0).ok_or(X509Error::InvalidDate)
    };
    // Where a certificate is its own issuer, the issuer's name is a person's as likely as not.
    let self_issued = certificate.issuer().as_raw() == certificate.subject().as_raw();
    let issuer_cn =
        if self_issued { "self-issued".to_owned() } else { common_name(certificate.issuer()) };
    Ok(CertificateFacts {
        issuer_cn,
        serial: serial(certificate.raw_serial()),
        not_before: moment(validity.not_before.timestamp())?,
        not_after: moment(validity.not_after.timestamp())?,
        sha256: hex(digest::digest(&digest::SHA256, der).as_ref()),
    })
}

fn serial(raw: &[u8]) -> String {
    let number = raw.strip_prefix(&[0]).unwrap_or(raw);
    match number.split_at_checked(MAX_SERIAL) {
        Some((first, [_, ..])) => hex(first) + "…",
        _ => hex(number),
    }
}

/// Of whoever made the certificate, which may be anybody: what may be a personal number is masked.
fn common_name(name: &x509_parser::x509::X509Name<'_>) -> String {
    let text = name.iter_common_name().next().and_then(|name| name.as_str().ok()).unwrap_or("");
    text::without_numbers(text).chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect()
}

fn identifiers(certificate: &X509Certificate<'_>) -> Vec<Option<String>> {
    certificate
        .subject()
        .iter_attributes()
        .filter(|attribute| *attribute.attr_type() == OID_X509_SERIALNUMBER)
        .map(text::of)
        .collect()
}

fn is_strong(key: &SubjectPublicKeyInfo<'_>) -> bool {
    match key.parsed() {
        Ok(PublicKey::RSA(rsa)) => {
            let modulus = rsa.modulus.iter().skip_while(|byte| **byte == 0);
            // 2048 bits have 256 bytes, the first with its highest bit set.
            let mut modulus = modulus.peekable();
            let top = modulus.peek().is_some_and(|byte| **byte & 0x80 != 0);
            let bytes = modulus.count();
            bytes > 256 || (bytes == 256 && top)
        }
        Ok(PublicKey::EC(_)) => key
            .algorithm
            .parameters
            .as_ref()
            .and_then(|curve| curve.as_oid().ok())
            .is_some_and(|curve| curve == OID_EC_P256 || curve == OID_NIST_EC_P384),
        _ => false,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
