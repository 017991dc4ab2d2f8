//! Public keys of clients by address (`jwks_uri`, RFC 7591 §2): fetched, kept for a while, fetched again.
//!
//! Each node for itself, in memory. Must never use a key of one client for another, follow a redirect,
//! ask more often than once a minute while all is well, nor keep a caller waiting for more than five
//! seconds.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use chrono::{DateTime, TimeDelta, Utc};
use moka::future::Cache;
use serde_json::Value;
use tokio::sync::{Mutex, OwnedMutexGuard};
use url::Url;

use crate::fetch::{Bounds, FetchFault, Fetched, Fetcher, Validators};
use crate::keys::jwt::PublicKey;

/// How much is waited for and taken.
const BOUNDS: Bounds = Bounds { time: Duration::from_secs(5), bytes: 128 * 1024 };
/// The most keys of one set.
const MOST_KEYS: usize = 100;
/// The most sets that are kept.
const MOST_SETS: u64 = 10_000;
/// How long a set is in use at least and at most before it is fetched again, whatever its server says.
const SHORTEST: TimeDelta = TimeDelta::minutes(5);
const LONGEST: TimeDelta = TimeDelta::hours(24);
/// How long it stays in use after that, where it cannot be fetched again.
const GRACE: TimeDelta = TimeDelta::hours(4);
/// How soon a set is fetched again for a key that is not in it.
const SELDOM: TimeDelta = TimeDelta::seconds(60);
/// How soon it is tried again where it could not be fetched.
const AGAIN: TimeDelta = TimeDelta::seconds(10);

/// The keys of clients that have them at an address; the fetcher goes by https alone.
pub struct ClientKeys {
    fetcher: Result<Fetcher, FetchFault>,
    kept: Cache<Place, Arc<Kept>>,
}

/// Whose keys, and where.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    client_id: String,
    address: String,
}

/// What is kept of one client.
#[derive(Default)]
struct Kept {
    keys: ArcSwapOption<KeySet>,
    /// Held while the set is fetched, so that many logins at once are one request: from when on it may be
    /// fetched again.
    turn: Arc<Mutex<DateTime<Utc>>>,
}

/// A set of keys as it was fetched.
pub struct KeySet {
    /// The JWK Set (RFC 7517 §5).
    pub jwks: Arc<Value>,
    /// Those of its keys that can verify.
    pub signing: Arc<[PublicKey]>,
    kids: BTreeSet<String>,
    fresh_until: DateTime<Utc>,
}

/// Why there is no set at an address.
#[derive(Debug, thiserror::Error)]
enum SetFault {
    #[error("jwks_uri is no address")]
    Address,
    #[error(transparent)]
    Fetch(#[from] FetchFault),
    #[error("the answer is no JWK Set of at most {MOST_KEYS} keys")]
    NotASet,
}

impl ClientKeys {
    /// By a fetcher, or without one: then no client has keys at an address.
    #[must_use]
    pub fn new(fetcher: Result<Fetcher, FetchFault>) -> Self {
        Self { fetcher, kept: Cache::new(MOST_SETS) }
    }

    /// The keys that a client has at an address: those known, unless they are old, or `kid` is not among
    /// them. `None` where there are none to be had.
    pub async fn keys(
        &self,
        client_id: &str,
        address: &str,
        kid: Option<&str>,
        now: DateTime<Utc>,
    ) -> Option<Arc<KeySet>> {
        let place = Place { client_id: client_id.to_owned(), address: address.to_owned() };
        let kept = self.kept.get_with(place.clone(), async { Arc::default() }).await;
        if let Some(keys) = kept.answering(kid, now) {
            return Some(keys);
        }
        let turn = kept.turn.clone().lock_owned().await;
        // Whoever waited for another finds here what that one fetched.
        if let Some(keys) = kept.answering(kid, now) {
            return Some(keys);
        }
        if *turn <= now {
            // In a task of its own: a caller that goes away does not take the answer from the others.
            let fetching = fetch(self.fetcher.clone(), place, kept.clone(), turn, now);
            let _ = tokio::spawn(fetching).await;
        }
        kept.keys.load_full().filter(|keys| now < keys.fresh_until + GRACE)
    }
}

/// Fetches a set, and puts it into use.
async fn fetch(
    fetcher: Result<Fetcher, FetchFault>,
    place: Place,
    kept: Arc<Kept>,
    mut turn: OwnedMutexGuard<DateTime<Utc>>,
    now: DateTime<Utc>,
) {
    let client_id = &place.client_id;
    *turn = now + AGAIN;
    match set(fetcher, &place.address, now).await {
        Ok(keys) => {
            tracing::info!(client_id, keys = keys.kids.len(), "keys of a client were fetched");
            kept.keys.store(Some(Arc::new(keys)));
            *turn = now + SELDOM;
        }
        Err(fault) => {
            tracing::warn!(client_id, %fault, "keys of a client could not be fetched");
        }
    }
}

async fn set(
    fetcher: Result<Fetcher, FetchFault>,
    address: &str,
    now: DateTime<Utc>,
) -> Result<KeySet, SetFault> {
    let url = Url::parse(address).map_err(|_| SetFault::Address)?;
    match fetcher?.get(&url, &Validators::default(), BOUNDS).await? {
        Fetched::Body { bytes, max_age, .. } => KeySet::read(&bytes, max_age, now),
        Fetched::Unchanged => Err(SetFault::NotASet),
    }
}

impl std::fmt::Debug for ClientKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientKeys").finish_non_exhaustive()
    }
}

impl Kept {
    /// The set, if it is new enough and has the key.
    fn answering(&self, kid: Option<&str>, now: DateTime<Utc>) -> Option<Arc<KeySet>> {
        self.keys
            .load_full()
            .filter(|keys| now < keys.fresh_until && kid.is_none_or(|kid| keys.kids.contains(kid)))
    }
}

impl KeySet {
    /// Reads what was fetched; a key that is of no use spoils no other (RFC 7517 §5).
    fn read(bytes: &[u8], max_age: Option<Duration>, now: DateTime<Utc>) -> Result<Self, SetFault> {
        let jwks: Value = serde_json::from_slice(bytes).map_err(|_| SetFault::NotASet)?;
        let keys = jwks.get("keys").and_then(Value::as_array).ok_or(SetFault::NotASet)?;
        if keys.len() > MOST_KEYS {
            return Err(SetFault::NotASet);
        }
        let kids = keys.iter().filter_map(|key| key.get("kid")?.as_str()).map(str::to_owned);
        // Longer than can be counted is longer than the longest.
        let lifetime = max_age.map_or(SHORTEST, |age| TimeDelta::from_std(age).unwrap_or(LONGEST));
        Ok(Self {
            kids: kids.collect(),
            signing: PublicKey::from_jwks(&jwks).unwrap_or_default().into(),
            fresh_until: now + lifetime.clamp(SHORTEST, LONGEST),
            jwks: Arc::new(jwks),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_set_is_in_use_for_as_long_as_its_server_says_within_bounds() {
        let now = DateTime::UNIX_EPOCH;
        let set = json!({ "keys": [] }).to_string();
        for (max_age, minutes) in
            [(None, 5), (Some(0), 5), (Some(600), 10), (Some(u64::MAX), 24 * 60)]
        {
            let read = KeySet::read(set.as_bytes(), max_age.map(Duration::from_secs), now).unwrap();
            assert_eq!(read.fresh_until, now + TimeDelta::minutes(minutes), "{max_age:?}");
        }
        let year = Some(Duration::from_secs(365 * 24 * 3600));
        let read = KeySet::read(set.as_bytes(), year, now).unwrap();
        assert_eq!(read.fresh_until, now + LONGEST);
    }

    #[test]
    fn what_is_no_set_is_none() {
        let many = json!({ "keys": vec![json!({}); MOST_KEYS + 1] }).to_string();
        for text in ["", "[]", "{}", r#"{"keys":{}}"#, "<html>", &many] {
            assert!(KeySet::read(text.as_bytes(), None, DateTime::UNIX_EPOCH).is_err(), "{text}");
        }
    }
}
