//! Whether a certificate was revoked: pure judgement of what issuers publish.
//!
//! [`Authority`] is who may say it, [`CrlIndex`] and [`ocsp::Answer`] are what was said once its
//! signature has been verified, [`policy`] decides from that. No network and no files here: what is
//! fetched, when and from where is the business of those who call. Must never take an address from a
//! certificate, and never call a certificate good for want of an answer.

mod authority;
pub mod crl;
mod extensions;
pub mod ocsp;
pub mod policy;
mod signature;
#[cfg(test)]
mod testing;

use std::fmt;

use aws_lc_rs::digest;
use chrono::{DateTime, TimeDelta, Utc};
use x509_cert::ext::pkix::CrlReason;
use x509_parser::certificate::X509Certificate;
use x509_parser::oid_registry::OID_X509_EXT_CRL_DISTRIBUTION_POINTS;

pub use self::authority::{Authority, AuthorityFault};
pub use self::crl::{CrlFault, CrlIndex};
pub use self::policy::{Evidence, Finding, Heard, Order, Policy, Source};
use crate::named::named;

/// How far the clocks of issuers may be ahead of ours.
pub const SKEW: TimeDelta = TimeDelta::minutes(5);

/// A certificate of a verified path, as its issuer names it in CRLs and OCSP answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Link {
    /// Who issued it.
    pub issuer: CaId,
    /// Its serial number.
    pub serial: Serial,
    /// Whether it is a person's or a CA's: some CRLs are for one of these alone.
    pub subject: Subject,
    /// The names of its CRL distribution points, each a GeneralName in DER: compared with those of a
    /// CRL that is for some points alone (RFC 5280 §6.3.3 (b)), never fetched from.
    pub points: Vec<Vec<u8>>,
}

/// The names of the CRL distribution points of a certificate; `None` where it has two such
/// extensions.
pub(super) fn points(certificate: &X509Certificate<'_>) -> Option<Vec<Vec<u8>>> {
    let oid = &OID_X509_EXT_CRL_DISTRIBUTION_POINTS;
    let found = certificate.get_extension_unique(oid).ok()?;
    Some(found.map(|found| extensions::points(found.value)).unwrap_or_default())
}

/// What a certificate of a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// The last of the path: a person's.
    Person,
    /// A CA's.
    Ca,
}

/// A CA, known by its key: the SHA-256 of its SubjectPublicKeyInfo in DER.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CaId([u8; 32]);

impl CaId {
    /// The CA with this SubjectPublicKeyInfo (DER).
    #[must_use]
    pub fn of(key: &[u8]) -> Self {
        let mut id = [0; 32];
        id.copy_from_slice(digest::digest(&digest::SHA256, key).as_ref());
        Self(id)
    }

    /// The hash.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for CaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(8).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A serial number: the content octets of its DER INTEGER, the shortest encoding, so that encodings
/// of one number are equal and a negative number is not taken for a positive one. Of any length:
/// what is longer than the 20 octets of RFC 5280 §4.1.2.2 is compared whole, like any other.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Serial(Vec<u8>);

impl Serial {
    /// From the content octets of an INTEGER.
    #[must_use]
    pub fn new(content: &[u8]) -> Self {
        Self(shortest(content).to_vec())
    }

    /// The content octets of the shortest INTEGER: big-endian, two's complement, so that a positive
    /// number whose highest bit is set begins with a zero.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The shortest content octets of the same INTEGER (X.690 §8.3.2).
fn shortest(mut content: &[u8]) -> &[u8] {
    while let [first @ (0 | 0xff), second, ..] = content
        && (first ^ second) & 0x80 == 0
    {
        content = &content[1..];
    }
    content
}

/// What became of asking whether a certificate is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its issuer says that it is not, or said so within the grace that is configured.
    NotRevoked,
    /// Its issuer says that it is.
    Revoked,
    /// Nobody can say, and the configuration does not accept that.
    Undetermined,
    /// The configuration asks nobody about this issuer's certificates.
    NotChecked,
}

/// That a certificate was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Since when, as its issuer says. A CRL's entry after 2106 reads as then.
    pub at: DateTime<Utc>,
    /// Why, where the issuer says.
    pub reason: Option<Reason>,
}

named! {
    /// Why a certificate was revoked (RFC 5280 §5.3.1).
    pub enum Reason {
        /// No reason in particular.
        Unspecified = "unspecified",
        /// Its private key is or may be known to others.
        KeyCompromise = "key-compromise",
        /// The same of a CA's.
        CaCompromise = "ca-compromise",
        /// The name or another fact of the subject has changed.
        AffiliationChanged = "affiliation-changed",
        /// Another certificate has taken its place.
        Superseded = "superseded",
        /// It is no longer needed.
        CessationOfOperation = "cessation-of-operation",
        /// On hold: as good as revoked as long as it is listed.
        CertificateHold = "certificate-hold",
        /// Belongs in delta CRLs. In a complete one it contradicts itself, and counts as revoked.
        RemoveFromCrl = "remove-from-crl",
        /// A right that it names was withdrawn.
        PrivilegeWithdrawn = "privilege-withdrawn",
        /// The key of an attribute authority is or may be known to others.
        AaCompromise = "aa-compromise",
    }
}

impl From<CrlReason> for Reason {
    fn from(reason: CrlReason) -> Self {
        match reason {
            CrlReason::Unspecified => Self::Unspecified,
            CrlReason::KeyCompromise => Self::KeyCompromise,
            CrlReason::CaCompromise => Self::CaCompromise,
            CrlReason::AffiliationChanged => Self::AffiliationChanged,
            CrlReason::Superseded => Self::Superseded,
            CrlReason::CessationOfOperation => Self::CessationOfOperation,
            CrlReason::CertificateHold => Self::CertificateHold,
            CrlReason::RemoveFromCRL => Self::RemoveFromCrl,
            CrlReason::PrivilegeWithdrawn => Self::PrivilegeWithdrawn,
            CrlReason::AaCompromise => Self::AaCompromise,
        }
    }
}

/// A time of `der` as chrono has it.
fn moment(time: der::DateTime) -> Option<DateTime<Utc>> {
    let seconds = i64::try_from(time.unix_duration().as_secs()).ok()?;
    DateTime::from_timestamp(seconds, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_of_one_serial_are_equal_and_those_of_two_are_not() {
        let serial = |content: &[u8]| Serial::new(content);
        assert_eq!(serial(&[0, 0, 1]), serial(&[1]));
        assert_eq!(serial(&[0, 0x80]), serial(&[0, 0, 0x80]));
        assert_eq!(serial(&[0xff, 0xff, 0x80]), serial(&[0x80]));
        assert_ne!(serial(&[0x80]), serial(&[0, 0x80]));
        assert_ne!(serial(&[0]), serial(&[]));
        // Longer than RFC 5280 allows, and different in the last octet alone.
        assert_ne!(serial(&[7; 40]), serial(&[&[7; 39][..], &[8]].concat()));
    }
}
