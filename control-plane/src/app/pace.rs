//! Answers that take as long whatever was found.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};
use tracing::Instrument as _;

/// Longer than the quick way and the slow way through any of our use cases take, by far; short enough that nobody minds.
const STEP: Duration = Duration::from_millis(300);

/// Does something whose time would tell what it found, and answers at the next full step: after one as a rule. A machine so
/// busy that one way takes longer than that gives away no more than in which step it was done.
pub async fn evenly<T>(work: impl Future<Output = T>) -> T {
    let mut steps = tokio::time::interval_at(Instant::now() + STEP, STEP);
    steps.set_missed_tick_behavior(MissedTickBehavior::Skip);
    // Whoever watches what is done can tell by this what nobody outside can.
    let done = work.instrument(tracing::debug_span!("evenly"));
    let mut done = std::pin::pin!(done);
    let result = loop {
        tokio::select! {
            biased;
            result = &mut done => break result,
            _ = steps.tick() => {}
        }
    };
    steps.tick().await;
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn nothing_to_do_takes_as_long_as_much() {
        let time = async |work: Duration| {
            let begun = Instant::now();
            evenly(tokio::time::sleep(work)).await;
            begun.elapsed()
        };
        assert_eq!(time(Duration::ZERO).await, time(Duration::from_millis(40)).await);
        // On a machine that cannot keep up, too.
        assert_eq!(time(Duration::from_millis(310)).await, time(Duration::from_millis(590)).await);
        assert_eq!(time(Duration::from_millis(310)).await, STEP * 2);
    }
}
