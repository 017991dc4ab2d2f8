//! What trust is configured with, and how a configured certificate can be wrong.

use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};

use crate::identity::assurance::Loa;
use crate::identity::hsa_id::HsaIdGrammar;
use crate::pki::profile::Profile;

/// What a certificate is for, by its issuing CA and its policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A person, by HSA-id: the only kind that logs in.
    HsaId,
    /// A person, by personnummer.
    PersonId,
    /// A person, by personnummer, on a mobile.
    Mobile,
    /// A server or system.
    Function,
}

/// An issuing CA and what its certificates are for.
#[derive(Clone, Debug)]
pub struct IssuerRow {
    /// The CA's certificate, issued by one of the roots or by a CA below them that is configured. It
    /// is known by its key.
    pub certificate: CertificateDer<'static>,
    /// What its certificates are for, unless a policy says otherwise.
    pub kind: Kind,
    /// Their level of assurance; needed where the kind is [`Kind::HsaId`].
    pub loa: Option<Loa>,
    /// The policies under it that are known.
    pub policies: Vec<PolicyRow>,
}

/// A certificate policy under an issuing CA.
#[derive(Clone, Debug)]
pub struct PolicyRow {
    /// The OID, dotted.
    pub oid: String,
    /// What certificates of this policy are for.
    pub kind: Kind,
    /// Their level of assurance; that of the issuing CA where there is none.
    pub loa: Option<Loa>,
}

/// What to do with a certificate none of whose policies is configured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownPolicy {
    /// Take the issuing CA's row.
    #[default]
    FollowIssuer,
    /// Reject it.
    Refuse,
}

/// What [`Trust`](super::Trust) is made of.
#[derive(Clone, Debug)]
pub struct TrustSource {
    /// The roots.
    pub roots: Vec<CertificateDer<'static>>,
    /// The issuing CAs that are allowed, also those whose certificates are the wrong ones to
    /// choose: they get the better answer.
    pub issuers: Vec<IssuerRow>,
    /// Certificates of CAs between the roots and the issuing CAs: links of a path, and no more.
    pub intermediates: Vec<CertificateDer<'static>>,
    /// Which identifiers are HSA-ids.
    pub grammar: HsaIdGrammar,
    /// What to do with policies that are not configured.
    pub unknown_policy: UnknownPolicy,
}

/// A configured certificate that will not do.
#[derive(Debug, thiserror::Error)]
#[error("{certificate}: {reason}")]
pub struct TrustFault {
    /// Which: its role, common name and SHA-256, or its place in the list.
    pub certificate: String,
    /// Why.
    pub reason: TrustFaultReason,
}

/// Why a configured certificate will not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustFaultReason {
    /// No X.509 certificate in DER.
    #[error("is no certificate that can be read")]
    Unreadable,
    /// No basic constraints with CA, or no keyCertSign.
    #[error("is not a CA's certificate (CA in basicConstraints, keyCertSign in keyUsage)")]
    NotACa,
    /// Outside its validity.
    #[error("is outside its validity")]
    NotCurrent,
    /// No signatures lead from a configured root to it.
    #[error("is not signed by a configured root, nor by a configured CA below one")]
    NotUnderARoot,
    /// RSA under 2048 bits, or neither RSA nor P-256 nor P-384.
    #[error("has a key that is not taken: RSA from 2048 bits on, P-256 and P-384 are")]
    KeyWeak,
    /// Against RFC 5280, or not for client authentication.
    #[error("is unfit: {why}")]
    Unfit {
        /// What is wrong.
        why: &'static str,
    },
    /// Another row has the same key.
    #[error("has the same key as another issuing CA in the list")]
    Repeated,
    /// HSA-id certificates without a level of assurance.
    #[error("issues HSA-id certificates, so it needs loa = \"loa2\" or \"loa3\"")]
    LoaMissing,
}

impl TrustFault {
    pub(super) fn of(role: &str, profile: &Profile, reason: TrustFaultReason) -> Self {
        let certificate =
            format!("{role} \"{}\" (SHA-256 {})", profile.subject_cn, profile.facts.sha256);
        Self { certificate, reason }
    }
}
