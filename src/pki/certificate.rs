//! The values of a judgement: what was presented, what was verified, what was rejected and why.
//!
//! Must never let a name, an HSA-id or a personal number into `Debug`, and never build a
//! [`VerifiedCertificate`] outside [`Trust::verify`](super::Trust::verify).

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};

use crate::error::Code;
use crate::identity::assurance::Loa;
use crate::identity::hsa_id::HsaId;

/// The most certificates of one chain that are read.
const MAX_CERTIFICATES: usize = 10;

/// The most bytes of one chain that are read.
const MAX_BYTES: usize = 64 * 1024;

/// The certificates that a browser sent, leaf first: nothing is known of them but that the peer
/// holds the leaf's private key.
#[derive(Clone)]
pub struct PresentedChain(Arc<[CertificateDer<'static>]>);

impl PresentedChain {
    /// A chain of at least one certificate; `None` when there is none.
    #[must_use]
    pub fn new(certificates: Vec<CertificateDer<'static>>) -> Option<Self> {
        (!certificates.is_empty()).then(|| Self(certificates.into()))
    }

    /// The certificate whose key the peer holds.
    #[must_use]
    pub fn leaf(&self) -> &CertificateDer<'static> {
        &self.0[0]
    }

    /// What was sent beside the leaf.
    pub(super) fn others(&self) -> &[CertificateDer<'static>] {
        &self.0[1..]
    }

    /// Whether the chain is longer than is worth reading.
    pub(super) fn is_excessive(&self) -> bool {
        let bytes: usize = self.0.iter().map(|certificate| certificate.len()).sum();
        self.0.len() > MAX_CERTIFICATES || bytes > MAX_BYTES
    }
}

impl fmt::Debug for PresentedChain {
    /// The number of certificates alone: their contents are personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PresentedChain({} certificates)", self.0.len())
    }
}

/// What the audit trail keeps of a certificate: enough to find it at its issuer, nothing personal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateFacts {
    /// The common name of the issuer; `self-issued` where it is the subject's own, which may be a
    /// person's name.
    pub issuer_cn: String,
    /// The serial number, lower-case hexadecimal.
    pub serial: String,
    /// The beginning of the validity.
    pub not_before: DateTime<Utc>,
    /// The end of the validity.
    pub not_after: DateTime<Utc>,
    /// SHA-256 of the DER, lower-case hexadecimal.
    pub sha256: String,
}

/// A certificate that identifies a person at a level of assurance, as judged at one moment.
///
/// Only [`Trust::verify`](super::Trust::verify) makes one. It is deserialised by nothing but the
/// sealed ticket (AEAD) that carries it from the card host to the issuer host.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VerifiedCertificate {
    hsa_id: HsaId,
    loa: Loa,
    facts: CertificateFacts,
}

impl VerifiedCertificate {
    pub(super) const fn new(hsa_id: HsaId, loa: Loa, facts: CertificateFacts) -> Self {
        Self { hsa_id, loa, facts }
    }

    /// Who the certificate says the person is.
    #[must_use]
    pub const fn hsa_id(&self) -> &HsaId {
        &self.hsa_id
    }

    /// How sure the issuer was.
    #[must_use]
    pub const fn loa(&self) -> Loa {
        self.loa
    }

    /// What the audit trail keeps.
    #[must_use]
    pub const fn facts(&self) -> &CertificateFacts {
        &self.facts
    }
}

/// A certificate that logs nobody in, and why.
#[derive(Clone, Serialize, Deserialize)]
pub struct Rejected {
    /// Why.
    pub cause: CertificateRejection,
    /// Which certificate, where it could be read.
    pub facts: Option<CertificateFacts>,
    /// The subject's serialNumber as sent, where there is one: it may be a personal number. At
    /// most 64 characters.
    pub submitted: Option<String>,
    /// More for the log and the audit trail, without personal data. It stays on the card host: a
    /// ticket travels in an address and must be short.
    #[serde(skip)]
    pub detail: String,
}

impl Rejected {
    /// The code that people and relying parties are told.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.cause.code()
    }
}

impl fmt::Debug for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejected")
            .field("cause", &self.cause)
            .field("facts", &self.facts)
            .field("submitted", &self.submitted.as_ref().map(|_| "[redacted]"))
            .field("detail", &self.detail)
            .finish()
    }
}

/// What the card host found, as the sealed ticket carries it to the issuer host.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judgement {
    /// A person, verified.
    Verified(VerifiedCertificate),
    /// A certificate that will not do.
    Rejected(Rejected),
    /// The browser sent none.
    NoCertificate,
}

impl Judgement {
    /// Which certificate it is about, where one could be read.
    #[must_use]
    pub const fn facts(&self) -> Option<&CertificateFacts> {
        match self {
            Self::Verified(certificate) => Some(certificate.facts()),
            Self::Rejected(rejected) => rejected.facts.as_ref(),
            Self::NoCertificate => None,
        }
    }
}

macro_rules! rejections {
    ($($(#[$doc:meta])* $cause:ident = $name:literal, $code:ident;)*) => {
        /// Why a certificate was rejected: one for each check, several to a [`Code`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum CertificateRejection {
            $($(#[$doc])* #[serde(rename = $name)] $cause,)*
        }

        impl CertificateRejection {
            /// Every cause, in the order of judgement.
            pub const ALL: &'static [Self] = &[$(Self::$cause,)*];

            /// The name in tickets, the log and the audit trail.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$cause => $name,)* }
            }

            /// The code that people and relying parties are told.
            #[must_use]
            pub const fn code(self) -> Code {
                match self { $(Self::$cause => Code::$code,)* }
            }
        }
    };
}

rejections! {
    /// More certificates or bytes than are read.
    ChainExcessive = "chain-excessive", CertificateUnusable;
    /// No X.509 certificate of version 3 in DER.
    Unreadable = "unreadable", CertificateUnusable;
    /// A critical extension that is not understood (RFC 5280 §4.2).
    CriticalExtensionUnknown = "critical-extension-unknown", CertificateUnusable;
    /// A CA's own certificate was presented.
    CaPresented = "ca-presented", CertificateUnusable;
    /// A signature on the path is of an algorithm that is not accepted (SHA-1 among them).
    SignatureAlgorithmWeak = "signature-algorithm-weak", CertificateUnusable;
    /// No path to a configured root.
    IssuerUnknown = "issuer-unknown", CertificateUntrusted;
    /// A signature on the path is wrong: forged, damaged, or by a CA of the same name.
    SignatureWrong = "signature-wrong", CertificateUntrusted;
    /// The path breaks another rule of RFC 5280 §6.
    PathInvalid = "path-invalid", CertificateUntrusted;
    /// A genuine CA under a configured root, but none that is allowed for login.
    IssuerNotAllowed = "issuer-not-allowed", CertificateUntrusted;
    /// No policy of the certificate is configured, and the configuration refuses such.
    PolicyUnknown = "policy-unknown", CertificateUntrusted;
    /// A function (server) certificate.
    Function = "function", CertificateNotPersonal;
    /// A Person ID certificate (personnummer).
    PersonId = "person-id", CertificateWrongType;
    /// A mobile SITHS eID (personnummer).
    Mobile = "mobile", CertificateWrongType;
    /// The signing certificate of the pair: nonRepudiation without digitalSignature.
    ForSigning = "for-signing", CertificateForSigning;
    /// The key may not sign a handshake: no digitalSignature in the key usage.
    KeyUsageUnfit = "key-usage-unfit", CertificateUnusable;
    /// The extended key usage leaves out client authentication.
    PurposeUnfit = "purpose-unfit", CertificateUnusable;
    /// Past its validity.
    Expired = "expired", CertificateExpired;
    /// Before its validity.
    NotYetValid = "not-yet-valid", CertificateNotYetValid;
    /// The issuing CA or the root is outside its validity.
    IssuerNotCurrent = "issuer-not-current", CertificateUntrusted;
    /// The issuing CA may not sign certificates, or not for client authentication.
    IssuerUnfit = "issuer-unfit", CertificateUntrusted;
    /// The key is weak: RSA under 2048 bits, or neither RSA nor P-256 nor P-384.
    KeyWeak = "key-weak", CertificateUnusable;
    /// No serialNumber in the subject.
    IdentifierMissing = "identifier-missing", CertificateUnusable;
    /// More than one serialNumber in the subject.
    IdentifierRepeated = "identifier-repeated", CertificateUnusable;
    /// A personal number where an HSA-id belongs.
    IdentifierPersonal = "identifier-personal", CertificateWrongType;
    /// A serialNumber that is not in the grammar of HSA-ids.
    IdentifierMalformed = "identifier-malformed", CertificateUnusable;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_chain_is_no_chain() {
        assert!(PresentedChain::new(Vec::new()).is_none());
    }

    #[test]
    fn names_are_unique_and_are_what_tickets_carry() {
        let mut names = std::collections::HashSet::new();
        for cause in CertificateRejection::ALL {
            assert!(names.insert(cause.name()), "{cause:?}");
            assert_eq!(serde_json::to_value(cause).unwrap(), cause.name());
        }
    }

    #[test]
    fn a_rejection_travels_without_detail_and_is_not_printed() {
        let rejected = Rejected {
            cause: CertificateRejection::PersonId,
            facts: None,
            submitted: Some("191212121212".into()),
            detail: "detail".into(),
        };
        assert!(!format!("{rejected:?}").contains("1912"));
        let json = serde_json::to_string(&Judgement::Rejected(rejected)).unwrap();
        assert!(!json.contains("detail"));
        let Judgement::Rejected(back) = serde_json::from_str(&json).unwrap() else {
            panic!("another judgement came back");
        };
        assert_eq!(back.cause, CertificateRejection::PersonId);
        assert_eq!(back.submitted.as_deref(), Some("191212121212"));
    }
}
