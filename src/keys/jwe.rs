//! JSON Web Encryption (RFC 7516) in the compact serialisation: to a client's public key, and from
//! whoever used one of ours.
//!
//! Encryption hides and proves nothing: what comes out is believed only after its own signature was
//! checked (RFC 7519 §11.2). Must never take RSA1_5, a symmetric key management or `zip`, nor tell why
//! something does not open (RFC 7516 §11.5).

mod agreement;
mod content;
mod decrypt;
mod encrypt;

pub use decrypt::{DecryptionKey, KeyFamily, decrypt};
pub use encrypt::RecipientKey;

/// The longest JWE that is read: more than a request object or an ID token ever needs.
const LONGEST: usize = 64 * 1024;

/// It was not encrypted to us as we ask for it, or was altered: all that may be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a JWE that opens with a key of this provider")]
pub struct JweFault;

/// The library refused to encrypt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it could not be encrypted to the key")]
pub struct EncryptFault;

impl From<aws_lc_rs::error::Unspecified> for EncryptFault {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self
    }
}

impl From<serde_json::Error> for EncryptFault {
    fn from(_: serde_json::Error) -> Self {
        Self
    }
}

impl From<aws_lc_rs::error::Unspecified> for JweFault {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests;
