//! Paths from a leaf to a root, and what it means that there is none.
//!
//! Path building and signatures are webpki's, never ours.

use std::time::Duration;

use chrono::{DateTime, Utc};
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{
    ALL_VERIFICATION_ALGS, EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter, VerifiedPath,
};

use crate::pki::assessment::Refusal;
use crate::pki::certificate::{CertificateRejection, PresentedChain};
use crate::pki::profile::Profile;

/// A refusal with a detail for the log.
pub(super) fn refusal(cause: CertificateRejection, detail: &str) -> Refusal {
    (cause, detail.to_owned())
}

/// What a path is built from.
pub(super) struct Path<'a> {
    leaf: EndEntityCert<'a>,
    intermediates: Vec<CertificateDer<'a>>,
    anchors: &'a [TrustAnchor<'static>],
}

impl<'a> Path<'a> {
    /// A path is sought among the configured certificates and those of the chain: browsers may
    /// send the leaf alone.
    ///
    /// # Errors
    /// When webpki cannot load the leaf.
    pub(super) fn new(
        chain: &'a PresentedChain,
        configured: &[CertificateDer<'static>],
        anchors: &'a [TrustAnchor<'static>],
    ) -> Result<Self, Refusal> {
        let leaf = EndEntityCert::try_from(chain.leaf()).map_err(|error| unloadable(&error))?;
        let intermediates = [configured, chain.others()].concat();
        Ok(Self { leaf, intermediates, anchors })
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
            let path = self.at(moment, AnyPurpose)?;
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

    /// A path that holds at `moment` for `purpose`.
    pub(super) fn at(
        &self,
        moment: DateTime<Utc>,
        purpose: impl ExtendedKeyUsageValidator,
    ) -> Result<VerifiedPath<'_>, webpki::Error> {
        let seconds = u64::try_from(moment.timestamp()).unwrap_or(0);
        self.leaf.verify_for_usage(
            ALL_VERIFICATION_ALGS,
            self.anchors,
            &self.intermediates,
            UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
            purpose,
            None,
            None,
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
pub(super) fn broken(error: &webpki::Error) -> Refusal {
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
