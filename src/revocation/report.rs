//! What an operator is told: how old each source is, and what came of asking.
//!
//! Numbers, dates and addresses of the configuration. Must never hold a serial number, nor anything
//! of a person.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Revocation, Watched};
use crate::pki::revocation::{Finding, Order, Source, Verdict};

/// What came of asking, since the start.
#[derive(Debug, Default)]
pub(super) struct Counters {
    not_revoked: AtomicU64,
    within_grace: AtomicU64,
    revoked: AtomicU64,
    undetermined: AtomicU64,
    not_checked: AtomicU64,
    ocsp_answers: AtomicU64,
    ocsp_failures: AtomicU64,
    list_fetches: AtomicU64,
    list_failures: AtomicU64,
}

/// The counts at one moment, of certificates asked about, a login's two or three each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Not revoked, by a current word of a source.
    pub not_revoked: u64,
    /// Accepted within the grace alone.
    pub within_grace: u64,
    /// Revoked.
    pub revoked: u64,
    /// Nobody could say, and they were refused.
    pub undetermined: u64,
    /// Nobody was to be asked.
    pub not_checked: u64,
    /// Answers that OCSP responders gave.
    pub ocsp_answers: u64,
    /// Times that no responder gave one.
    pub ocsp_failures: u64,
    /// Lists fetched, new or unchanged.
    pub list_fetches: u64,
    /// Times that a mirror gave none that was taken.
    pub list_failures: u64,
}

impl Counters {
    pub(super) fn count(&self, finding: &Finding) {
        let counter = match finding.verdict {
            Verdict::NotRevoked if finding.within_grace => &self.within_grace,
            Verdict::NotRevoked => &self.not_revoked,
            Verdict::Revoked => &self.revoked,
            Verdict::Undetermined => &self.undetermined,
            Verdict::NotChecked => &self.not_checked,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn answered(&self, well: bool) {
        let counter = if well { &self.ocsp_answers } else { &self.ocsp_failures };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn fetched(&self, well: bool) {
        let counter = if well { &self.list_fetches } else { &self.list_failures };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn snapshot(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            not_revoked: read(&self.not_revoked),
            within_grace: read(&self.within_grace),
            revoked: read(&self.revoked),
            undetermined: read(&self.undetermined),
            not_checked: read(&self.not_checked),
            ocsp_answers: read(&self.ocsp_answers),
            ocsp_failures: read(&self.ocsp_failures),
            list_fetches: read(&self.list_fetches),
            list_failures: read(&self.list_failures),
        }
    }
}

/// When the responders of an authority last spoke to this node, and when not.
#[derive(Clone, Debug, Default)]
pub(super) struct Spoken {
    answered_at: Option<DateTime<Utc>>,
    failed_at: Option<DateTime<Utc>>,
    fault: Option<String>,
}

impl Spoken {
    pub(super) fn after(&self, now: DateTime<Utc>, fault: Option<&str>) -> Self {
        match fault {
            None => Self { answered_at: Some(now), ..self.clone() },
            Some(fault) => Self {
                failed_at: Some(now),
                fault: Some(fault.to_owned()),
                answered_at: self.answered_at,
            },
        }
    }

    /// Whether the last that was heard of them is that they did not answer.
    fn is_silent(&self) -> bool {
        self.failed_at.is_some() && self.failed_at >= self.answered_at
    }
}

/// The state of every source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether each source that is configured can be had and is current.
    pub current: bool,
    /// Authorities that nobody is asked about: their revoked certificates are accepted.
    pub unasked: Vec<String>,
    /// The authorities, by name.
    pub authorities: Vec<AuthorityReport>,
    /// What came of asking.
    pub counts: Counts,
}

/// The state of an authority's sources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuthorityReport {
    /// Its common name.
    pub authority: String,
    /// Who is asked.
    pub order: Order,
    /// Whether each of its sources can be had and is current.
    pub current: bool,
    /// Its list, where lists are asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crl: Option<ListReport>,
    /// Its responders, where OCSP is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ocsp: Option<ResponderReport>,
}

/// The state of a list on this node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListReport {
    /// Whether there is one whose nextUpdate has not passed.
    pub current: bool,
    /// Seconds since its thisUpdate.
    pub age: Option<i64>,
    /// `thisUpdate`.
    pub this_update: Option<DateTime<Utc>>,
    /// `nextUpdate`.
    pub next_update: Option<DateTime<Utc>>,
    /// Certificates that it lists.
    pub entries: Option<usize>,
    /// When a source last gave it to one of the nodes, or said that it is unchanged.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// How often in a row fetching has failed.
    pub failures: i32,
    /// Why, the last time.
    pub last_error: Option<String>,
}

/// The state of an authority's responders, as this node met them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResponderReport {
    /// Whether they answered the last time, or were never asked.
    pub current: bool,
    /// Seconds since the last answer.
    pub age: Option<i64>,
    /// When they last answered.
    pub answered_at: Option<DateTime<Utc>>,
    /// When they last did not.
    pub failed_at: Option<DateTime<Utc>>,
    /// Why not.
    pub last_error: Option<String>,
}

impl Revocation {
    /// The state of every source at a moment.
    #[must_use]
    pub fn report(&self, now: DateTime<Utc>) -> Report {
        let mut authorities: Vec<AuthorityReport> =
            self.0.authorities.values().map(|watched| authority(watched, now)).collect();
        authorities.sort_by(|one, other| one.authority.cmp(&other.authority));
        Report {
            current: authorities.iter().all(|authority| authority.current),
            unasked: authorities
                .iter()
                .filter(|authority| authority.order == Order::Off)
                .map(|authority| authority.authority.clone())
                .collect(),
            authorities,
            counts: self.counts(),
        }
    }

    /// What came of asking, since the start.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.0.counters.snapshot()
    }
}

fn authority(watched: &Watched, now: DateTime<Utc>) -> AuthorityReport {
    let order = watched.watch.policy.order;
    let crl = order.asks(Source::Crl).then(|| list(watched, now));
    let ocsp = order.asks(Source::Ocsp).then(|| responders(watched, now));
    AuthorityReport {
        authority: watched.name().to_owned(),
        order,
        current: crl.as_ref().is_none_or(|crl| crl.current)
            && ocsp.as_ref().is_none_or(|ocsp| ocsp.current),
        crl,
        ocsp,
    }
}

fn list(watched: &Watched, now: DateTime<Utc>) -> ListReport {
    let (list, head) = (watched.list.load(), watched.head.load());
    let index = list.as_ref().map(|list| &list.index);
    ListReport {
        current: index.is_some_and(|index| index.is_current(now)),
        age: index.map(|index| (now - index.this_update()).num_seconds()),
        this_update: index.map(|index| index.this_update()),
        next_update: index.map(|index| index.next_update()),
        entries: index.map(|index| index.len()),
        confirmed_at: head.as_ref().and_then(|head| head.confirmed_at),
        failures: head.as_ref().map_or(0, |head| head.failures),
        last_error: head.as_ref().and_then(|head| head.last_error.clone()),
    }
}

fn responders(watched: &Watched, now: DateTime<Utc>) -> ResponderReport {
    let spoken = watched.spoken.load();
    ResponderReport {
        current: !spoken.is_silent(),
        age: spoken.answered_at.map(|at| (now - at).num_seconds()),
        answered_at: spoken.answered_at,
        failed_at: spoken.failed_at,
        last_error: spoken.fault.clone().filter(|_| spoken.is_silent()),
    }
}
