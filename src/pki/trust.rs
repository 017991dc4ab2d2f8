//! The judgement: which roots and issuing CAs are trusted, for what, and what a chain is worth.
//!
//! Issuing CAs are pinned by key, because a name can be copied (Keycloak #52801). Must never look
//! at revocation addresses or any other address in a certificate.

mod assess;
mod chain;
mod hints;
mod path;
mod policies;
mod source;
mod system;

use std::fmt;

use chrono::{DateTime, Utc};
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer, TrustAnchor};
use webpki::{ALL_VERIFICATION_ALGS, RawPublicKeyEntity};

use self::path::{Authority, refusal};
pub use self::source::{
    IssuerRow, Kind, PolicyRow, TrustFault, TrustFaultReason, TrustSource, UnknownPolicy,
};
use super::assessment::Refusal;
use super::certificate::{Authentic, CertificateRejection, PresentedChain, Rejected};
use super::profile::{Profile, form};
use super::view::View;
use crate::identity::assurance::Loa;
use crate::identity::hsa_id::HsaIdGrammar;

/// The configured trust, checked.
pub struct Trust {
    /// In the order of the anchors.
    roots: Vec<Root>,
    anchors: Vec<TrustAnchor<'static>>,
    issuers: Vec<Issuer>,
    /// The certificates of the issuing CAs, and of the CAs between them and the roots.
    authorities: Vec<Authority>,
    grammar: HsaIdGrammar,
    unknown_policy: UnknownPolicy,
}

/// What webpki's anchors do not carry, dates among it.
struct Root {
    profile: Profile,
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
            let (profile, anchor) = root(certificate, index, now)?;
            anchors.push(anchor);
            roots.push(Root { profile });
        }
        let below = below(&source, &roots)?;
        let mut issuers: Vec<Issuer> = Vec::new();
        for (index, row) in source.issuers.into_iter().enumerate() {
            let issuer = Issuer::check(row, index, &below)?;
            if issuers.iter().any(|other| other.profile.key == issuer.profile.key) {
                let reason = TrustFaultReason::Repeated;
                return Err(TrustFault::of("issuing CA", &issuer.profile, reason));
            }
            issuers.push(issuer);
        }
        Ok(Self {
            roots,
            anchors,
            issuers,
            authorities: below.into_iter().map(|(_, authority)| authority).collect(),
            grammar: source.grammar,
            unknown_policy: source.unknown_policy,
        })
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
        let roots: Vec<_> = self.roots.iter().map(|root| name(&root.profile)).collect();
        let issuers: Vec<_> = self.issuers.iter().map(|issuer| name(&issuer.profile)).collect();
        f.debug_struct("Trust")
            .field("roots", &roots)
            .field("issuers", &issuers)
            .finish_non_exhaustive()
    }
}

impl Issuer {
    fn check(
        row: IssuerRow,
        index: usize,
        below: &[(bool, Authority)],
    ) -> Result<Self, TrustFault> {
        let profile = authority(&row.certificate, "issuing CA", index)?;
        let fault = |reason| Err(TrustFault::of("issuing CA", &profile, reason));
        let known = |(_, other): &&(bool, Authority)| other.view.original == row.certificate;
        if !below.iter().find(known).is_some_and(|(reached, _)| *reached) {
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

/// Reads a root.
fn root(
    certificate: &CertificateDer<'static>,
    index: usize,
    now: DateTime<Utc>,
) -> Result<(Profile, TrustAnchor<'static>), TrustFault> {
    let profile = authority(certificate, "root", index)?;
    let fault = |reason| TrustFault::of("root", &profile, reason);
    // webpki looks neither at an anchor's dates nor at its extensions, name constraints apart.
    if !is_current(&profile, now) {
        return Err(fault(TrustFaultReason::NotCurrent));
    }
    if let Some(why) = form::root_fault(certificate) {
        return Err(fault(TrustFaultReason::Unfit { why }));
    }
    if !profile.for_clients {
        let why = "extendedKeyUsage leaves out client authentication";
        return Err(fault(TrustFaultReason::Unfit { why }));
    }
    let view = View::of(certificate.clone()).ok_or_else(|| fault(TrustFaultReason::Unreadable))?;
    let anchor = webpki::anchor_from_trusted_cert(&view.shown)
        .map_err(|_| fault(TrustFaultReason::Unreadable))?
        .to_owned();
    Ok((profile, anchor))
}

/// The CAs below the roots, and of each whether signatures lead from a root to it.
fn below(source: &TrustSource, roots: &[Root]) -> Result<Vec<(bool, Authority)>, TrustFault> {
    let mut found = Vec::new();
    let issuers = source.issuers.iter().map(|row| &row.certificate);
    let named = issuers.enumerate().map(|(index, ca)| ("issuing CA", index, ca));
    let links = source.intermediates.iter().enumerate();
    for (role, index, ca) in named.chain(links.map(|(index, ca)| ("intermediate CA", index, ca))) {
        let profile = authority(ca, role, index)?;
        let read = Authority::read(ca);
        let reason = TrustFaultReason::Unreadable;
        let read = read.ok_or_else(|| TrustFault::of(role, &profile, reason))?;
        // A root may issue itself.
        let reached = source.roots.contains(ca)
            || roots.iter().any(|root| has_signed(&root.profile, &profile));
        found.push((reached, read));
    }
    // From those that are reached to those that they signed, until nothing is added.
    loop {
        let next = found.iter().position(|(reached, subject)| {
            let mut above = found.iter().filter(|(reached, _)| *reached);
            !reached && above.any(|(_, issuer)| has_signed(&issuer.profile, &subject.profile))
        });
        match next.and_then(|next| found.get_mut(next)) {
            Some((reached, _)) => *reached = true,
            None => break,
        }
    }
    let lost = found.iter().skip(source.issuers.len()).find(|(reached, _)| !reached);
    if let Some((_, lost)) = lost {
        let reason = TrustFaultReason::NotUnderARoot;
        return Err(TrustFault::of("intermediate CA", &lost.profile, reason));
    }
    Ok(found)
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
    if !profile.key_is_strong {
        return Err(TrustFault::of(role, &profile, TrustFaultReason::KeyWeak));
    }
    if let Some(why) = profile.fault {
        return Err(TrustFault::of(role, &profile, TrustFaultReason::Unfit { why }));
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
