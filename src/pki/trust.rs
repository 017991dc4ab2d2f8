//! The judgement: which roots and issuing CAs are trusted, for what, and what a chain is worth.
//!
//! Issuing CAs are pinned by key, because a name can be copied (Keycloak #52801). Must never look
//! at revocation addresses or any other address in a certificate.

mod hints;
mod path;
mod source;

use std::fmt;

use chrono::{DateTime, Utc};
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer, TrustAnchor};
use webpki::{ALL_VERIFICATION_ALGS, KeyUsage, RawPublicKeyEntity};

use self::path::{Path, Refusal, broken, refusal};
pub use self::source::{
    IssuerRow, Kind, PolicyRow, TrustFault, TrustFaultReason, TrustSource, UnknownPolicy,
};
use super::certificate::{Authentic, CertificateRejection, Judgement, PresentedChain, Rejected};
use super::profile::Profile;
use super::revocation::{CaId, Link, Verdict};
use crate::identity::assurance::Loa;
use crate::identity::hsa_id::{HsaId, HsaIdGrammar};
use crate::identity::personal_number::PersonalNumber;

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

    /// Judges a chain at `now`.
    ///
    /// # Errors
    /// The first cause in the order of [`CertificateRejection`], which is the order of help: what
    /// another choice of certificate can cure comes before what only the card supplier can.
    #[expect(clippy::result_large_err, reason = "made once a login, and read field by field")]
    pub fn verify(
        &self,
        chain: &PresentedChain,
        now: DateTime<Utc>,
    ) -> Result<Authentic, Rejected> {
        let bare = |(cause, detail)| Rejected { cause, facts: None, submitted: None, detail };
        if chain.is_excessive() {
            return Err(bare(refusal(CertificateRejection::ChainExcessive, "")));
        }
        let profile = Profile::read(chain.leaf())
            .map_err(|fault| bare((CertificateRejection::Unreadable, fault)))?;
        match self.examine(chain, &profile, now) {
            Ok((hsa_id, loa, links)) => Ok(Authentic::new(hsa_id, loa, profile.facts, links)),
            Err((cause, detail)) => Err(Rejected {
                cause,
                submitted: profile.submitted(),
                facts: Some(profile.facts),
                detail,
            }),
        }
    }

    fn examine(
        &self,
        chain: &PresentedChain,
        profile: &Profile,
        now: DateTime<Utc>,
    ) -> Result<(HsaId, Loa, Vec<Link>), Refusal> {
        let path = Path::new(chain, &self.certificates, &self.anchors)?;

        // First a path at a moment when the leaf was valid, so that an expired card is told that
        // it is expired and not that it is untrusted; nothing else is believed before.
        let issuer_key = path.issuer_key(profile, now)?;
        let issuer = self.issuer_by_key(&issuer_key)?;

        // The kind before everything that is wrong with this certificate: where the wrong one was
        // chosen, choosing another is the way forward, whatever else ails this one.
        let (kind, loa) = issuer.classify(profile, self.unknown_policy)?;
        must_be_hsa_id(kind)?;
        must_be_for_login(profile)?;

        must_be_current(profile, now)?;
        // Then the whole path at this very moment, for client authentication.
        let links = self.must_hold_now(&path, profile, now)?;

        if !profile.key_is_strong {
            return Err(refusal(CertificateRejection::KeyWeak, ""));
        }
        let loa = loa.ok_or_else(|| refusal(CertificateRejection::PolicyUnknown, "no level"))?;
        Ok((self.identify(profile)?, loa, links))
    }

    /// The row of the CA that holds `key`: by key, since another CA can bear the same name, and a
    /// root may have other CAs under it.
    fn issuer_by_key(&self, key: &[u8]) -> Result<&Issuer, Refusal> {
        self.issuers
            .iter()
            .find(|issuer| issuer.profile.key == key)
            .ok_or_else(|| refusal(CertificateRejection::IssuerNotAllowed, ""))
    }

    /// The path at this very moment: who issued what, for the question whether it was revoked.
    fn must_hold_now(
        &self,
        path: &Path<'_>,
        leaf: &Profile,
        now: DateTime<Utc>,
    ) -> Result<Vec<Link>, Refusal> {
        let found = path.at(now, KeyUsage::client_auth()).map_err(|error| broken(&error))?;
        let anchor = found.anchor();
        let root = self.roots.iter().zip(&self.anchors).find(|(root, configured)| {
            configured.subject_public_key_info == anchor.subject_public_key_info
                && is_current(root, now)
        });
        let Some((root, _)) = root else {
            return Err(refusal(CertificateRejection::IssuerNotCurrent, "the root"));
        };
        // webpki does not look at the key usage of CAs. The browser may have sent another
        // certificate for the same key than the configured one, so the path's own are read.
        let mut links = Vec::new();
        let mut serial = leaf.serial.clone();
        for certificate in found.intermediate_certificates() {
            let ca = Profile::read(&certificate.der()).ok().filter(Profile::may_issue);
            let Some(ca) = ca else {
                return Err(refusal(CertificateRejection::IssuerUnfit, "no keyCertSign"));
            };
            links.push(Link { issuer: CaId::of(&ca.key), serial });
            serial = ca.serial;
        }
        links.push(Link { issuer: CaId::of(&root.key), serial });
        Ok(links)
    }

    fn identify(&self, profile: &Profile) -> Result<HsaId, Refusal> {
        let text = match profile.identifiers.as_slice() {
            [] => return Err(refusal(CertificateRejection::IdentifierMissing, "")),
            [one] => one.as_deref().unwrap_or(""),
            // Not the first of them: whoever reads another would see another person.
            _ => return Err(refusal(CertificateRejection::IdentifierRepeated, "")),
        };
        // Before the grammar: that a personal number is no HSA-id has an answer of its own.
        if PersonalNumber::recognise(text).is_some() {
            return Err(refusal(CertificateRejection::IdentifierPersonal, ""));
        }
        self.grammar
            .parse(text)
            .map_err(|fault| (CertificateRejection::IdentifierMalformed, fault.to_string()))
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

    /// What a certificate of this CA is for. Where several of its policies are configured, the
    /// least that they say: not for login rather than for login, the lower level.
    fn classify(
        &self,
        profile: &Profile,
        unknown: UnknownPolicy,
    ) -> Result<(Kind, Option<Loa>), Refusal> {
        let known = self
            .policies
            .iter()
            .filter(|policy| profile.policies.contains(&policy.oid))
            .map(|policy| (policy.kind, policy.loa.or(self.loa)))
            .min_by_key(|(kind, loa)| (*kind == Kind::HsaId, *loa));
        match (known, unknown) {
            (Some(known), _) => Ok(known),
            (None, UnknownPolicy::FollowIssuer) => Ok((self.kind, self.loa)),
            (None, UnknownPolicy::Refuse) => {
                Err((CertificateRejection::PolicyUnknown, profile.policies.join(" ")))
            }
        }
    }
}

const fn must_be_hsa_id(kind: Kind) -> Result<(), Refusal> {
    let cause = match kind {
        Kind::HsaId => return Ok(()),
        Kind::PersonId => CertificateRejection::PersonId,
        Kind::Mobile => CertificateRejection::Mobile,
        Kind::Function => CertificateRejection::Function,
    };
    Err((cause, String::new()))
}

fn must_be_for_login(profile: &Profile) -> Result<(), Refusal> {
    match (profile.signing.handshakes, profile.signing.documents) {
        (false, true) => Err(refusal(CertificateRejection::ForSigning, "")),
        (false, false) => Err(refusal(CertificateRejection::KeyUsageUnfit, "")),
        (true, _) if !profile.for_clients => Err(refusal(CertificateRejection::PurposeUnfit, "")),
        (true, _) => Ok(()),
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
