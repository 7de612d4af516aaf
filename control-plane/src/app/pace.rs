//! Answers that take as long whatever was found.

use std::time::Duration;

/// Longer than the quick way and the slow way through any of our use cases take, by far; short enough that nobody minds.
const LEAST: Duration = Duration::from_millis(300);

/// Does something whose time would tell what it found, and answers after the same time in any case.
pub async fn evenly<T>(work: impl Future<Output = T>) -> T {
    tokio::join!(work, tokio::time::sleep(LEAST)).0
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn nothing_to_do_takes_as_long_as_much() {
        let time = async |work: Duration| {
            let begun = Instant::now();
            evenly(tokio::time::sleep(work)).await;
            begun.elapsed()
        };
        assert_eq!(time(Duration::ZERO).await, time(Duration::from_millis(40)).await);
    }
}
