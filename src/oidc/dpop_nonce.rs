//! Nonces for DPoP proofs (RFC 9449 §8, §9): when the provider was last heard by the client.
//!
//! A nonce is its moment, sealed: any node knows those of all others, and none is kept. Must never be
//! taken as single use: that is `jti`'s.

use chrono::{DateTime, TimeDelta, Utc};

use crate::keys::{Purpose, Sealer};

/// How long a nonce is good for.
pub const LIFE: TimeDelta = TimeDelta::minutes(5);

/// A fresh one; none where it cannot be written.
#[must_use]
pub fn fresh(sealer: &Sealer, now: DateTime<Utc>) -> Option<String> {
    sealer.seal_value(Purpose::DpopNonce, &now.timestamp()).ok()
}

/// Whether a nonce was made here, not too long ago.
#[must_use]
pub fn is_good(sealer: &Sealer, nonce: &str, now: DateTime<Utc>) -> bool {
    let made_at = sealer.open_value::<i64>(Purpose::DpopNonce, nonce);
    made_at.is_ok_and(|made_at| now.timestamp() < made_at.saturating_add(LIFE.num_seconds()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_good_for_five_minutes_and_of_this_installation_alone() {
        let (sealer, now) = (Sealer::new(&[7; 32]), DateTime::UNIX_EPOCH);
        let nonce = fresh(&sealer, now).unwrap();
        // NQCHAR (RFC 6749, appendix A).
        assert!(nonce.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\'));
        assert!(is_good(&sealer, &nonce, now + TimeDelta::seconds(299)));
        assert!(!is_good(&sealer, &nonce, now + TimeDelta::seconds(300)));
        assert!(!is_good(&Sealer::new(&[8; 32]), &nonce, now));
        assert!(!is_good(&sealer, "", now) && !is_good(&sealer, &nonce[1..], now));
    }
}
