//! `NumericDate` (RFC 7519 §2): seconds since 1970, perhaps with a fraction.

use chrono::{DateTime, Utc};
use serde_json::Value;

/// The moment that a claim names; nothing where it is no number, or of no time that can come.
#[must_use]
pub fn moment(value: &Value) -> Option<DateTime<Utc>> {
    let seconds = value.as_f64().filter(|seconds| (0.0..1e11).contains(seconds))?;
    #[expect(clippy::cast_possible_truncation, reason = "within the range that was just checked")]
    let millis = (seconds * 1000.0) as i64;
    DateTime::from_timestamp_millis(millis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn whole_and_broken_seconds_are_moments_and_nothing_else_is() {
        for (value, millis) in
            [(json!(0), 0), (json!(1.5), 1500), (json!(1e10), 10_000_000_000_000)]
        {
            assert_eq!(moment(&value).unwrap().timestamp_millis(), millis);
        }
        for odd in [json!("1"), json!(null), json!(-1), json!(1e11), json!(1e300), json!([1])] {
            assert_eq!(moment(&odd), None, "{odd}");
        }
    }
}
