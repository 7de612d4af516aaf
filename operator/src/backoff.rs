//! How long to wait before trying again.

use std::time::Duration;

/// The first wait after a failure.
pub const FIRST: Duration = Duration::from_millis(500);
/// No wait is longer.
pub const LAST: Duration = Duration::from_secs(300);

/// The wait after so many failures in a row (1 at the first), doubling from [`FIRST`] to [`LAST`]. `jitter` (0 to 1)
/// takes away up to a quarter, so that objects which failed together do not come back together.
#[must_use]
pub fn after(failures: u32, jitter: f64) -> Duration {
    let doublings = failures.saturating_sub(1).min(20);
    let whole = FIRST.saturating_mul(1 << doublings).min(LAST);
    whole.mul_f64(1.0 - 0.25 * jitter.clamp(0.0, 1.0))
}

/// A number between 0 and 1 that is the same for the same text: spreads work without a source of randomness.
#[must_use]
pub fn spread(text: &str) -> f64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    #[allow(clippy::cast_precision_loss)] // a rough fraction is enough
    let fraction = (hasher.finish() >> 11) as f64 / (1_u64 << 53) as f64;
    fraction
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn first_and_last() {
        assert_eq!(after(1, 0.0), FIRST);
        assert_eq!(after(2, 0.0), FIRST * 2);
        assert_eq!(after(u32::MAX, 0.0), LAST);
        assert_eq!(after(0, 0.0), FIRST);
    }

    proptest! {
        #[test]
        fn grows_and_stays_in_bounds(failures in 1_u32..1000, jitter in 0.0..=1.0) {
            let wait = after(failures, jitter);
            prop_assert!(wait >= FIRST.mul_f64(0.75));
            prop_assert!(wait <= LAST);
            prop_assert!(after(failures + 1, jitter) >= wait);
        }

        #[test]
        fn spreads_between_0_and_1(text in ".*") {
            let fraction = spread(&text);
            prop_assert!((0.0..=1.0).contains(&fraction));
            prop_assert_eq!(fraction, spread(&text));
        }
    }
}
