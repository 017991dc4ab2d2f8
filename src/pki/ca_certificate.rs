//! What a CA's certificate says of itself, for an operator who is about to believe it.
//!
//! Reading, and one signature: whether another CA signed it. Must never decide what is believed: that
//! is [`Trust::new`](super::Trust::new), and at every login webpki.

use aws_lc_rs::digest::{self, Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use chrono::{DateTime, Utc};
use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::error::X509Error;
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::X509Name;

use super::profile::describe;

/// The most characters of a name that are kept.
const MAX_NAME: usize = 200;

/// A CA's certificate, read.
#[derive(Clone, Debug)]
pub struct CaCertificate {
    /// The common name of its subject.
    pub common_name: String,
    /// Its subject, attribute by attribute.
    pub subject: String,
    /// Its issuer, attribute by attribute.
    pub issuer: String,
    /// SHA-256 of the DER, lower-case hexadecimal.
    pub sha256: String,
    /// SHA-1 of the DER, as some lists and programs still show it: to find it there, never to compare.
    pub sha1: String,
    /// The serial number, lower-case hexadecimal.
    pub serial: String,
    /// The beginning of the validity.
    pub not_before: DateTime<Utc>,
    /// The end of the validity.
    pub not_after: DateTime<Utc>,
    /// The key: `RSA 4096`.
    pub key: String,
    /// What its issuer signed it with: `sha512WithRSAEncryption`.
    pub signature_algorithm: String,
    /// How many CAs may stand below it, where that is bounded.
    pub path_length: Option<u32>,
    /// What its key is for; empty where it says nothing.
    pub key_usage: Vec<&'static str>,
    /// Whether its subject and issuer are one.
    pub is_self_issued: bool,
    der: CertificateDer<'static>,
}

/// Why bytes are no CA's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCaCertificate {
    /// No certificate in DER, or one that breaks RFC 5280 where it is read here.
    #[error("holds no certificate that can be read")]
    Unreadable,
    /// No CA in basicConstraints. Nothing more is said: the subject may be a person.
    #[error(
        "is not the certificate of a CA (no CA in basicConstraints): siths-idp inspect judges the \
         certificate of a card"
    )]
    NotACa,
}

impl CaCertificate {
    /// Reads a certificate: exactly one, without anything after it.
    ///
    /// # Errors
    /// [`NoCaCertificate`].
    pub fn read(der: CertificateDer<'static>) -> Result<Self, NoCaCertificate> {
        let (rest, certificate) =
            X509Certificate::from_der(&der).map_err(|_| NoCaCertificate::Unreadable)?;
        if !rest.is_empty() {
            return Err(NoCaCertificate::Unreadable);
        }
        let basic = certificate.basic_constraints().map_err(|_| NoCaCertificate::Unreadable)?;
        let Some(basic) = basic.filter(|basic| basic.value.ca) else {
            return Err(NoCaCertificate::NotACa);
        };
        let path_length = basic.value.path_len_constraint;
        let read = Self::of(&certificate, path_length, &der);
        read.map_err(|_| NoCaCertificate::Unreadable)
    }

    fn of(
        certificate: &X509Certificate<'_>,
        path_length: Option<u32>,
        der: &CertificateDer<'static>,
    ) -> Result<Self, X509Error> {
        let moment = |seconds| DateTime::from_timestamp(seconds, 0).ok_or(X509Error::InvalidDate);
        let common_name = certificate.subject().iter_common_name().next();
        let common_name = common_name.and_then(|name| name.as_str().ok()).unwrap_or_default();
        Ok(Self {
            common_name: plain(common_name),
            subject: name(certificate.subject()),
            issuer: name(certificate.issuer()),
            sha256: hash(&SHA256, der),
            sha1: hash(&SHA1_FOR_LEGACY_USE_ONLY, der),
            serial: hex(certificate.raw_serial()),
            not_before: moment(certificate.validity().not_before.timestamp())?,
            not_after: moment(certificate.validity().not_after.timestamp())?,
            key: describe::key(certificate.public_key()),
            signature_algorithm: describe::signature_algorithm(certificate),
            path_length,
            key_usage: describe::key_usage(certificate)?,
            is_self_issued: certificate.subject().as_raw() == certificate.issuer().as_raw(),
            der: der.clone(),
        })
    }

    /// The certificate itself.
    #[must_use]
    pub const fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// Whether it has the key of another.
    #[must_use]
    pub fn has_key_of(&self, other: &Self) -> bool {
        let key = |certificate: &Self| {
            let (_, read) = X509Certificate::from_der(&certificate.der).ok()?;
            Some(read.public_key().raw.to_vec())
        };
        key(self).is_some_and(|mine| key(other) == Some(mine))
    }

    /// Whether `issuer`'s key signed it, in `issuer`'s name, by an algorithm that is accepted.
    #[must_use]
    pub fn is_signed_by(&self, issuer: &Self) -> bool {
        super::is_signed_by(&self.der, &issuer.der)
    }
}

fn name(name: &X509Name<'_>) -> String {
    plain(&name.to_string())
}

/// Without what a terminal would act on.
fn plain(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().filter(|&c| !c.is_control() && !turns(c)).take(MAX_NAME).collect()
}

fn hash(algorithm: &'static Algorithm, der: &[u8]) -> String {
    hex(digest::digest(algorithm, der).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::testing::Ca;

    fn read(der: &CertificateDer<'static>) -> Result<CaCertificate, NoCaCertificate> {
        CaCertificate::read(der.clone())
    }

    #[test]
    fn what_is_no_ca_is_told_without_its_subject() {
        let root = Ca::root("Root");
        let card = root.under("Issuing").card(|_| {});
        assert_eq!(read(card.chain().leaf()).unwrap_err(), NoCaCertificate::NotACa);
        for garbage in [vec![], vec![0x30], [root.certificate.as_ref(), &[0]].concat()] {
            let told = CaCertificate::read(garbage.into()).unwrap_err();
            assert_eq!(told, NoCaCertificate::Unreadable);
        }
    }

    #[test]
    fn signed_by_means_by_that_key_in_that_name() {
        let (root, other, impostor) = (Ca::root("Root"), Ca::root("Other"), Ca::root("Root"));
        let issuing = read(&root.under("Issuing").certificate).unwrap();
        assert!(issuing.is_signed_by(&read(&root.certificate).unwrap()));
        assert!(!issuing.is_signed_by(&read(&other.certificate).unwrap()));
        assert!(!issuing.is_signed_by(&read(&impostor.certificate).unwrap()));
        assert!(!issuing.is_self_issued && read(&root.certificate).unwrap().is_self_issued);
    }

    #[test]
    fn a_key_is_known_again_in_another_certificate() {
        let root = Ca::root("Root");
        let issuing = root.under("Issuing");
        let again = read(&issuing.again_under(&root, |_| {})).unwrap();
        assert!(again.has_key_of(&read(&issuing.certificate).unwrap()));
        assert!(!again.has_key_of(&read(&root.certificate).unwrap()));
    }

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        let root = read(&Ca::root("A\u{1b}[2J\u{202e}B\n").certificate).unwrap();
        assert_eq!(root.common_name, "A[2JB");
        assert!(!root.subject.contains(['\u{1b}', '\u{202e}', '\n']));
    }
}
