//! How long to wait before trying again, and when to tell somebody.

use jiff::{SignedDuration, Timestamp};

/// Seconds to wait after the first, second, … failed attempt; after the last, every later one. Short ones ride out a
/// restart of what we called, long ones a night's outage: 30 attempts take about 13 hours.
pub const BACKOFF: [u32; 9] = [2, 5, 15, 30, 60, 120, 300, 900, 1800];

/// Operations that have not ended by then are shown to staff, once.
pub const STUCK: SignedDuration = SignedDuration::from_mins(15);

/// How long to wait after the `attempt`-th attempt (from 1) failed. `jitter` (any number) spreads it over 75 % to 125 %,
/// so that what failed together does not come back together.
#[must_use]
pub fn backoff(attempt: u32, jitter: u32) -> SignedDuration {
    let place = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX).min(BACKOFF.len() - 1);
    let permille = 750 + i64::from(jitter % 501);
    SignedDuration::from_millis(i64::from(BACKOFF[place]) * permille)
}

/// Whether to raise an alarm about something that began at `created_at` and has not ended.
#[must_use]
pub fn is_stuck(created_at: Timestamp, alarmed_at: Option<Timestamp>, now: Timestamp) -> bool {
    alarmed_at.is_none() && now.duration_since(created_at) >= STUCK
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_table_only_rises_and_thirty_attempts_last_a_night() {
        assert!(BACKOFF.is_sorted());
        let total: SignedDuration = (1..30).map(|attempt| backoff(attempt, 250)).sum();
        assert!((8..16).contains(&total.as_hours()), "{total}");
    }

    #[test]
    fn the_first_and_every_later_wait() {
        assert_eq!(backoff(1, 250), SignedDuration::from_secs(2));
        assert_eq!(backoff(0, 250), SignedDuration::from_secs(2));
        assert_eq!(backoff(9, 250), SignedDuration::from_secs(1800));
        assert_eq!(backoff(u32::MAX, 250), SignedDuration::from_secs(1800));
        assert_eq!(backoff(9, 0), SignedDuration::from_secs(1350));
        assert_eq!(backoff(9, 500), SignedDuration::from_secs(2250));
    }

    #[test]
    fn alarmed_once() {
        let created: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let (before, after) = (created + SignedDuration::from_secs(899), created + STUCK);
        assert!(!is_stuck(created, None, before));
        assert!(is_stuck(created, None, after));
        assert!(!is_stuck(created, Some(after), after + STUCK));
    }

    proptest! {
        #[test]
        fn it_is_within_a_quarter_of_the_table(attempt: u32, jitter: u32) {
            let (wait, middle) = (backoff(attempt, jitter).as_millis(), backoff(attempt, 250).as_millis());
            prop_assert!((middle * 3 / 4..=middle * 5 / 4).contains(&wait));
        }
    }
}
