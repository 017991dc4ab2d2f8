//! On a card host, without a login: what card is this, would it do, and what helps?
//!
//! Nothing is written but what a responder said of the card, and nobody is let in: no ticket, no
//! cookie, no session. Must never tell whether somebody is a user but to the holder of a card of that
//! HSA-id: one that is genuine, current and not revoked, and whose key was proved in the handshake.

use std::net::IpAddr;
use std::sync::atomic::Ordering;

use chrono::{DateTime, Utc};

use crate::error::Code;
use crate::identity::admission::RoleDemand;
use crate::identity::hsa_id::HsaId;
use crate::identity::personal_number::PersonalNumber;
use crate::oidc::reply_to::issuer_identifier;
use crate::pki::revocation::{Finding, Source, Verdict as Said};
use crate::pki::{
    Assessment, Authentic, Check, Description, PresentedChain, Rejected, VerifiedCertificate,
};
pub use crate::pki::{Kind, Step, StepResult};
use crate::state::App;
use crate::store::logins;

/// Path on card hosts where a card is tried; on the issuer host it leads there.
pub const CHECK_PATH: &str = "/check";

/// Who came in, and by which name.
pub struct Visit<'a> {
    /// The name of the card host.
    pub host: &'a str,
    /// What was presented.
    pub chain: Option<&'a PresentedChain>,
    /// The address of the browser.
    pub address: IpAddr,
}

/// What a card came to. It has no `Debug`: it may hold an HSA-id.
pub struct Checked {
    /// To be read to a service desk, and found in the log.
    pub reference: String,
    /// Whether it would do.
    pub verdict: Verdict,
    /// What it is, where it could be read.
    pub presented: Option<Presented>,
    /// What was said of its revocation, and of the CAs above it; empty where nobody was asked.
    pub revocation: Vec<Spoken>,
    /// What was looked at, in order, without personal data and without the texts of libraries.
    pub steps: Vec<Step>,
    /// Where another certificate can be chosen: a name that the browser has no choice for.
    pub next: String,
}

/// Whether a card would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The browser sent none.
    NoCertificate,
    /// It would not.
    Rejected {
        /// As people and relying parties are told.
        code: Code,
        /// The check that failed.
        cause: &'static str,
    },
    /// It would, and its holder is this.
    Good(Holder),
    /// Too many were tried from this address.
    Busy,
}

/// Whether the holder of a good card is a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Registered, switched on, and within the dates.
    User,
    /// Not.
    NotAUser,
    /// The database did not say.
    Unknown,
}

/// What was said of the revocation of one certificate of the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoken {
    /// What follows.
    pub status: Status,
    /// Who said it: `crl`, `ocsp`.
    pub source: Option<&'static str>,
    /// When that was known to be right.
    pub as_of: Option<DateTime<Utc>>,
}

/// What follows from what was said of revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// The configuration asks nobody.
    NotAsked,
    /// Not revoked.
    Good,
    /// The same, but nobody answers, and an older word is taken for the grace that is configured.
    WithinGrace,
    /// Nobody can say, and that is not accepted.
    Undetermined,
    /// Revoked, since then where that is said.
    Revoked(Option<DateTime<Utc>>),
}

/// A certificate, for the eyes of its holder. It has no `Debug`.
pub struct Presented {
    /// What it is for by the configured rows; `None` where it was not judged that far.
    pub kind: Option<Kind>,
    /// Who issued it.
    pub issuer: String,
    /// The beginning of its validity.
    pub not_before: DateTime<Utc>,
    /// Its end.
    pub not_after: DateTime<Utc>,
    /// What its key is for.
    pub usage: Usage,
    /// The same, by the names of RFC 5280.
    pub key_usage: Vec<&'static str>,
    /// Extended key usage.
    pub purposes: Vec<String>,
    /// The policies, dotted.
    pub policies: Vec<String>,
    /// The level of assurance (`loa3`), where it has one.
    pub loa: Option<&'static str>,
    /// Whom it names.
    pub identifier: Identifier,
    /// Its key: `RSA 2048`.
    pub key: String,
    /// What its issuer signed it with.
    pub signature_algorithm: String,
    /// Its serial number.
    pub serial: String,
}

/// What a key is for, in the words of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// Identification.
    Identification,
    /// Signing of documents, and no more.
    Signing,
    /// Neither.
    Other,
}

/// What stands where an HSA-id belongs.
#[derive(Clone, PartialEq, Eq)]
pub enum Identifier {
    /// An HSA-id.
    HsaId(String),
    /// A personnummer or samordningsnummer, which is not repeated.
    PersonalNumber,
    /// Something else, which may be a mistyped one of them, and is not repeated.
    Other,
    /// Nothing.
    Missing,
}

/// Tries a card.
pub async fn check(app: &App, visit: Visit<'_>) -> Checked {
    let now = app.clock.now();
    let reference = app.random.reference();
    app.check_counts.pages.fetch_add(1, Ordering::Relaxed);
    let may_ask = app.checks.admits(visit.address);
    let next = trial_address(app, Some(visit.host));
    let Some(chain) = visit.chain else {
        told(&reference, may_ask, "no-certificate");
        return Checked {
            reference,
            verdict: Verdict::NoCertificate,
            presented: None,
            revocation: Vec::new(),
            steps: Vec::new(),
            next,
        };
    };
    let Assessment { mut steps, certificate, outcome, .. } = app.trust.assess(chain, now);
    let mut presented = certificate.as_ref().map(Presented::of);
    let mut revocation = Vec::new();
    let verdict = match outcome {
        Err(rejected) => refused(&rejected),
        // Neither a responder nor the database is asked without bounds.
        Ok(_) if !may_ask => Verdict::Busy,
        Ok(authentic) => {
            let (settled, findings) = settle(app, authentic, now).await;
            revocation = findings.iter().map(Spoken::of).collect();
            note(&mut steps, settled.is_ok());
            match settled {
                Err(rejected) => refused(&rejected),
                Ok(verified) => {
                    let hsa_id = verified.hsa_id().as_str().to_owned();
                    if let Some(presented) = &mut presented {
                        presented.identifier = Identifier::HsaId(hsa_id);
                    }
                    Verdict::Good(holder(app, &verified, &reference, now).await)
                }
            }
        }
    };
    told(&reference, may_ask, verdict.name());
    if let Verdict::Rejected { cause, .. } = verdict {
        // A detail may be a library's text: it is for the log.
        for step in steps.iter_mut().filter(|step| step.result == StepResult::Failed) {
            cause.clone_into(&mut step.detail);
        }
    }
    Checked { reference, verdict, presented, revocation, steps, next }
}

/// Where a card is tried next, the last time having been at a host of this name.
#[must_use]
pub fn trial_address(app: &App, last: Option<&str>) -> String {
    let port = app.issuer.port().map_or_else(String::new, |port| format!(":{port}"));
    format!("https://{}{port}{CHECK_PATH}", app.card_hosts.trial(last, &app.random))
}

/// Whether cards are tried on a host of this name, and not on names below it.
#[must_use]
pub fn is_for_trials(app: &App, host: &str) -> bool {
    !app.card_hosts.is_parent(host)
}

/// The issuer host, where every page but this one is.
#[must_use]
pub fn issuer(app: &App) -> &str {
    issuer_identifier(&app.issuer)
}

/// Asks whether it is revoked, as a login does.
async fn settle(
    app: &App,
    authentic: Authentic,
    now: DateTime<Utc>,
) -> (Result<VerifiedCertificate, Box<Rejected>>, Vec<Finding>) {
    let findings = app.revocation.ask(authentic.links(), now).await;
    let verdicts: Vec<Said> = findings.iter().map(|finding| finding.verdict).collect();
    (authentic.settle(&verdicts).map_err(Box::new), findings)
}

fn note(steps: &mut [Step], is_good: bool) {
    if let Some(step) = steps.iter_mut().find(|step| step.check == Check::Revocation) {
        step.result = if is_good { StepResult::Passed } else { StepResult::Failed };
    }
}

async fn holder(
    app: &App,
    verified: &VerifiedCertificate,
    reference: &str,
    now: DateTime<Utc>,
) -> Holder {
    app.check_counts.look_ups.fetch_add(1, Ordering::Relaxed);
    let canonical = verified.hsa_id().canonical();
    match logins::user_by_hsa_id(&app.pool, &canonical, None, now).await {
        Ok(user) => match user.map(|user| user.admit(now, RoleDemand::NotNeeded)) {
            Some(Ok(_)) => Holder::User,
            Some(Err(_)) | None => Holder::NotAUser,
        },
        Err(error) => {
            tracing::error!(%reference, %error, "whether a card's holder is a user is not known");
            Holder::Unknown
        }
    }
}

// A line for each, as far as they are bounded: strangers do not fill the disk.
fn told(reference: &str, is_bounded: bool, verdict: &str) {
    if is_bounded {
        tracing::info!(%reference, verdict, "card tried");
    } else {
        tracing::debug!(%reference, verdict, "card tried");
    }
}

const fn refused(rejected: &Rejected) -> Verdict {
    Verdict::Rejected { code: rejected.code(), cause: rejected.cause.name() }
}

impl Verdict {
    const fn name(self) -> &'static str {
        match self {
            Self::NoCertificate => "no-certificate",
            Self::Rejected { cause, .. } => cause,
            Self::Good(Holder::User) => "user",
            Self::Good(Holder::NotAUser) => "not-a-user",
            Self::Good(Holder::Unknown) => "user-not-known",
            Self::Busy => "busy",
        }
    }
}

impl Spoken {
    fn of(finding: &Finding) -> Self {
        let status = match finding.verdict {
            Said::NotChecked => Status::NotAsked,
            Said::NotRevoked if finding.within_grace => Status::WithinGrace,
            Said::NotRevoked => Status::Good,
            Said::Undetermined => Status::Undetermined,
            Said::Revoked => Status::Revoked(finding.revocation.as_ref().map(|found| found.at)),
        };
        Self { status, source: finding.source.map(Source::name), as_of: finding.this_update }
    }
}

impl Presented {
    fn of(certificate: &Description) -> Self {
        let facts = &certificate.facts;
        Self {
            kind: certificate.kind,
            issuer: facts.issuer_cn.clone(),
            not_before: facts.not_before,
            not_after: facts.not_after,
            usage: Usage::of(&certificate.key_usage),
            key_usage: certificate.key_usage.clone(),
            purposes: certificate.purposes.clone(),
            policies: certificate.policies.clone(),
            loa: certificate.loa.map(|loa| loa.name()),
            identifier: Identifier::of(certificate.submitted.as_deref()),
            key: certificate.key.clone(),
            signature_algorithm: certificate.signature_algorithm.clone(),
            serial: facts.serial.clone(),
        }
    }
}

impl Usage {
    fn of(key_usage: &[&str]) -> Self {
        if key_usage.contains(&"digitalSignature") {
            Self::Identification
        } else if key_usage.contains(&"nonRepudiation") {
            Self::Signing
        } else {
            Self::Other
        }
    }
}

impl Identifier {
    fn of(submitted: Option<&str>) -> Self {
        match submitted {
            None => Self::Missing,
            Some(text) if text.parse::<HsaId>().is_ok() => Self::HsaId(text.to_owned()),
            Some(text) if PersonalNumber::recognise(text).is_some() => Self::PersonalNumber,
            Some(_) => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_an_hsa_id_is_repeated() {
        let hsa_id = |text: &str| matches!(Identifier::of(Some(text)), Identifier::HsaId(_));
        assert!(hsa_id("SE2321000016-1003"));
        for text in ["191212121212", "19121212-1212", "1212121212", "", "SE2321000016", "Anna"] {
            assert!(!hsa_id(text), "{text}");
        }
        assert!(Identifier::of(Some("191212121212")) == Identifier::PersonalNumber);
        assert!(Identifier::of(None) == Identifier::Missing);
    }
}
