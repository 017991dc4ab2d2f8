//! NumericDate (RFC 7519 §2): seconds since 1970, perhaps with a fraction.

use chrono::{DateTime, Utc};

/// The moment that a NumericDate names; none where it is out of all bounds.
#[must_use]
pub fn moment(seconds: f64) -> Option<DateTime<Utc>> {
    if !(0.0..1e11).contains(&seconds) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "within the range that was just checked")]
    let millis = (seconds * 1000.0) as i64;
    DateTime::from_timestamp_millis(millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_clock_shows_is_no_moment() {
        assert_eq!(moment(1.5).map(|at| at.timestamp_millis()), Some(1500));
        for seconds in [-1.0, 1e11, f64::NAN, f64::INFINITY] {
            assert_eq!(moment(seconds), None);
        }
    }
}
