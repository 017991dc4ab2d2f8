//! Revocation, alive: what issuers say is fetched, kept and asked.
//!
//! ```text
//! lists     the CRL of each authority: fetched by one node, kept in PostgreSQL, indexed by every node
//! answers   OCSP: asked within a login, remembered, never twice at once
//! report    the age of each source, and what came of asking: for readiness and the log
//! ```
//! What an answer is worth is judged by [`crate::pki::revocation`]. Must never ask an address that
//! the configuration does not name, never ask about a certificate whose path was not verified, and
//! never keep a login waiting for longer than the configuration says.

mod answers;
mod lists;
mod report;
mod schedule;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use url::Url;

use self::answers::Answers;
pub use self::report::{AuthorityReport, Counts, ListReport, Report, ResponderReport};
use self::report::{Counters, Spoken};
use crate::clock::Clock;
use crate::config::RevocationSettings;
use crate::fetch::Fetcher;
use crate::pki::revocation::crl::CrlLimits;
use crate::pki::revocation::{
    Authority, CaId, CrlIndex, Evidence, Finding, Heard, Link, Policy, Serial, Source, Verdict,
};
use crate::random::Random;
use crate::store::PgPool;
use crate::store::revocation::Head;

/// What [`Revocation`] is made of.
pub struct RevocationParts {
    /// The authorities, each once.
    pub authorities: Vec<Watch>,
    /// Whether certificates of an authority that is not among them pass unasked.
    pub others_unasked: bool,
    /// Fetches.
    pub fetcher: Fetcher,
    /// Keeps.
    pub pool: PgPool,
    /// Where `now` comes from.
    pub clock: Clock,
    /// Where nonces come from.
    pub random: Random,
}

/// An authority, and where and how its word is had.
pub struct Watch {
    /// The authority.
    pub authority: Authority,
    /// What an answer is worth.
    pub policy: Policy,
    /// Where its CRL is, mirrors in order.
    pub crl: Vec<Url>,
    /// Its OCSP responders, in order.
    pub ocsp: Vec<Url>,
    /// The rest.
    pub settings: RevocationSettings,
}

/// What is known of revocation, on every thread of a node.
#[derive(Clone)]
pub struct Revocation(Arc<Inner>);

struct Inner {
    authorities: HashMap<CaId, Arc<Watched>>,
    others_unasked: bool,
    fetcher: Fetcher,
    pool: PgPool,
    clock: Clock,
    random: Random,
    answers: Answers,
    counters: Counters,
    told: Notify,
    /// Lists are large: they are indexed one at a time.
    indexing: Semaphore,
}

/// An authority with what is in use of it.
struct Watched {
    watch: Watch,
    list: ArcSwapOption<ListInUse>,
    head: ArcSwapOption<Head>,
    /// The SHA-256 of a list in the database that is of no use here: it is not tried again.
    left: ArcSwapOption<Vec<u8>>,
    spoken: ArcSwap<Spoken>,
}

/// A list as logins ask it.
struct ListInUse {
    index: CrlIndex,
    sha256: Vec<u8>,
}

impl Watched {
    fn id(&self) -> CaId {
        self.watch.authority.id()
    }

    fn name(&self) -> &str {
        self.watch.authority.common_name()
    }

    fn limits(&self) -> CrlLimits {
        let settings = &self.watch.settings;
        CrlLimits { bytes: settings.max_crl_bytes, entries: settings.max_crl_entries }
    }

    /// What the list in use says of a certificate.
    fn listed(&self, link: &Link) -> Heard {
        match &*self.list.load() {
            Some(list) => Heard::from_crl(&list.index, link),
            None => Heard::Nothing("there is no list yet".to_owned()),
        }
    }
}

impl Revocation {
    /// Of these parts; nothing is fetched yet.
    #[must_use]
    pub fn new(parts: RevocationParts) -> Self {
        let watched = parts.authorities.into_iter().map(|watch| {
            let watched = Watched {
                watch,
                list: ArcSwapOption::empty(),
                head: ArcSwapOption::empty(),
                left: ArcSwapOption::empty(),
                spoken: ArcSwap::default(),
            };
            (watched.id(), Arc::new(watched))
        });
        Self(Arc::new(Inner {
            authorities: watched.collect(),
            others_unasked: parts.others_unasked,
            fetcher: parts.fetcher,
            pool: parts.pool,
            clock: parts.clock,
            random: parts.random,
            answers: Answers::new(),
            counters: Counters::default(),
            told: Notify::new(),
            indexing: Semaphore::new(1),
        }))
    }

    /// Asks about each certificate of a verified path, as its issuer's policy says: one finding for
    /// each link, in their order. Waits for OCSP at most, and not longer than the configuration says.
    pub async fn ask(&self, links: &[Link], now: DateTime<Utc>) -> Vec<Finding> {
        let mut findings = Vec::with_capacity(links.len());
        for link in links {
            findings.push(self.remembered(link, now).await);
        }
        // What must be fetched is fetched at once, so that a path costs one wait.
        let mut asking = JoinSet::new();
        for (at, link) in links.iter().enumerate() {
            if findings[at].is_none() {
                let (this, link) = (self.clone(), link.clone());
                asking.spawn(async move { (at, this.asked(&link, now).await) });
            }
        }
        while let Some(asked) = asking.join_next().await {
            if let Ok((at, finding)) = asked {
                findings[at] = Some(finding);
            }
        }
        let findings = findings.into_iter().map(|finding| finding.unwrap_or_else(failed));
        findings.inspect(|finding| self.0.counters.count(finding)).collect()
    }

    /// What can be said without asking anybody; `None` where somebody must be asked.
    async fn remembered(&self, link: &Link, now: DateTime<Utc>) -> Option<Finding> {
        let Some(watched) = self.0.authorities.get(&link.issuer) else {
            return Some(self.of_another());
        };
        let mut evidence = first_evidence(watched, link);
        while let Some(source) = watched.watch.policy.next(&evidence, now) {
            match source {
                Source::Crl => evidence.crl = watched.listed(link),
                Source::Ocsp => evidence.ocsp = self.0.answers.remembered(link, now).await?,
            }
        }
        Some(watched.watch.policy.decide(&evidence, now))
    }

    async fn asked(&self, link: &Link, now: DateTime<Utc>) -> Finding {
        let Some(watched) = self.0.authorities.get(&link.issuer) else {
            return self.of_another();
        };
        let mut evidence = first_evidence(watched, link);
        while let Some(source) = watched.watch.policy.next(&evidence, now) {
            match source {
                Source::Crl => evidence.crl = watched.listed(link),
                Source::Ocsp => evidence.ocsp = self.answer(watched, link, now).await,
            }
        }
        watched.watch.policy.decide(&evidence, now)
    }

    /// Whether a certificate, or a CA above it, is known to be revoked: by issuer's key and serial
    /// number, from memory alone. For a session, which rests on a certificate that was asked about
    /// when it began.
    pub async fn knows_revoked(&self, links: &[(Vec<u8>, Vec<u8>)]) -> bool {
        for (issuer, serial) in links {
            let Some(watched) = self.by_key(issuer) else { continue };
            let (serial, order) = (Serial::new(serial), watched.watch.policy.order);
            let list = watched.list.load_full();
            let listed = list.is_some_and(|list| list.index.find(&serial).is_some());
            if (order.asks(Source::Crl) && listed)
                || (order.asks(Source::Ocsp)
                    && self.0.answers.knows_revoked(watched.id(), &serial).await)
            {
                return true;
            }
        }
        false
    }

    fn by_key(&self, key: &[u8]) -> Option<&Arc<Watched>> {
        self.0.authorities.values().find(|watched| watched.id().as_bytes()[..] == *key)
    }

    /// Says that the database may hold something new.
    pub fn tell(&self) {
        self.0.told.notify_one();
    }

    /// How long OCSP answers are worth keeping after they have run out.
    #[must_use]
    pub fn memory(&self) -> TimeDelta {
        let graces = self.0.authorities.values().map(|watched| watched.watch.settings.grace);
        graces.max().unwrap_or_default() + TimeDelta::days(1)
    }

    /// The certificate of an authority that the configuration does not name.
    fn of_another(&self) -> Finding {
        let (verdict, detail) = if self.0.others_unasked {
            (Verdict::NotChecked, "off")
        } else {
            (Verdict::Undetermined, "its issuer has no row in [revocation]")
        };
        Finding { verdict, detail: detail.to_owned(), ..failed() }
    }
}

/// A list that names a certificate as revoked is heard before anybody is asked: it costs nothing,
/// and may be newer than an answer that is remembered.
fn first_evidence(watched: &Watched, link: &Link) -> Evidence {
    let mut evidence = Evidence::default();
    if watched.watch.policy.order.asks(Source::Crl)
        && let Some(list) = &*watched.list.load()
        && list.index.find(&link.serial).is_some()
    {
        evidence.crl = Heard::from_crl(&list.index, link);
    }
    evidence
}

/// A finding of nothing at all.
fn failed() -> Finding {
    Finding {
        verdict: Verdict::Undetermined,
        revocation: None,
        source: None,
        this_update: None,
        next_update: None,
        within_grace: false,
        detail: "could not be asked".to_owned(),
    }
}

fn long(delta: TimeDelta) -> Duration {
    delta.to_std().unwrap_or(Duration::ZERO)
}

impl std::fmt::Debug for Revocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.0.authorities.values().map(|watched| watched.name());
        f.debug_tuple("Revocation").field(&names.collect::<Vec<_>>()).finish()
    }
}
