//! Judges what the browser presented: [`PresentedChain`] -> [`Authentic`] by [`Trust::verify`], and
//! with a verdict on its revocation -> [`VerifiedCertificate`]; or [`Rejected`]. What a system
//! presented goes another way: [`AuthenticSystem`] by [`Trust::verify_system`], and then
//! [`SystemCertificate`]; or [`RejectedSystem`].
//!
//! Pure and synchronous: given `now`, no network, no files. Building paths and checking signatures
//! is webpki's work; reading the fields that webpki does not read is `x509_parser`'s. Must never
//! decide on a field of a certificate whose path has not been checked, other than to refuse it.

pub mod assessment;
pub mod ca_certificate;
pub mod certificate;
mod constraints;
mod name;
pub mod possession;
mod profile;
pub mod public_key;
pub mod revocation;
mod system;
mod text;
mod tlv;
pub mod trust;
mod view;

#[cfg(test)]
pub(crate) mod testing;

pub use assessment::{Assessment, Check, Description, Step, StepResult};
pub use ca_certificate::{CaCertificate, NoCaCertificate};
pub use certificate::{
    Authentic, CertificateFacts, CertificateRejection, Judgement, PresentedChain, Rejected,
    VerifiedCertificate,
};
pub use name::{DistinguishedName, NoDistinguishedName};
pub use possession::Possession;
pub use system::{
    AuthenticSystem, PresentedCertificate, RejectedSystem, SystemCertificate, SystemRejection,
    Thumbprint,
};
pub use trust::{
    IssuerRow, Kind, PolicyRow, Trust, TrustFault, TrustFaultReason, TrustSource, UnknownPolicy,
    is_signed_by,
};
