//! OCSP within a login: remembered in memory and in the database, asked for once at a time, and not
//! asked for a while where nobody answers.
//!
//! Must never ask for the same certificate twice at once, nor keep each login waiting for a responder
//! that is away.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use moka::future::Cache;
use tokio::time::timeout;
use url::Url;

use super::{Revocation, Watched, long};
use crate::config::OcspNonce;
use crate::fetch::{Bounds, FetchFault};
use crate::pki::revocation::ocsp::{self, Asked, OcspFault, Rules};
use crate::pki::revocation::policy::{Statement, Status};
use crate::pki::revocation::{CaId, Heard, Link, Revocation as Revoked, Serial};
use crate::store::revocation as kept;

/// How many certificates are remembered in memory.
const MOST_REMEMBERED: u64 = 100_000;
/// How long a responder that did not answer is not asked, and a failure is remembered.
const PAUSE: TimeDelta = TimeDelta::seconds(10);
/// How long an answer is used that promises no `nextUpdate`: newer knowledge is always to be had.
const UNPROMISED: TimeDelta = TimeDelta::minutes(1);
/// How old the thisUpdate of such an answer may be when it comes.
const OLDEST_UNPROMISED: TimeDelta = TimeDelta::hours(1);

/// What was heard, and until when nobody is asked again.
#[derive(Clone, Debug)]
struct Slot {
    heard: Heard,
    until: DateTime<Utc>,
}

/// The answers that are remembered, and the responders that are left alone.
pub(super) struct Answers {
    slots: Cache<(CaId, Serial), Arc<Slot>>,
    /// Those that failed the last time, and until when they are left alone.
    paused: Mutex<HashMap<Url, DateTime<Utc>>>,
}

/// Why no responder gave an answer.
#[derive(Debug, thiserror::Error)]
enum AnswerFault {
    #[error("{0}")]
    Fetch(#[from] FetchFault),
    #[error("{0}")]
    Ocsp(#[from] OcspFault),
    #[error("the answer is older than one that is known")]
    Older,
    #[error("no responder answered within the time of a login")]
    TimedOut,
    #[error("it did not answer a moment ago, and is not asked again yet")]
    Paused,
}

impl Answers {
    pub(super) fn new() -> Self {
        Self { slots: Cache::new(MOST_REMEMBERED), paused: Mutex::default() }
    }

    /// What is remembered of a certificate, if it is still of use.
    pub(super) async fn remembered(&self, link: &Link, now: DateTime<Utc>) -> Option<Heard> {
        let slot = self.slots.get(&(link.issuer, link.serial.clone())).await?;
        (now < slot.until).then(|| slot.heard.clone())
    }

    /// Whether the last word that is remembered is that it is revoked.
    pub(super) async fn knows_revoked(&self, issuer: CaId, serial: &Serial) -> bool {
        let slot = self.slots.get(&(issuer, serial.clone())).await;
        slot.is_some_and(|slot| {
            matches!(&slot.heard, Heard::Said(said) if matches!(said.status, Status::Revoked(_)))
        })
    }

    fn is_paused(&self, responder: &Url, now: DateTime<Utc>) -> bool {
        let paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        paused.get(responder).is_some_and(|until| now < *until)
    }

    fn pause(&self, responder: &Url, until: DateTime<Utc>) {
        let mut paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        paused.insert(responder.clone(), until);
    }
}

impl Revocation {
    /// What OCSP says of a certificate: remembered, or asked for by one of those who ask at once.
    pub(super) async fn answer(&self, watched: &Watched, link: &Link, now: DateTime<Utc>) -> Heard {
        let entry = self.0.answers.slots.entry((link.issuer, link.serial.clone()));
        let learn = async { Arc::new(self.learn(watched, link, now).await) };
        let slot = entry.or_insert_with_if(learn, |slot| slot.until <= now).await;
        slot.into_value().heard.clone()
    }

    async fn learn(&self, watched: &Watched, link: &Link, now: DateTime<Utc>) -> Slot {
        let (authority, serial) = (link.issuer.as_bytes(), link.serial.as_bytes());
        let known = match kept::answer(&self.0.pool, authority, serial).await {
            Ok(known) => known,
            Err(error) => {
                tracing::warn!(%error, "OCSP answers in the database cannot be read");
                None
            }
        };
        if let Some(known) = known.as_ref().filter(|known| now < known.ask_after) {
            return Slot { heard: heard(known), until: known.ask_after };
        }
        let budget = long(watched.watch.settings.ocsp_timeout);
        let asked = timeout(budget, self.ask_responders(watched, link, known.as_ref(), now));
        let asked = asked.await.unwrap_or(Err(AnswerFault::TimedOut));
        // What is read after the wait is the same clock, later.
        let now = self.0.clock.now();
        if !matches!(asked, Err(AnswerFault::Paused)) {
            let fault = asked.as_ref().err().map(ToString::to_string);
            watched.spoken.rcu(|spoken| Arc::new(spoken.after(now, fault.as_deref())));
            self.0.counters.answered(asked.is_ok());
        }
        match asked {
            Ok(answer) => self.remember(watched, link, answer, now).await,
            Err(fault) => {
                let authority = watched.name();
                tracing::info!(authority, %fault, "no OCSP answer");
                // The last word that was heard counts as far as it holds, and for the grace.
                let heard = known.as_ref().map_or_else(|| Heard::Nothing(fault.to_string()), heard);
                Slot { heard, until: now + PAUSE }
            }
        }
    }

    async fn remember(
        &self,
        watched: &Watched,
        link: &Link,
        mut answer: ocsp::Answer,
        now: DateTime<Utc>,
    ) -> Slot {
        let (authority, serial) = (link.issuer.as_bytes(), link.serial.as_bytes());
        let most = watched.watch.settings.ocsp_max_age;
        let most = if answer.next_update.is_some() { most } else { most.min(UNPROMISED) };
        // However far its nextUpdate is: a responder that is silenced after one good answer must not
        // let the card in for days. Beyond this only the grace counts.
        let until = answer.until.min(now + most);
        answer.until = until;
        let (revoked_at, reason) = match answer.status {
            Status::Good => (None, None),
            Status::Revoked(revoked) => {
                (Some(revoked.at), revoked.reason.map(|reason| reason.name().to_owned()))
            }
            // Nothing to hold on to: it may be known in a moment. But what was good before is so no
            // longer, and must not come back when the responder falls silent.
            Status::Unknown => {
                if let Err(error) = kept::forget_answer(&self.0.pool, authority, serial).await {
                    tracing::warn!(%error, "an OCSP answer could not be forgotten");
                }
                return Slot { heard: answer.into(), until: now + PAUSE };
            }
        };
        let row = kept::Answer {
            revoked_at,
            reason,
            this_update: answer.this_update,
            next_update: answer.next_update,
            produced_at: answer.produced_at,
            holds_until: until,
            fetched_at: now,
            ask_after: until,
        };
        if let Err(error) = kept::keep_answer(&self.0.pool, authority, serial, &row).await {
            tracing::warn!(%error, "an OCSP answer could not be kept");
        }
        Slot { heard: answer.into(), until }
    }

    async fn ask_responders(
        &self,
        watched: &Watched,
        link: &Link,
        known: Option<&kept::Answer>,
        now: DateTime<Utc>,
    ) -> Result<ocsp::Answer, AnswerFault> {
        let responders = &watched.watch.ocsp;
        let mut last = AnswerFault::Paused;
        for (at, responder) in responders.iter().enumerate() {
            if self.0.answers.is_paused(responder, now) {
                continue;
            }
            // Each of those that are left gets its share of what a person waits.
            let left = u32::try_from(responders.len() - at).unwrap_or(1);
            let share = long(watched.watch.settings.ocsp_timeout) / left;
            let fault = match timeout(share, self.ask_one(watched, link, responder)).await {
                Ok(Ok(answer))
                    if known.is_some_and(|known| answer.this_update < known.this_update) =>
                {
                    AnswerFault::Older
                }
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(fault)) => fault,
                Err(_) => AnswerFault::TimedOut,
            };
            // Who cannot be reached is left alone. What is wrong with the answer about one certificate
            // says nothing of the others: one card must not silence a responder for all.
            if matches!(fault, AnswerFault::Fetch(_) | AnswerFault::TimedOut) {
                self.0.answers.pause(responder, self.0.clock.now() + PAUSE);
            }
            let (authority, address) = (watched.name(), responder.as_str());
            tracing::warn!(authority, address, %fault, "an OCSP responder gave no answer");
            last = fault;
        }
        Err(last)
    }

    async fn ask_one(
        &self,
        watched: &Watched,
        link: &Link,
        responder: &Url,
    ) -> Result<ocsp::Answer, AnswerFault> {
        let Watched { watch, .. } = watched;
        let nonce = match watch.settings.nonce {
            OcspNonce::Off => None,
            OcspNonce::On | OcspNonce::Required => Some(self.0.random.bytes()),
        };
        let request = ocsp::Request::new(&watch.authority, &link.serial, nonce)?;
        let bounds = Bounds { time: long(watch.settings.ocsp_timeout), bytes: ocsp::MAX_BYTES };
        let content = request.der().to_vec();
        let fetcher = &self.0.fetcher;
        let der = fetcher.post(responder, "application/ocsp-request", content, bounds).await?;
        let rules = Rules {
            max_age: OLDEST_UNPROMISED,
            nonce_required: watch.settings.nonce == OcspNonce::Required,
        };
        let asked = Asked { request: &request, authority: &watch.authority, rules };
        Ok(ocsp::Answer::read(&der, &asked, self.0.clock.now())?)
    }
}

/// What a stored answer says.
fn heard(known: &kept::Answer) -> Heard {
    let status = known.revoked_at.map_or(Status::Good, |at| {
        let reason = known.reason.as_ref().and_then(|reason| reason.parse().ok());
        Status::Revoked(Revoked { at, reason })
    });
    Heard::Said(Statement {
        status,
        this_update: known.this_update,
        next_update: known.next_update,
        until: known.holds_until,
    })
}
