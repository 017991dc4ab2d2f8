//! The judgement of a chain as a system's: a function certificate, for client authentication by TLS
//! (RFC 8705 §2.1).
//!
//! Must never let a person's certificate pass as a system's: whoever holds a card could be any
//! system that his name is registered for.

use chrono::{DateTime, Utc};

use super::assess::{
    must_be_for_clients, must_be_for_handshakes, must_be_strong, must_be_well_formed,
};
use super::chain::Held;
use super::{Issuer, Trust, must_be_current};
use crate::pki::assessment::{Refusal, Steps};
use crate::pki::certificate::{CertificateRejection, PresentedChain};
use crate::pki::profile::Profile;
use crate::pki::revocation::Link;
use crate::pki::system::{AuthenticSystem, RejectedSystem, SystemCertificate, SystemRejection};
use crate::pki::trust::source::{Kind, UnknownPolicy};

/// Why not, and more for the log.
type Fault = (SystemRejection, String);

impl Trust {
    /// Judges a chain as a system's at `now`; revocation is asked for by those who call.
    ///
    /// # Errors
    /// The first cause found, the path first.
    #[expect(clippy::result_large_err, reason = "made once a request, and read field by field")]
    pub fn verify_system(
        &self,
        chain: &PresentedChain,
        now: DateTime<Utc>,
    ) -> Result<AuthenticSystem, RejectedSystem> {
        let unread =
            |(cause, detail): Refusal| RejectedSystem { cause: cause.into(), facts: None, detail };
        let profile = super::assess::read(chain, &mut Steps::default()).map_err(unread)?;
        let judged = self.examine_system(chain, &profile, now);
        let (certificate, links) = judged.map_err(|(cause, detail)| RejectedSystem {
            cause,
            facts: Some(profile.facts.clone()),
            detail,
        })?;
        Ok(AuthenticSystem::new(certificate, links))
    }

    fn examine_system(
        &self,
        chain: &PresentedChain,
        profile: &Profile,
        now: DateTime<Utc>,
    ) -> Result<(SystemCertificate, Vec<Link>), Fault> {
        let (held, issuer_key) = self.traced(chain, profile, now).map_err(plain)?;
        let issuer = self.issuer_by_key(&issuer_key).map_err(plain)?;
        issuer.must_be_of_systems(profile, self.unknown_policy, held.as_ref().ok())?;
        must_be_for_handshakes(profile).map_err(plain)?;
        must_be_for_clients(profile).map_err(plain)?;
        must_be_current(profile, now).map_err(plain)?;
        must_be_well_formed(profile).map_err(plain)?;
        let held = held.map_err(plain)?;
        must_be_strong(profile).map_err(plain)?;
        let certificate = SystemCertificate::of(profile, chain.leaf());
        let certificate = certificate.ok_or((SystemRejection::NamesUnreadable, String::new()))?;
        Ok((certificate, held.links))
    }
}

impl Issuer {
    /// Every configured policy of the certificate says that it is a system's; where none is
    /// configured, the row of its CA does.
    fn must_be_of_systems(
        &self,
        profile: &Profile,
        unknown: UnknownPolicy,
        held: Option<&Held>,
    ) -> Result<(), Fault> {
        let asserted = profile.asserted();
        let rows: Vec<_> = self.policies.iter().filter(|row| asserted.contains(&row.oid)).collect();
        let is_system = match (rows.as_slice(), unknown) {
            ([], UnknownPolicy::FollowIssuer) => self.kind == Kind::Function,
            ([], UnknownPolicy::Refuse) => {
                return Err((CertificateRejection::PolicyUnknown.into(), asserted.join(" ")));
            }
            (rows, _) => rows.iter().all(|row| row.kind == Kind::Function),
        };
        if !is_system {
            return Err((SystemRejection::Person, String::new()));
        }
        // As for persons: a policy that a CA of the path does not allow counts for nothing
        // (RFC 5280 §6.1.3 d), and must not lead to the row of the CA.
        let lost = |held: &Held| rows.iter().find(|row| !held.policies.contains(&row.oid));
        match held.and_then(lost) {
            None => Ok(()),
            Some(row) => Err((
                CertificateRejection::PolicyNotAllowed.into(),
                format!("{}: not allowed by its CAs (RFC 5280 §6.1.3)", row.oid),
            )),
        }
    }
}

fn plain((cause, detail): Refusal) -> Fault {
    (cause.into(), detail)
}
