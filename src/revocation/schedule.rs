//! When a list is fetched again: well before it runs out, and after a failure soon but not at once.

use chrono::{DateTime, TimeDelta, Utc};

/// The shortest time between two fetches of a list.
const SHORTEST: TimeDelta = TimeDelta::seconds(30);
/// The first pause after a failure; it doubles with each.
const FIRST_PAUSE: TimeDelta = TimeDelta::seconds(15);
/// The longest pause after failures.
const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(10);

/// After a success: at each `refresh`, and not later than halfway to the end of the list.
pub(super) fn next(
    now: DateTime<Utc>,
    next_update: DateTime<Utc>,
    refresh: TimeDelta,
    jitter: u8,
) -> DateTime<Utc> {
    let halfway = (next_update - now) / 2;
    now + spread(refresh.min(halfway).max(SHORTEST), jitter)
}

/// After `failures` in a row.
pub(super) fn again(now: DateTime<Utc>, failures: i32, jitter: u8) -> DateTime<Utc> {
    let doubled = 1_i32 << failures.clamp(1, 8).saturating_sub(1);
    now + spread((FIRST_PAUSE * doubled).min(LONGEST_PAUSE), jitter)
}

/// Between three quarters and the whole of it, so that nodes and authorities do not go in step.
fn spread(time: TimeDelta, jitter: u8) -> TimeDelta {
    time - time / 4 * i32::from(jitter) / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn minutes(number: i64) -> TimeDelta {
        TimeDelta::minutes(number)
    }

    #[test]
    fn a_list_is_fetched_well_before_it_runs_out() {
        let ends_in = |delta| next(NOW, NOW + delta, minutes(60), 0) - NOW;
        assert_eq!(ends_in(minutes(24 * 60)), minutes(60));
        assert_eq!(ends_in(minutes(60)), minutes(30));
        assert_eq!(ends_in(minutes(2)), minutes(1));
        assert_eq!(ends_in(TimeDelta::seconds(10)), SHORTEST);
        // One that has run out is not asked for without end.
        assert_eq!(ends_in(minutes(-60)), SHORTEST);
        assert_eq!(next(NOW, NOW + minutes(999), minutes(60), 255) - NOW, minutes(45));
    }

    #[test]
    fn failures_are_followed_by_ever_longer_pauses_with_an_end() {
        let pause = |failures| again(NOW, failures, 0) - NOW;
        assert_eq!(pause(1), FIRST_PAUSE);
        assert_eq!(pause(2), FIRST_PAUSE * 2);
        assert_eq!(pause(3), FIRST_PAUSE * 4);
        assert_eq!(pause(7), LONGEST_PAUSE);
        assert_eq!(pause(i32::MAX), LONGEST_PAUSE);
        assert_eq!(pause(0), FIRST_PAUSE);
        assert!(again(NOW, 3, 255) < again(NOW, 3, 0));
    }
}
