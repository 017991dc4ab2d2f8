//! What follows from what was heard: pure, for every order of asking.
//!
//! Must never call a certificate good because nobody spoke, nor take an expired list in silence.

use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};

use super::{CrlIndex, Link, Revocation, Verdict, ocsp};
use crate::named::named;

named! {
    /// Whom to ask, in which order. The second is heard where the first settles nothing.
    pub enum Order {
        /// OCSP, then the CRL.
        OcspThenCrl = "ocsp-then-crl",
        /// The CRL, then OCSP.
        CrlThenOcsp = "crl-then-ocsp",
        /// OCSP alone.
        Ocsp = "ocsp",
        /// The CRL alone.
        Crl = "crl",
        /// Nobody: revoked certificates are accepted.
        Off = "off",
    }
}

named! {
    /// Who says it.
    pub enum Source {
        /// A certificate revocation list.
        Crl = "crl",
        /// An OCSP responder.
        Ocsp = "ocsp",
    }
}

impl Order {
    /// The sources, the first to be asked first.
    #[must_use]
    pub const fn sources(self) -> &'static [Source] {
        match self {
            Self::OcspThenCrl => &[Source::Ocsp, Source::Crl],
            Self::CrlThenOcsp => &[Source::Crl, Source::Ocsp],
            Self::Ocsp => &[Source::Ocsp],
            Self::Crl => &[Source::Crl],
            Self::Off => &[],
        }
    }

    /// Whether a source is asked at all.
    #[must_use]
    pub fn asks(self, source: Source) -> bool {
        self.sources().contains(&source)
    }
}

/// What an operator wants of an authority's certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whom to ask.
    pub order: Order,
    /// How long a certificate that was good is still accepted where nobody answers; without it,
    /// not at all. Counted for OCSP from the thisUpdate of the last good answer about this very
    /// certificate, for the CRL from the nextUpdate of the last one that was verified. An answer
    /// or a list that is still current needs no grace.
    pub grace: Option<TimeDelta>,
}

/// What one source said of one certificate, verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// What it said.
    pub status: Status,
    /// When that was known to be right.
    pub this_update: DateTime<Utc>,
    /// When its next word is due, where it says.
    pub next_update: Option<DateTime<Utc>>,
    /// Until when it holds, this moment included.
    pub until: DateTime<Utc>,
}

/// What a source says of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is not revoked.
    Good,
    /// It is revoked.
    Revoked(Revocation),
    /// The responder does not know it (RFC 6960 §2.2): not good.
    Unknown,
}

/// What was heard of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Heard {
    /// It was not asked.
    #[default]
    NotAsked,
    /// It said nothing that could be used: why, without personal data.
    Nothing(String),
    /// Its last verified statement, current or not.
    Said(Statement),
}

impl Heard {
    /// What a CRL says of a certificate.
    #[must_use]
    pub fn from_crl(crl: &CrlIndex, link: &Link) -> Self {
        let status = match crl.find(&link.serial) {
            Some(revocation) if link.issuer == crl.authority() => Status::Revoked(revocation),
            _ if crl.covers(link) => Status::Good,
            _ => return Self::Nothing("the CRL is not about this certificate".to_owned()),
        };
        Self::Said(Statement {
            status,
            this_update: crl.this_update(),
            next_update: Some(crl.next_update()),
            until: crl.next_update(),
        })
    }

    fn said(&self) -> Option<&Statement> {
        match self {
            Self::Said(statement) => Some(statement),
            Self::NotAsked | Self::Nothing(_) => None,
        }
    }
}

impl From<ocsp::Answer> for Heard {
    fn from(answer: ocsp::Answer) -> Self {
        Self::Said(Statement {
            status: answer.status,
            this_update: answer.this_update,
            next_update: answer.next_update,
            until: answer.until,
        })
    }
}

/// What was heard of both sources about one certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The CRL.
    pub crl: Heard,
    /// The OCSP responder.
    pub ocsp: Heard,
}

impl Evidence {
    const fn of(&self, source: Source) -> &Heard {
        match source {
            Source::Crl => &self.crl,
            Source::Ocsp => &self.ocsp,
        }
    }
}

/// What is known of the revocation of one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What follows.
    pub verdict: Verdict,
    /// When and why, where it is revoked.
    pub revocation: Option<Revocation>,
    /// Who said it.
    pub source: Option<Source>,
    /// When that was known to be right.
    pub this_update: Option<DateTime<Utc>>,
    /// When the next word of that source is or was due.
    pub next_update: Option<DateTime<Utc>>,
    /// Whether it is accepted only for the grace that is configured.
    pub within_grace: bool,
    /// What each source said, in words for the log and the audit, without personal data.
    pub detail: String,
}

impl Policy {
    /// Whether more than this must be heard before [`decide`](Self::decide): the next source of the
    /// order that was not asked. `None` where what was heard settles it, or nobody is left to ask.
    #[must_use]
    pub fn next(&self, evidence: &Evidence, now: DateTime<Utc>) -> Option<Source> {
        if matches!(self.settled(evidence, now), Some((Verdict::Revoked | Verdict::NotRevoked, _)))
        {
            return None;
        }
        let mut sources = self.order.sources().iter().copied();
        sources.find(|source| *evidence.of(*source) == Heard::NotAsked)
    }

    /// Decides.
    ///
    /// Who says revoked wins over whoever says anything else, however old it is. A responder that
    /// does not know the certificate outweighs a source that says good; that settles it otherwise,
    /// while its word is current. Where nobody says anything, the grace counts.
    #[must_use]
    pub fn decide(&self, evidence: &Evidence, now: DateTime<Utc>) -> Finding {
        let finding = |verdict, source: Option<Source>, within_grace| {
            let said = source.and_then(|source| evidence.of(source).said());
            Finding {
                verdict,
                revocation: said.and_then(|said| match said.status {
                    Status::Revoked(revocation) => Some(revocation),
                    Status::Good | Status::Unknown => None,
                }),
                source,
                this_update: said.map(|said| said.this_update),
                next_update: said.and_then(|said| said.next_update),
                within_grace,
                detail: self.describe(evidence, now),
            }
        };
        if self.order == Order::Off {
            return finding(Verdict::NotChecked, None, false);
        }
        if let Some((verdict, source)) = self.settled(evidence, now) {
            return finding(verdict, source, false);
        }
        match self.graced(evidence, now) {
            Some(source) => finding(Verdict::NotRevoked, Some(source), true),
            None => finding(Verdict::Undetermined, None, false),
        }
    }

    /// The verdict that needs no grace, or that no grace can change.
    fn settled(
        &self,
        evidence: &Evidence,
        now: DateTime<Utc>,
    ) -> Option<(Verdict, Option<Source>)> {
        let heard = || {
            let sources = self.order.sources().iter().copied();
            sources.filter_map(|source| Some((source, evidence.of(source).said()?)))
        };
        let revoked = heard().find(|(_, said)| matches!(said.status, Status::Revoked(_)));
        if let Some((source, _)) = revoked {
            return Some((Verdict::Revoked, Some(source)));
        }
        let current = || heard().filter(|(_, said)| now <= said.until);
        // Who was reached and does not know it has answered: grace is for silence. A list cannot name
        // a certificate that its issuer does not know of (one made with a stolen key of the CA), so
        // that its silence is no word against this.
        if let Some((source, _)) = current().find(|(_, said)| said.status == Status::Unknown) {
            return Some((Verdict::Undetermined, Some(source)));
        }
        let (source, _) = current().find(|(_, said)| said.status == Status::Good)?;
        Some((Verdict::NotRevoked, Some(source)))
    }

    /// Who said good within the grace.
    fn graced(&self, evidence: &Evidence, now: DateTime<Utc>) -> Option<Source> {
        let grace = self.grace?;
        self.order.sources().iter().copied().find(|source| {
            let Some(said) = evidence.of(*source).said() else {
                return false;
            };
            let since = match source {
                Source::Ocsp => said.this_update,
                Source::Crl => said.until,
            };
            let end = since.checked_add_signed(grace);
            said.status == Status::Good && end.is_some_and(|end| now <= end)
        })
    }

    fn describe(&self, evidence: &Evidence, now: DateTime<Utc>) -> String {
        let mut text = String::new();
        for source in self.order.sources() {
            let separator = if text.is_empty() { "" } else { "; " };
            // Writing to a String cannot fail.
            let _ = match evidence.of(*source) {
                Heard::NotAsked => write!(text, "{separator}{source}: not asked"),
                Heard::Nothing(why) => write!(text, "{separator}{source}: {why}"),
                Heard::Said(said) => {
                    let status = match said.status {
                        Status::Good => "good",
                        Status::Revoked(_) => "revoked",
                        Status::Unknown => "unknown",
                    };
                    let age = if now <= said.until { "" } else { ", no longer current" };
                    write!(text, "{separator}{source}: {status}{age}")
                }
            };
        }
        text
    }
}

#[cfg(test)]
mod tests;
