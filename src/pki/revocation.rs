//! Whether a certificate was revoked: pure judgement of what issuers publish.
//!
//! No network and no files here: what is fetched, when and from where is the business of those who
//! call. Must never take an address from a certificate, and never call a certificate good for want
//! of an answer.

use std::fmt;

use aws_lc_rs::digest;

/// A certificate of a verified path, as its issuer names it in CRLs and OCSP answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Link {
    /// Who issued it.
    pub issuer: CaId,
    /// Its serial number.
    pub serial: Serial,
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

/// A serial number: the content of its DER INTEGER without leading zeros, so that encodings of one
/// number are equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Serial(Vec<u8>);

impl Serial {
    /// From the content octets of an INTEGER.
    #[must_use]
    pub fn new(content: &[u8]) -> Self {
        let zeros = content.iter().take_while(|byte| **byte == 0).count();
        Self(content.iter().skip(zeros).copied().collect())
    }

    /// The number, big-endian, without leading zeros.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
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
