//! CRLs in the background: one node fetches, PostgreSQL keeps, every node indexes what is new.
//!
//! Nothing large is touched on an async thread: indexing, and moving a list to or from the database,
//! happen on threads of their own. Must never take a list older than the one in use.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use url::Url;

use super::{ListInUse, Revocation, Watched, long, schedule};
use crate::fetch::{Bounds, FetchFault, Fetched, Validators};
use crate::pki::revocation::{CaId, CrlFault, CrlIndex, Source};
use crate::secret::sha256;
use crate::store::StoreError;
use crate::store::revocation::{self as kept, Head, NewList};

/// How often it is looked whether a list is due.
const LOOK: Duration = Duration::from_millis(250);
/// How many looks pass before the database is read without being told: ten seconds.
const UNTOLD: u32 = 40;
/// How much longer than its time-outs a node may take to fetch, before another does.
const LEASE: TimeDelta = TimeDelta::minutes(2);

/// Why a mirror gave no list that is taken.
#[derive(Debug, thiserror::Error)]
enum ListFault {
    #[error("{0}")]
    Fetch(#[from] FetchFault),
    #[error("{0}")]
    Crl(#[from] CrlFault),
    #[error("it is older than the one in use (its number or its thisUpdate is lower)")]
    Older,
    #[error("it ran out at {0}")]
    RanOut(DateTime<Utc>),
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("it could not be indexed")]
    Indexing,
}

/// What a mirror gave.
enum Given {
    /// The list in use, once more.
    Same(Validators),
    /// A newer one.
    New(Box<NewGiven>),
}

/// A list that was verified.
struct NewGiven {
    index: CrlIndex,
    der: Vec<u8>,
    sha256: Vec<u8>,
    validators: Validators,
}

impl Revocation {
    /// Reads every list that the database holds, without the network.
    ///
    /// # Errors
    /// The database failed. A list that cannot be read is left out, and logged.
    pub async fn load(&self) -> Result<(), StoreError> {
        let authorities: Vec<Vec<u8>> =
            self.0.authorities.keys().map(|id| id.as_bytes().to_vec()).collect();
        kept::ensure(&self.0.pool, &authorities, self.0.clock.now()).await?;
        self.read_heads().await?;
        for watched in self.0.authorities.values().filter(|watched| is_behind(watched)) {
            self.load_one(watched).await?;
        }
        Ok(())
    }

    /// Forgets every list in use and fetches anew, as a node that starts for the first time; waits
    /// until each was fetched or failed, `patience` at most. For `dev`, whose faults are switched
    /// while it runs: an installation must never forget a list. The caller empties the database.
    ///
    /// # Errors
    /// The database failed.
    #[cfg(feature = "dev")]
    pub async fn begin_anew(&self, patience: Duration) -> Result<(), StoreError> {
        for watched in self.0.authorities.values() {
            watched.list.store(None);
            watched.left.store(None);
        }
        self.read_heads().await?;
        let is_tried = |watched: &Watched| {
            let head = watched.head.load();
            !watched.watch.policy.order.asks(Source::Crl)
                || watched.list.load().is_some()
                || head.as_ref().is_some_and(|head| head.failures > 0)
        };
        let tried = async {
            while !self.0.authorities.values().all(|watched| is_tried(watched)) {
                sleep(LOOK / 5).await;
            }
        };
        // Whoever is slow is waited for no longer: that may be what was switched on.
        let _ = timeout(patience, tried).await;
        Ok(())
    }

    /// Keeps the lists current until the task is ended.
    pub async fn keep_current(&self) {
        let mut working: JoinSet<CaId> = JoinSet::new();
        let mut at_work: HashSet<CaId> = HashSet::new();
        let mut looks = 0;
        loop {
            let now = self.0.clock.now();
            for (id, watched) in &self.0.authorities {
                if !at_work.contains(id) && (is_behind(watched) || is_due(watched, now)) {
                    at_work.insert(*id);
                    let (this, watched) = (self.clone(), watched.clone());
                    working.spawn(async move { this.work(&watched).await });
                }
            }
            let read = tokio::select! {
                () = self.0.told.notified() => true,
                Some(done) = working.join_next() => {
                    match done {
                        Ok(id) => drop(at_work.remove(&id)),
                        // Which one is not told: it is let go with the others.
                        Err(_) => at_work.clear(),
                    }
                    false
                }
                () = sleep(LOOK) => {
                    looks += 1;
                    looks >= UNTOLD
                }
            };
            if read {
                looks = 0;
                if let Err(error) = self.read_heads().await {
                    tracing::warn!(%error, "revocation lists: the database cannot be read");
                }
            }
        }
    }

    /// Loads what another node fetched, or fetches what is due.
    async fn work(&self, watched: &Arc<Watched>) -> CaId {
        let done = if is_behind(watched) {
            self.load_one(watched).await
        } else {
            self.fetch_if_due(watched).await
        };
        if let Err(error) = done {
            let authority = watched.name();
            tracing::warn!(authority, %error, "revocation list: the database failed");
            sleep(LOOK * 4).await;
        }
        watched.id()
    }

    async fn read_heads(&self) -> Result<(), StoreError> {
        for head in kept::heads(&self.0.pool).await? {
            if let Some(watched) = self.by_key(&head.authority) {
                watched.head.store(Some(Arc::new(head)));
            }
        }
        Ok(())
    }

    /// Indexes the list that lies in the database, and puts it into use.
    async fn load_one(&self, watched: &Arc<Watched>) -> Result<(), StoreError> {
        let Ok(_turn) = self.0.indexing.acquire().await else { return Ok(()) };
        let (pool, id) = (self.0.pool.clone(), watched.id());
        let (authority, limits) = (watched.watch.authority.clone(), watched.limits());
        let now = self.0.clock.now();
        let read = apart(move |handle| {
            let kept = handle.block_on(kept::list(&pool, id.as_bytes()))?;
            let index = |(der, sha256): (Vec<u8>, _)| {
                (CrlIndex::read(&der, &authority, limits, now), sha256)
            };
            Ok::<_, StoreError>(kept.map(index))
        });
        let Some((read, sha256)) = read.await.transpose()?.flatten() else { return Ok(()) };
        let left = match read {
            Ok(index) => !put_into_use(watched, index, sha256.clone()),
            Err(error) => {
                let authority = watched.name();
                tracing::error!(authority, %error, "the revocation list in the database is not taken");
                true
            }
        };
        if left {
            watched.left.store(Some(Arc::new(sha256)));
        }
        Ok(())
    }

    async fn fetch_if_due(&self, watched: &Arc<Watched>) -> Result<(), StoreError> {
        let watch = &watched.watch;
        let (id, pool, now) = (watched.id(), &self.0.pool, self.0.clock.now());
        let mirrors = i32::try_from(watch.crl.len()).unwrap_or(i32::MAX);
        let until = now + watch.settings.crl_timeout * mirrors + LEASE;
        let Some(head) = kept::claim(pool, id.as_bytes(), now, until).await? else {
            // Another node fetches: its news will come.
            return self.read_heads().await;
        };
        let mut faults = Vec::new();
        for mirror in &watch.crl {
            let kept = match self.fetch_from(watched, &head, mirror).await {
                Ok(given) => self.keep(watched, &head, mirror, given).await,
                Err(fault) => Err(fault),
            };
            self.0.counters.fetched(kept.is_ok());
            let Err(fault) = kept else { return self.read_heads().await };
            let (authority, address) = (watched.name(), mirror.as_str());
            tracing::warn!(authority, address, %fault, "no revocation list was taken from here");
            faults.push(format!("{mirror}: {fault}"));
        }
        let failures = head.failures.saturating_add(1);
        let [jitter] = self.0.random.bytes();
        let again = schedule::again(self.0.clock.now(), failures, jitter);
        kept::failed(pool, id.as_bytes(), &faults.join("; "), failures, again).await?;
        self.read_heads().await
    }

    async fn fetch_from(
        &self,
        watched: &Arc<Watched>,
        head: &Head,
        mirror: &Url,
    ) -> Result<Given, ListFault> {
        let settings = &watched.watch.settings;
        let in_use = watched.list.load_full();
        // The list in use, where it is also the one that the database holds.
        let shared = in_use.as_ref().map(|list| list.sha256.clone());
        let shared = shared.filter(|sha256| head.sha256.as_ref() == Some(sha256));
        // Validators are one mirror's, and for one list.
        let known = if shared.is_some() && head.source.as_deref() == Some(mirror.as_str()) {
            Validators { etag: head.etag.clone(), last_modified: head.last_modified.clone() }
        } else {
            Validators::default()
        };
        let bounds = Bounds { time: long(settings.crl_timeout), bytes: settings.max_crl_bytes };
        // Once more on the outside: nothing that a server does may hold its place for longer.
        let fetched = timeout(bounds.time * 2, self.0.fetcher.get(mirror, &known, bounds));
        let (der, validators) = match fetched.await.unwrap_or(Err(FetchFault::TimedOut))? {
            Fetched::Unchanged => return Ok(Given::Same(known)),
            Fetched::Body { bytes, validators, .. } => (bytes, validators),
        };
        let _turn = self.0.indexing.acquire().await;
        let (authority, limits) = (watched.watch.authority.clone(), watched.limits());
        let now = self.0.clock.now();
        let indexed = apart(move |_| {
            let sha256 = sha256(&der).to_vec();
            if shared.as_ref() == Some(&sha256) {
                return Ok(Given::Same(validators));
            }
            let index = CrlIndex::read(&der, &authority, limits, now)?;
            Ok(Given::New(Box::new(NewGiven { index, der, sha256, validators })))
        });
        let given = indexed.await.unwrap_or(Err(ListFault::Indexing))?;
        if let (Given::New(new), Some(in_use)) = (&given, &in_use)
            && new.index.is_older_than(&in_use.index)
        {
            return Err(ListFault::Older);
        }
        Ok(given)
    }

    /// Writes what a mirror gave, and puts a new list into use. A list that has run out is taken
    /// where it is newer than the one in use, and the next mirror is tried all the same.
    async fn keep(
        &self,
        watched: &Arc<Watched>,
        head: &Head,
        mirror: &Url,
        given: Given,
    ) -> Result<(), ListFault> {
        let (pool, now) = (self.0.pool.clone(), self.0.clock.now());
        let [jitter] = self.0.random.bytes();
        let refresh = watched.watch.settings.refresh;
        let plan = |next_update| schedule::next(now, next_update, refresh, jitter);
        let next_update = match given {
            Given::Same(validators) => {
                let list = watched.list.load_full().ok_or(ListFault::Indexing)?;
                let next_update = list.index.next_update();
                if next_update < now {
                    return Err(ListFault::RanOut(next_update));
                }
                let head = Head {
                    source: Some(mirror.to_string()),
                    etag: validators.etag,
                    last_modified: validators.last_modified,
                    sha256: Some(list.sha256.clone()),
                    ..head.clone()
                };
                kept::confirm(&pool, &head, now, plan(next_update)).await?;
                next_update
            }
            Given::New(new) => {
                let NewGiven { index, der, sha256, validators } = *new;
                let next_update = index.next_update();
                let (id, source, planned) = (watched.id(), mirror.clone(), plan(next_update));
                let written = apart(move |handle| {
                    let list = NewList {
                        authority: id.as_bytes(),
                        der: &der,
                        sha256: &sha256,
                        number: index.number(),
                        this_update: index.this_update(),
                        next_update,
                        source: source.as_str(),
                        etag: validators.etag.as_deref(),
                        last_modified: validators.last_modified.as_deref(),
                    };
                    let taken = handle.block_on(kept::replace(&pool, &list, now, planned))?;
                    Ok::<_, StoreError>(taken.then_some((index, sha256)))
                });
                // Where nothing was written the database has a newer one, which will be loaded.
                let (index, sha256) =
                    written.await.ok_or(ListFault::Indexing)??.ok_or(ListFault::Older)?;
                put_into_use(watched, index, sha256);
                next_update
            }
        };
        if next_update < now { Err(ListFault::RanOut(next_update)) } else { Ok(()) }
    }
}

/// Whether the database holds another list than the one in use, and one that can be used.
fn is_behind(watched: &Watched) -> bool {
    let head = watched.head.load();
    let Some(kept) = head.as_ref().and_then(|head| head.sha256.as_ref()) else { return false };
    let (in_use, left) = (watched.list.load(), watched.left.load());
    watched.watch.policy.order.asks(Source::Crl)
        && in_use.as_ref().is_none_or(|list| list.sha256 != *kept)
        && left.as_ref().is_none_or(|sha256| **sha256 != *kept)
}

fn is_due(watched: &Watched, now: DateTime<Utc>) -> bool {
    let head = watched.head.load();
    watched.watch.policy.order.asks(Source::Crl)
        && head.as_ref().is_some_and(|head| head.fetch_after <= now)
}

/// False where the one in use is newer.
fn put_into_use(watched: &Watched, index: CrlIndex, sha256: Vec<u8>) -> bool {
    let before = watched.list.load_full();
    if before.as_ref().is_some_and(|list| index.is_older_than(&list.index)) {
        return false;
    }
    tracing::info!(
        authority = watched.name(),
        entries = index.len(),
        this_update = %index.this_update(),
        next_update = %index.next_update(),
        "revocation list in use"
    );
    watched.list.store(Some(Arc::new(ListInUse { index, sha256 })));
    // Megabytes are given back where nobody waits.
    drop(tokio::task::spawn_blocking(move || drop(before)));
    true
}

/// Runs on a thread of its own, which may wait for the database and copy what is large.
async fn apart<T: Send + 'static>(work: impl FnOnce(Handle) -> T + Send + 'static) -> Option<T> {
    let handle = Handle::current();
    tokio::task::spawn_blocking(move || work(handle)).await.ok()
}
