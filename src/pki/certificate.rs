//! The values of a judgement: what was presented, what was verified, what was rejected and why.
//!
//! Must never let a name, an HSA-id or a personal number into `Debug`, never build an [`Authentic`]
//! outside [`Trust::verify`](super::Trust::verify), nor a [`VerifiedCertificate`] outside
//! [`Authentic::settle`].

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};

use crate::error::Code;
use crate::identity::assurance::Loa;
use crate::identity::hsa_id::HsaId;

use super::revocation::{Link, Verdict};

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
    /// person's name. At most 64 characters, six digits or more in a row as `****`.
    pub issuer_cn: String,
    /// The serial number, lower-case hexadecimal; the first 40 octets and `…` where it is longer.
    pub serial: String,
    /// The beginning of the validity.
    pub not_before: DateTime<Utc>,
    /// The end of the validity.
    pub not_after: DateTime<Utc>,
    /// SHA-256 of the DER, lower-case hexadecimal.
    pub sha256: String,
}

/// A certificate that is genuine, current and for login, and names a person: all but that nobody
/// has revoked it. It logs nobody in.
///
/// Only [`Trust::verify`](super::Trust::verify) makes one.
#[derive(Clone, Debug)]
pub struct Authentic {
    certificate: VerifiedCertificate,
    links: Vec<Link>,
}

impl Authentic {
    pub(super) const fn new(
        hsa_id: HsaId,
        loa: Loa,
        facts: CertificateFacts,
        links: Vec<Link>,
    ) -> Self {
        let certificate = VerifiedCertificate { hsa_id, loa, facts };
        Self { certificate, links }
    }

    /// Who the certificate says the person is.
    #[must_use]
    pub const fn hsa_id(&self) -> &HsaId {
        &self.certificate.hsa_id
    }

    /// How sure the issuer was.
    #[must_use]
    pub const fn loa(&self) -> Loa {
        self.certificate.loa
    }

    /// Which certificate it is.
    #[must_use]
    pub const fn facts(&self) -> &CertificateFacts {
        &self.certificate.facts
    }

    /// Whose revocation is to be asked for: the leaf first, then the CAs of its path, without the
    /// root.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// Takes the verdict on each of [`Authentic::links`], in their order.
    ///
    /// # Errors
    /// When a certificate of the path is revoked, or when nobody can say and that is not accepted,
    /// or when there are fewer verdicts than links.
    #[expect(clippy::result_large_err, reason = "made once a login, and read field by field")]
    pub fn settle(self, verdicts: &[Verdict]) -> Result<VerifiedCertificate, Rejected> {
        match worst(&self.links, verdicts) {
            None => Ok(self.certificate),
            Some(cause) => Err(Rejected {
                cause,
                submitted: Some(self.certificate.hsa_id.as_str().to_owned()),
                facts: Some(self.certificate.facts),
                detail: String::new(),
            }),
        }
    }
}

/// What is the matter with a path by the verdicts on its links, the leaf's first; fewer verdicts than
/// links are a matter, too.
pub(super) fn worst(links: &[Link], verdicts: &[Verdict]) -> Option<CertificateRejection> {
    let missing = (verdicts.len() < links.len()).then_some(&Verdict::Undetermined);
    let causes = verdicts.iter().chain(missing).enumerate().map(|(at, verdict)| match verdict {
        Verdict::NotRevoked | Verdict::NotChecked => None,
        Verdict::Revoked if at == 0 => Some(CertificateRejection::Revoked),
        Verdict::Revoked => Some(CertificateRejection::IssuerRevoked),
        Verdict::Undetermined => Some(CertificateRejection::StatusUndetermined),
    });
    // A revocation that is known outweighs one that is not.
    causes.flatten().min_by_key(|cause| match cause {
        CertificateRejection::Revoked => 0,
        CertificateRejection::IssuerRevoked => 1,
        _ => 2,
    })
}

/// A certificate that identifies a person at a level of assurance, as judged at one moment.
///
/// Only [`Authentic::settle`] makes one. It is deserialised by nothing but the sealed ticket
/// (AEAD) that carries it from the card host to the issuer host.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VerifiedCertificate {
    hsa_id: HsaId,
    loa: Loa,
    facts: CertificateFacts,
}

impl VerifiedCertificate {
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
    /// A policy of the certificate is configured, but not every CA of its path allows it.
    PolicyNotAllowed = "policy-not-allowed", CertificateUntrusted;
    /// A function (server) certificate.
    Function = "function", CertificateNotPersonal;
    /// A Person ID certificate (personnummer).
    PersonId = "person-id", CertificateWrongType;
    /// A mobile SITHS eID (personnummer).
    Mobile = "mobile", CertificateWrongType;
    /// An HSA-id where a personal number belongs: a fault of the issuer.
    IdentifierForeign = "identifier-foreign", CertificateWrongType;
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
    /// Against the form of RFC 5280 §4: serial number, extensions, names.
    Malformed = "malformed", CertificateUnusable;
    /// The issuing CA or the root is outside its validity.
    IssuerNotCurrent = "issuer-not-current", CertificateUntrusted;
    /// A CA of the path may not sign certificates, or not for client authentication, or has a weak
    /// key, or is malformed.
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
    /// Revoked by its issuer.
    Revoked = "revoked", CertificateRevoked;
    /// A CA of its path was revoked.
    IssuerRevoked = "issuer-revoked", CertificateUntrusted;
    /// Whether it is revoked could not be determined, and the configuration refuses then.
    StatusUndetermined = "status-undetermined", CertificateStatusUnknown;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::revocation::{CaId, Serial, Subject};

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
    fn only_a_verdict_on_every_link_lets_in_and_the_worst_counts() {
        use CertificateRejection::{IssuerRevoked, Revoked, StatusUndetermined};
        use Verdict as V;
        for (verdicts, expected) in [
            (&[V::NotRevoked, V::NotRevoked][..], None),
            (&[V::NotRevoked, V::NotChecked], None),
            (&[V::Revoked, V::NotRevoked], Some(Revoked)),
            (&[V::NotRevoked, V::Revoked], Some(IssuerRevoked)),
            (&[V::Undetermined, V::NotRevoked], Some(StatusUndetermined)),
            (&[V::NotRevoked, V::Undetermined], Some(StatusUndetermined)),
            (&[V::Undetermined, V::Revoked], Some(IssuerRevoked)),
            (&[V::Revoked, V::Undetermined], Some(Revoked)),
            (&[V::NotRevoked], Some(StatusUndetermined)),
            (&[], Some(StatusUndetermined)),
        ] {
            let link = || Link {
                issuer: CaId::of(b"key"),
                serial: Serial::new(&[1]),
                subject: Subject::Person,
                points: Vec::new(),
            };
            let facts = CertificateFacts {
                issuer_cn: String::new(),
                serial: String::new(),
                not_before: DateTime::UNIX_EPOCH,
                not_after: DateTime::UNIX_EPOCH,
                sha256: String::new(),
            };
            let hsa_id = "SE2321000016-1003".parse().unwrap();
            let authentic = Authentic::new(hsa_id, Loa::Three, facts, vec![link(), link()]);
            let cause = authentic.settle(verdicts).err().map(|rejected| rejected.cause);
            assert_eq!(cause, expected, "{verdicts:?}");
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
