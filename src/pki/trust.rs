//! The judgement: which roots and issuing CAs are trusted, for what, and what a chain is worth.
//!
//! Issuing CAs are pinned by key, because a name can be copied (Keycloak #52801). Must never look
//! at revocation addresses or any other address in a certificate.

mod assess;
mod hints;
mod path;
mod source;

use std::fmt;

use chrono::{DateTime, Utc};
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer, TrustAnchor};
use webpki::{ALL_VERIFICATION_ALGS, RawPublicKeyEntity};

use self::path::refusal;
pub use self::source::{
    IssuerRow, Kind, PolicyRow, TrustFault, TrustFaultReason, TrustSource, UnknownPolicy,
};
use super::assessment::Refusal;
use super::certificate::{Authentic, CertificateRejection, Judgement, PresentedChain, Rejected};
use super::profile::Profile;
use super::revocation::Verdict;
use crate::identity::assurance::Loa;
use crate::identity::hsa_id::HsaIdGrammar;

/// The configured trust, checked.
pub struct Trust {
    /// webpki's anchors carry no dates, so that they are kept here, in the same order.
    roots: Vec<Profile>,
    anchors: Vec<TrustAnchor<'static>>,
    issuers: Vec<Issuer>,
    certificates: Vec<CertificateDer<'static>>,
    grammar: HsaIdGrammar,
    unknown_policy: UnknownPolicy,
}

struct Issuer {
    profile: Profile,
    kind: Kind,
    loa: Option<Loa>,
    policies: Vec<PolicyRow>,
}

impl Trust {
    /// Checks the configured certificates at `now`.
    ///
    /// An issuing CA past its validity is let in: its cards are then told so.
    ///
    /// # Errors
    /// Which certificate will not do, and why.
    pub fn new(source: TrustSource, now: DateTime<Utc>) -> Result<Self, TrustFault> {
        let mut roots = Vec::new();
        let mut anchors = Vec::new();
        for (index, certificate) in source.roots.iter().enumerate() {
            let profile = authority(certificate, "root", index)?;
            // webpki does not look at an anchor's dates.
            if !is_current(&profile, now) {
                return Err(TrustFault::of("root", &profile, TrustFaultReason::NotCurrent));
            }
            let anchor = webpki::anchor_from_trusted_cert(certificate)
                .map_err(|_| TrustFault::of("root", &profile, TrustFaultReason::Unreadable))?;
            anchors.push(anchor.to_owned());
            roots.push(profile);
        }
        let mut issuers: Vec<Issuer> = Vec::new();
        let mut certificates = Vec::new();
        for (index, row) in source.issuers.into_iter().enumerate() {
            let issuer = Issuer::check(row.clone(), index, &roots)?;
            if issuers.iter().any(|other| other.profile.key == issuer.profile.key) {
                let reason = TrustFaultReason::Repeated;
                return Err(TrustFault::of("issuing CA", &issuer.profile, reason));
            }
            issuers.push(issuer);
            certificates.push(row.certificate);
        }
        Ok(Self {
            roots,
            anchors,
            issuers,
            certificates,
            grammar: source.grammar,
            unknown_policy: source.unknown_policy,
        })
    }

    /// [`Trust::verify`] of what a connection carries, for the ticket.
    #[must_use]
    pub fn judge(&self, chain: Option<&PresentedChain>, now: DateTime<Utc>) -> Judgement {
        let Some(chain) = chain else {
            return Judgement::NoCertificate;
        };
        match self.verify(chain, now) {
            Ok(authentic) => {
                // Nobody is asked yet.
                let verdicts = vec![Verdict::NotChecked; authentic.links().len()];
                match authentic.settle(&verdicts) {
                    Ok(verified) => Judgement::Verified(verified),
                    Err(rejected) => Judgement::Rejected(rejected),
                }
            }
            Err(rejected) => Judgement::Rejected(rejected),
        }
    }

    /// Judges a chain at `now`: the outcome of [`Trust::assess`].
    ///
    /// # Errors
    /// The first cause in the order of [`Check`](super::assessment::Check).
    #[expect(clippy::result_large_err, reason = "made once a login, and read field by field")]
    pub fn verify(
        &self,
        chain: &PresentedChain,
        now: DateTime<Utc>,
    ) -> Result<Authentic, Rejected> {
        self.assess(chain, now).outcome
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |profile: &Profile| profile.subject_cn.clone();
        let roots: Vec<_> = self.roots.iter().map(name).collect();
        let issuers: Vec<_> = self.issuers.iter().map(|issuer| name(&issuer.profile)).collect();
        f.debug_struct("Trust")
            .field("roots", &roots)
            .field("issuers", &issuers)
            .finish_non_exhaustive()
    }
}

impl Issuer {
    fn check(row: IssuerRow, index: usize, roots: &[Profile]) -> Result<Self, TrustFault> {
        let profile = authority(&row.certificate, "issuing CA", index)?;
        let fault = |reason| Err(TrustFault::of("issuing CA", &profile, reason));
        if !roots.iter().any(|root| has_signed(root, &profile)) {
            return fault(TrustFaultReason::NotUnderARoot);
        }
        let kinds = std::iter::once((row.kind, row.loa))
            .chain(row.policies.iter().map(|policy| (policy.kind, policy.loa.or(row.loa))));
        if kinds.into_iter().any(|(kind, loa)| kind == Kind::HsaId && loa.is_none()) {
            return fault(TrustFaultReason::LoaMissing);
        }
        Ok(Self { kind: row.kind, loa: row.loa, policies: row.policies, profile })
    }
}

fn must_be_current(profile: &Profile, now: DateTime<Utc>) -> Result<(), Refusal> {
    if now.timestamp() > profile.facts.not_after.timestamp() {
        return Err(refusal(CertificateRejection::Expired, ""));
    }
    if now.timestamp() < profile.facts.not_before.timestamp() {
        return Err(refusal(CertificateRejection::NotYetValid, ""));
    }
    Ok(())
}

fn is_current(profile: &Profile, now: DateTime<Utc>) -> bool {
    must_be_current(profile, now).is_ok()
}

/// Reads a configured certificate, which must be a CA's.
fn authority(
    certificate: &CertificateDer<'_>,
    role: &str,
    index: usize,
) -> Result<Profile, TrustFault> {
    let profile = Profile::read(certificate).map_err(|_| TrustFault {
        certificate: format!("{role} number {}", index + 1),
        reason: TrustFaultReason::Unreadable,
    })?;
    if !profile.may_issue() {
        return Err(TrustFault::of(role, &profile, TrustFaultReason::NotACa));
    }
    Ok(profile)
}

/// Whether the key of `issuer` signed `certificate`, which names it as its issuer; false where one
/// of them cannot be read. For a word to an operator: no login rests on it.
#[must_use]
pub fn is_signed_by(certificate: &CertificateDer<'_>, issuer: &CertificateDer<'_>) -> bool {
    match (Profile::read(issuer), Profile::read(certificate)) {
        (Ok(issuer), Ok(subject)) => has_signed(&issuer, &subject),
        _ => false,
    }
}

/// Whether `issuer` signed `subject`: for a better word to the operator alone, since every login
/// has its path checked by webpki.
fn has_signed(issuer: &Profile, subject: &Profile) -> bool {
    let key = SubjectPublicKeyInfoDer::from(issuer.key.as_slice());
    let Ok(key) = RawPublicKeyEntity::try_from(&key) else {
        return false;
    };
    issuer.subject == subject.issuer
        && ALL_VERIFICATION_ALGS.iter().any(|algorithm| {
            let signed = &subject.signed;
            key.verify_signature(*algorithm, &signed.message, &signed.signature).is_ok()
        })
}

#[cfg(test)]
mod tests;
