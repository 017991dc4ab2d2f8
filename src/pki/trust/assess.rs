//! The judgement of a chain, step by step, in the order of help: what another choice of certificate
//! can cure comes before what only the card supplier can.

use chrono::{DateTime, Utc};

use super::chain::Held;
use super::path::{Path, refusal, sent};
use super::{Issuer, Trust, must_be_current};
use crate::identity::assurance::Loa;
use crate::identity::hsa_id::HsaId;
use crate::identity::personal_number::PersonalNumber;
use crate::pki::assessment::{Assessment, Check, Description, Refusal, Steps};
use crate::pki::certificate::{Authentic, CertificateRejection, PresentedChain, Rejected};
use crate::pki::profile::Profile;
use crate::pki::revocation::Link;
use crate::pki::trust::source::{Kind, UnknownPolicy};
use crate::pki::view::View;

/// What a judgement finds as it goes.
struct Findings {
    steps: Steps,
    kind: Option<Kind>,
    loa: Option<Loa>,
    unknown_policies: Vec<String>,
}

impl Trust {
    /// Judges a chain at `now`, and tells every step.
    #[must_use]
    pub fn assess(&self, chain: &PresentedChain, now: DateTime<Utc>) -> Assessment {
        let mut found = Findings {
            steps: Steps::default(),
            kind: None,
            loa: None,
            unknown_policies: Vec::new(),
        };
        let profile = match read(chain, &mut found.steps) {
            Ok(profile) => profile,
            Err((cause, detail)) => {
                return Assessment {
                    steps: found.steps.finish(),
                    certificate: None,
                    unknown_policies: Vec::new(),
                    outcome: Err(Rejected { cause, facts: None, submitted: None, detail }),
                };
            }
        };
        let judged = self.examine(chain, &profile, now, &mut found);
        let certificate = Some(describe(&profile, &found));
        let outcome = match judged {
            Ok((hsa_id, loa, links)) => Ok(Authentic::new(hsa_id, loa, profile.facts, links)),
            Err((cause, detail)) => Err(Rejected {
                cause,
                submitted: profile.submitted(),
                facts: Some(profile.facts),
                detail,
            }),
        };
        Assessment {
            steps: found.steps.finish(),
            certificate,
            unknown_policies: found.unknown_policies,
            outcome,
        }
    }

    fn examine(
        &self,
        chain: &PresentedChain,
        profile: &Profile,
        now: DateTime<Utc>,
        found: &mut Findings,
    ) -> Result<(HsaId, Loa, Vec<Link>), Refusal> {
        let steps = &mut found.steps;
        let (held, issuer_key) = steps.hold(Check::Path, self.traced(chain, profile, now))?;
        steps.pass(Check::Path, "");
        let issuer = steps.hold(Check::Issuer, self.issuer_by_key(&issuer_key))?;
        steps.pass(Check::Issuer, issuer.profile.subject_cn.clone());

        // The kind before everything that is wrong with this certificate: where the wrong one was
        // chosen, choosing another is the way forward, whatever else ails this one.
        found.unknown_policies = issuer.unknown(profile);
        let classified = issuer.classify(profile, self.unknown_policy, held.as_ref().ok());
        let (kind, loa) = steps.hold(Check::Policy, classified)?;
        (found.kind, found.loa) = (Some(kind), loa);
        if found.unknown_policies.is_empty() {
            steps.pass(Check::Policy, profile.asserted().join(" "));
        } else {
            let unknown = found.unknown_policies.join(" ");
            steps.warn(
                Check::Policy,
                format!("{}; not configured: {unknown}", issuer.known(profile)),
            );
        }
        steps.check(Check::Kind, self.must_be_hsa_id(kind, profile))?;
        steps.check(Check::KeyUsage, must_be_for_handshakes(profile))?;
        steps.check(Check::Purpose, must_be_for_clients(profile))?;
        steps.check(Check::Validity, must_be_current(profile, now))?;
        steps.hold(Check::Form, must_be_well_formed(profile))?;
        if profile.names_issuer_key {
            steps.pass(Check::Form, "");
        } else {
            steps.warn(Check::Form, "no authorityKeyIdentifier (RFC 5280 §4.2.1.1)");
        }
        let held = steps.hold(Check::Authorities, held)?;
        steps.pass(Check::Authorities, held.names.join(" < "));
        steps.hold(Check::Key, must_be_strong(profile))?;
        steps.pass(Check::Key, profile.key_name.clone());
        let loa = loa.ok_or_else(|| refusal(CertificateRejection::PolicyUnknown, "no level"))?;
        let hsa_id = steps.hold(Check::Identifier, self.identify(profile))?;
        steps.pass(Check::Identifier, "");
        Ok((hsa_id, loa, held.links))
    }

    /// The path of a leaf, and the key of its issuer.
    ///
    /// The whole path at this very moment, for client authentication. Where there is none: the key
    /// on a path at a moment when the leaf was valid, so that an expired certificate is told that it
    /// is expired and not that it is untrusted; nothing else is believed before.
    pub(super) fn traced(
        &self,
        chain: &PresentedChain,
        profile: &Profile,
        now: DateTime<Utc>,
    ) -> Result<(Result<Held, Refusal>, Vec<u8>), Refusal> {
        let malformed = || refusal(CertificateRejection::Malformed, "bytes that are not DER");
        let leaf = View::of(chain.leaf().clone()).ok_or_else(malformed)?;
        let sent = sent(chain, &leaf, &self.authorities, now);
        let path = Path::new(&leaf, &sent, self)?;
        let held = path.held(profile, now);
        let issuer_key = match &held {
            Ok(held) => held.issuer_key.clone(),
            Err(_) => path.issuer_key(profile, now)?,
        };
        Ok((held, issuer_key))
    }

    /// The row of the CA that holds `key`: by key, since another CA can bear the same name, and a
    /// root may have other CAs under it.
    pub(super) fn issuer_by_key(&self, key: &[u8]) -> Result<&Issuer, Refusal> {
        self.issuers
            .iter()
            .find(|issuer| issuer.profile.key == key)
            .ok_or_else(|| refusal(CertificateRejection::IssuerNotAllowed, ""))
    }

    /// Only HSA-ids log in. A certificate of another kind that bears an HSA-id is told as such: its
    /// issuer has made a fault.
    fn must_be_hsa_id(&self, kind: Kind, profile: &Profile) -> Result<(), Refusal> {
        let cause = match kind {
            Kind::HsaId => return Ok(()),
            Kind::PersonId | Kind::Mobile if self.identify(profile).is_ok() => {
                CertificateRejection::IdentifierForeign
            }
            Kind::PersonId => CertificateRejection::PersonId,
            Kind::Mobile => CertificateRejection::Mobile,
            Kind::Function => CertificateRejection::Function,
        };
        Err((cause, String::new()))
    }

    fn identify(&self, profile: &Profile) -> Result<HsaId, Refusal> {
        let text = match profile.identifiers.as_slice() {
            [] => return Err(refusal(CertificateRejection::IdentifierMissing, "")),
            [one] => one.as_deref().unwrap_or(""),
            // Not the first of them: whoever reads another would see another person.
            _ => return Err(refusal(CertificateRejection::IdentifierRepeated, "")),
        };
        // Before the grammar: that a personal number is no HSA-id has an answer of its own.
        if PersonalNumber::recognise(text).is_some() || is_number_of_a_person(text) {
            return Err(refusal(CertificateRejection::IdentifierPersonal, ""));
        }
        self.grammar
            .parse(text)
            .map_err(|fault| (CertificateRejection::IdentifierMalformed, fault.to_string()))
    }
}

pub(super) fn read(chain: &PresentedChain, steps: &mut Steps) -> Result<Profile, Refusal> {
    let size = if chain.is_excessive() {
        Err(refusal(CertificateRejection::ChainExcessive, ""))
    } else {
        Ok(())
    };
    steps.check(Check::ChainSize, size)?;
    let profile =
        Profile::read(chain.leaf()).map_err(|fault| (CertificateRejection::Unreadable, fault));
    let profile = steps.hold(Check::Reading, profile)?;
    steps.pass(Check::Reading, "");
    Ok(profile)
}

fn describe(profile: &Profile, found: &Findings) -> Description {
    Description {
        facts: profile.facts.clone(),
        kind: found.kind,
        loa: found.loa,
        policies: profile.asserted().to_vec(),
        key_usage: profile.key_usage.clone(),
        purposes: profile.purposes.clone(),
        key: profile.key_name.clone(),
        signature_algorithm: profile.signature_algorithm.clone(),
        submitted: profile.submitted(),
    }
}

impl Issuer {
    /// What a certificate of this CA is for. Where several of its policies are configured, the
    /// least that they say: not for login rather than for login, the lower level.
    fn classify(
        &self,
        profile: &Profile,
        unknown: UnknownPolicy,
        held: Option<&Held>,
    ) -> Result<(Kind, Option<Loa>), Refusal> {
        let rows = || self.policies.iter().filter(|row| profile.asserted().contains(&row.oid));
        let known = rows()
            .map(|policy| (policy.kind, policy.loa.or(self.loa)))
            .min_by_key(|(kind, loa)| (*kind == Kind::HsaId, *loa));
        match (known, unknown) {
            (Some((Kind::HsaId, loa)), _) => {
                // A policy that a CA of the path does not allow counts for nothing, and must not
                // lead to the row of the CA, which may say more (RFC 5280 §6.1.3 d).
                let lost = |held: &Held| rows().find(|row| !held.policies.contains(&row.oid));
                match held.and_then(lost) {
                    None => Ok((Kind::HsaId, loa)),
                    Some(row) => Err((
                        CertificateRejection::PolicyNotAllowed,
                        format!("{}: not allowed by its CAs (RFC 5280 §6.1.3)", row.oid),
                    )),
                }
            }
            (Some(known), _) => Ok(known),
            (None, UnknownPolicy::FollowIssuer) => Ok((self.kind, self.loa)),
            (None, UnknownPolicy::Refuse) => {
                Err((CertificateRejection::PolicyUnknown, profile.asserted().join(" ")))
            }
        }
    }

    fn names(&self, oid: &str) -> bool {
        self.policies.iter().any(|row| row.oid == oid)
    }

    /// The policies of a certificate that no row names. They refuse nothing where a row names
    /// another: policies of the CA/Browser Forum, say, stand beside those of SITHS.
    fn unknown(&self, profile: &Profile) -> Vec<String> {
        profile.asserted().iter().filter(|oid| !self.names(oid)).cloned().collect()
    }

    /// What a certificate is judged by, in words for the log.
    fn known(&self, profile: &Profile) -> String {
        let known = profile.asserted().iter().filter(|oid| self.names(oid)).cloned();
        let known: Vec<_> = known.collect();
        if known.is_empty() { "follows its CA".to_owned() } else { known.join(" ") }
    }
}

pub(super) fn must_be_for_handshakes(profile: &Profile) -> Result<(), Refusal> {
    match (profile.signing.handshakes, profile.signing.documents) {
        (false, true) => Err(refusal(CertificateRejection::ForSigning, "")),
        (false, false) => Err(refusal(CertificateRejection::KeyUsageUnfit, "")),
        (true, _) => Ok(()),
    }
}

pub(super) fn must_be_for_clients(profile: &Profile) -> Result<(), Refusal> {
    if profile.for_clients {
        return Ok(());
    }
    Err(refusal(CertificateRejection::PurposeUnfit, ""))
}

pub(super) fn must_be_well_formed(profile: &Profile) -> Result<(), Refusal> {
    match profile.serial_fault.or(profile.fault) {
        Some(fault) => Err(refusal(CertificateRejection::Malformed, fault)),
        None => Ok(()),
    }
}

/// Ten or twelve digits are meant for a personal number, whatever their check digit.
fn is_number_of_a_person(text: &str) -> bool {
    [10, 12].contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

pub(super) fn must_be_strong(profile: &Profile) -> Result<(), Refusal> {
    if profile.key_is_strong {
        return Ok(());
    }
    Err(refusal(CertificateRejection::KeyWeak, ""))
}
