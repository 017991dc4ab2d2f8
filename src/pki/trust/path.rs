//! Paths from a leaf to a root, and what it means that there is none.
//!
//! Path building and signatures are webpki's, never ours. It is shown the configured CAs and what
//! the client sent, a bounded part of it: no input may cost more than some milliseconds.

use std::cell::RefCell;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{
    ALL_VERIFICATION_ALGS, EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter, KeyUsage,
    VerifiedPath,
};

use super::chain::{self, Held};
use super::{Root, Trust, is_current};
use crate::pki::assessment::Refusal;
use crate::pki::certificate::{CertificateRejection, PresentedChain};
use crate::pki::profile::Profile;
use crate::pki::view::{Originals, View};

/// The most certificates of one name that are taken from what a client sent: with more, the paths
/// that can be tried multiply.
const MAX_OF_A_NAME: usize = 2;

/// A refusal with a detail for the log.
pub(super) fn refusal(cause: CertificateRejection, detail: &str) -> Refusal {
    (cause, detail.to_owned())
}

/// A CA's certificate, configured or sent.
pub(super) struct Authority {
    pub(super) view: View,
    pub(super) profile: Profile,
}

impl Authority {
    pub(super) fn read(certificate: &CertificateDer<'static>) -> Option<Self> {
        let view = View::of(certificate.clone())?;
        let profile = Profile::read(certificate).ok()?;
        Some(Self { view, profile })
    }
}

/// The CAs among what a client sent: those that the configuration has not, two of a name, those
/// first that may sign certificates at `now`.
pub(super) fn sent(
    chain: &PresentedChain,
    leaf: &View,
    configured: &[Authority],
    now: DateTime<Utc>,
) -> Vec<Authority> {
    let mut found: Vec<Authority> = Vec::new();
    for certificate in chain.others() {
        let known = |authority: &Authority| authority.view.original == *certificate;
        if configured.iter().chain(&found).any(known) {
            continue;
        }
        let Some(authority) = Authority::read(certificate) else { continue };
        let views = configured.iter().chain(&found).map(|authority| &authority.view);
        let ambiguous = views.chain([leaf]).any(|view| view.is_ambiguous_with(&authority.view));
        if authority.profile.is_ca && !ambiguous {
            found.push(authority);
        }
    }
    found.sort_by_key(|authority| {
        !(authority.profile.may_issue() && is_current(&authority.profile, now))
    });
    let mut kept: Vec<Authority> = Vec::new();
    for authority in found {
        let same = |other: &&Authority| other.profile.subject == authority.profile.subject;
        if kept.iter().filter(same).count() < MAX_OF_A_NAME {
            kept.push(authority);
        }
    }
    kept
}

/// Looks at a path that webpki found good: with an error it tries another.
type Examine<'a> = dyn Fn(&VerifiedPath<'_>) -> Result<(), webpki::Error> + 'a;

/// What a path is built from.
pub(super) struct Path<'a> {
    leaf: EndEntityCert<'a>,
    authorities: Vec<&'a Authority>,
    shown: Vec<CertificateDer<'a>>,
    originals: Originals<'a>,
    anchors: &'a [TrustAnchor<'static>],
    roots: &'a [Root],
}

impl<'a> Path<'a> {
    /// A path is sought among the configured certificates and those that were sent: browsers may
    /// send the leaf alone.
    ///
    /// # Errors
    /// When webpki cannot load the leaf.
    pub(super) fn new(
        leaf: &'a View,
        sent: &'a [Authority],
        trust: &'a Trust,
    ) -> Result<Self, Refusal> {
        let authorities: Vec<&Authority> = trust.authorities.iter().chain(sent).collect();
        let views = authorities.iter().map(|authority| &authority.view).chain([leaf]);
        Ok(Self {
            originals: Originals::new(ALL_VERIFICATION_ALGS, views),
            leaf: EndEntityCert::try_from(&leaf.shown).map_err(|error| unloadable(&error))?,
            shown: authorities
                .iter()
                .map(|authority| CertificateDer::from(authority.view.shown.as_ref()))
                .collect(),
            authorities,
            anchors: &trust.anchors,
            roots: &trust.roots,
        })
    }

    /// A path that holds at `now` for client authentication, by webpki and by what it does not
    /// look at.
    pub(super) fn held(&self, leaf: &Profile, now: DateTime<Utc>) -> Result<Held, Refusal> {
        let held = RefCell::new(None);
        let refused = RefCell::new(None);
        let examine = |path: &VerifiedPath<'_>| match self.examine(path, leaf, now) {
            Ok(good) => {
                held.replace(Some(good));
                Ok(())
            }
            Err(refusal) => {
                refused.borrow_mut().get_or_insert(refusal);
                // Any error makes webpki try another path.
                Err(webpki::Error::UnknownIssuer)
            }
        };
        let found = self.at(now, KeyUsage::client_auth(), Some(&examine)).map(|_| ());
        match (found, refused.into_inner(), held.into_inner()) {
            (Ok(()), _, Some(held)) => Ok(held),
            // A path that webpki would have taken says more than one that it would not.
            (_, Some(refusal), _) => Err(refusal),
            (Err(error), None, _) => Err(broken(&error)),
            (Ok(()), None, None) => Err(refusal(CertificateRejection::PathInvalid, "")),
        }
    }

    fn examine(
        &self,
        path: &VerifiedPath<'_>,
        leaf: &Profile,
        now: DateTime<Utc>,
    ) -> Result<Held, Refusal> {
        let mut roots = self.roots.iter().zip(self.anchors);
        let root = roots.find(|(_, anchor)| std::ptr::eq(*anchor, path.anchor()));
        let mut cas = Vec::new();
        for certificate in path.intermediate_certificates() {
            let shown = certificate.der();
            let authority = self.authorities.iter().find(|known| known.view.shown == shown);
            cas.extend(authority.map(|authority| &authority.profile));
        }
        let (Some((root, _)), true) = (root, cas.len() == path.intermediate_certificates().count())
        else {
            return Err(refusal(CertificateRejection::PathInvalid, "a path of unknown parts"));
        };
        cas.reverse();
        chain::hold(&root.profile, &cas, leaf, now)
    }

    /// The key of the CA that signed the leaf, on a path to a root that held while the leaf was
    /// valid.
    pub(super) fn issuer_key(
        &self,
        profile: &Profile,
        now: DateTime<Utc>,
    ) -> Result<Vec<u8>, Refusal> {
        let facts = &profile.facts;
        let nearest = now.min(facts.not_after).max(facts.not_before);
        let key = |moment| {
            let path = self.at(moment, AnyPurpose, None)?;
            Ok(path.issuer_spki().as_ref().to_vec())
        };
        match key(nearest) {
            // The issuing CA has expired under a leaf that has not: when the leaf began it held.
            Err(webpki::Error::CertExpired { .. } | webpki::Error::CertNotValidYet { .. }) => {
                key(facts.not_before)
            }
            other => other,
        }
        .map_err(|error: webpki::Error| broken(&error))
    }

    fn at(
        &self,
        moment: DateTime<Utc>,
        purpose: impl ExtendedKeyUsageValidator,
        examine: Option<&Examine<'_>>,
    ) -> Result<VerifiedPath<'_>, webpki::Error> {
        let seconds = u64::try_from(moment.timestamp()).unwrap_or(0);
        self.leaf.verify_for_usage(
            &self.originals.algorithms(),
            self.anchors,
            &self.shown,
            UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
            purpose,
            None,
            examine,
        )
    }
}

/// Leaves extended key usage to later checks, which have better answers.
struct AnyPurpose;

impl ExtendedKeyUsageValidator for AnyPurpose {
    fn validate(&self, _: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        Ok(())
    }
}

/// Why webpki could not load the leaf.
fn unloadable(error: &webpki::Error) -> Refusal {
    let cause = match error {
        webpki::Error::UnsupportedCriticalExtension => {
            CertificateRejection::CriticalExtensionUnknown
        }
        _ => CertificateRejection::Unreadable,
    };
    (cause, error.to_string())
}

/// Why webpki found no path.
fn broken(error: &webpki::Error) -> Refusal {
    use webpki::Error as E;
    let cause = match error {
        E::UnknownIssuer => CertificateRejection::IssuerUnknown,
        E::InvalidSignatureForPublicKey => CertificateRejection::SignatureWrong,
        E::UnsupportedSignatureAlgorithmContext(_)
        | E::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            CertificateRejection::SignatureAlgorithmWeak
        }
        E::UnsupportedCriticalExtension => CertificateRejection::CriticalExtensionUnknown,
        E::CaUsedAsEndEntity => CertificateRejection::CaPresented,
        // The leaf's own dates were looked at before, or the moment was chosen inside them.
        E::CertExpired { .. } | E::CertNotValidYet { .. } => CertificateRejection::IssuerNotCurrent,
        // The leaf's own purposes were looked at before.
        E::RequiredEkuNotFoundContext(_) | E::EmptyEkuExtension => {
            CertificateRejection::IssuerUnfit
        }
        _ => CertificateRejection::PathInvalid,
    };
    (cause, error.to_string())
}
