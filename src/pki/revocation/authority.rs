//! A CA as the one who says which of its certificates are revoked.
//!
//! Made from a configured certificate alone: must never be made of one that a browser or a responder
//! sent.

use aws_lc_rs::digest;
use rustls::pki_types::CertificateDer;

use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use super::CaId;

/// The most characters of a common name that are kept.
const MAX_TEXT: usize = 64;

/// A configured root or issuing CA: its CRLs and OCSP answers are about the certificates that it
/// issued.
#[derive(Clone, Debug)]
pub struct Authority {
    id: CaId,
    /// Its subject, a Name in DER.
    pub(super) name: Vec<u8>,
    /// Its key, a SubjectPublicKeyInfo in DER.
    pub(super) key: Vec<u8>,
    /// The content of its key's BIT STRING: what OCSP hashes (RFC 6960 §4.1.1).
    pub(super) key_bits: Vec<u8>,
    pub(super) certificate: CertificateDer<'static>,
    common_name: String,
    may_sign_crls: bool,
}

/// A certificate that is no authority's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityFault {
    /// No X.509 certificate in DER.
    #[error("is no certificate that can be read")]
    Unreadable,
    /// No basic constraints with CA.
    #[error("is not a CA's certificate (CA in basicConstraints)")]
    NotACa,
}

impl Authority {
    /// The authority that a configured certificate is of.
    ///
    /// # Errors
    /// When it cannot be read, or is not a CA's.
    pub fn new(certificate: &CertificateDer<'_>) -> Result<Self, AuthorityFault> {
        let unreadable = |_| AuthorityFault::Unreadable;
        let Ok((&[], read)) = X509Certificate::from_der(certificate) else {
            return Err(AuthorityFault::Unreadable);
        };
        let basic = read.basic_constraints().map_err(unreadable)?;
        if !basic.is_some_and(|basic| basic.value.ca) {
            return Err(AuthorityFault::NotACa);
        }
        let usage = read.key_usage().map_err(unreadable)?;
        let key = read.public_key();
        let common_name = read.subject().iter_common_name().next();
        let common_name = common_name.and_then(|name| name.as_str().ok()).unwrap_or_default();
        Ok(Self {
            id: CaId::of(key.raw),
            name: read.subject().as_raw().to_vec(),
            key: key.raw.to_vec(),
            key_bits: key.subject_public_key.data.to_vec(),
            certificate: certificate.clone().into_owned(),
            common_name: common_name.chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect(),
            may_sign_crls: usage.is_none_or(|usage| usage.value.crl_sign()),
        })
    }

    /// Which CA it is.
    #[must_use]
    pub const fn id(&self) -> CaId {
        self.id
    }

    /// Its common name, for an operator.
    #[must_use]
    pub fn common_name(&self) -> &str {
        &self.common_name
    }

    /// Whether its key may sign CRLs: cRLSign in keyUsage (RFC 5280 §6.3.3 (f)). Where keyUsage is
    /// absent it may.
    #[must_use]
    pub const fn may_sign_crls(&self) -> bool {
        self.may_sign_crls
    }
}

/// For names of keys alone, as RFC 6960 has them; no signature rests on it.
pub(super) fn sha1(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref().to_vec()
}

/// SHA-256.
pub(super) fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}
