//! How often something may happen at one address, or by one client, before it is too often, and what is
//! told once.
//!
//! Per node and in memory: it guards the database and the log, and must never need the database.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// A limit for each address: so many a minute, all at once or spread.
pub struct Throttle(DefaultKeyedRateLimiter<IpAddr>);

impl Throttle {
    /// At most `limit` a minute at each address.
    #[must_use]
    pub fn per_minute(limit: NonZeroU32) -> Self {
        Self(RateLimiter::keyed(Quota::per_minute(limit)))
    }

    /// Counts one more, and tells whether it was not too many.
    #[must_use]
    pub fn admits(&self, address: IpAddr) -> bool {
        self.0.check_key(&place(address)).is_ok()
    }

    /// Forgets addresses that have been quiet.
    pub fn forget_quiet(&self) {
        self.0.retain_recent();
        self.0.shrink_to_fit();
    }
}

/// A limit for each client: so many a minute, all at once or spread.
pub struct ClientThrottle(DefaultKeyedRateLimiter<String>);

impl ClientThrottle {
    /// At most `limit` a minute of each client.
    #[must_use]
    pub fn per_minute(limit: NonZeroU32) -> Self {
        Self(RateLimiter::keyed(Quota::per_minute(limit)))
    }

    /// Counts one more, and tells whether it was not too many.
    #[must_use]
    pub fn admits(&self, client: &str) -> bool {
        self.0.check_key(&client.to_owned()).is_ok()
    }

    /// Forgets clients that have been quiet.
    pub fn forget_quiet(&self) {
        self.0.retain_recent();
        self.0.shrink_to_fit();
    }
}

/// What is told once, however often it is seen, while a node runs.
#[derive(Debug, Default)]
pub struct Once(Mutex<BTreeSet<String>>);

impl Once {
    /// The most that is remembered; what comes after is not told at all.
    const MOST: usize = 256;

    /// Whether `what` is seen for the first time.
    #[must_use]
    pub fn is_first(&self, what: &str) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.len() < Self::MOST && seen.insert(what.to_owned())
    }

    /// Whether nothing was seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

/// What counts as one address: an IPv4 address, or an IPv6 network of /64, which is what one
/// household or workplace has.
#[must_use]
pub fn place(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_refused_after_its_share_and_others_are_not() {
        let throttle = Throttle::per_minute(NonZeroU32::new(3).unwrap());
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        assert_eq!([(); 4].map(|()| throttle.admits(one)), [true, true, true, false]);
        assert!(throttle.admits(other));
    }

    #[test]
    fn a_thing_is_told_once_and_the_memory_is_bounded() {
        let once = Once::default();
        assert_eq!(
            [once.is_first("a"), once.is_first("a"), once.is_first("b")],
            [true, false, true]
        );
        let told = (0..1000).filter(|number| once.is_first(&number.to_string())).count();
        assert_eq!(told, Once::MOST - 2);
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let throttle = Throttle::per_minute(NonZeroU32::MIN);
        assert!(throttle.admits("2001:db8::1".parse().unwrap()));
        assert!(!throttle.admits("2001:db8::2".parse().unwrap()));
        assert!(throttle.admits("2001:db8:0:1::1".parse().unwrap()));
    }
}
