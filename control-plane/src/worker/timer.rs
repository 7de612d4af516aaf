//! What happens again and again.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::error::Problem;
use crate::platform::Platform;

/// A time between three quarters and five quarters of `middle`, so that workers that started together drift apart.
#[must_use]
pub fn jittered(middle: Duration, chance: u32) -> Duration {
    middle.mul_f64(0.75 + f64::from(chance % 1001) / 2000.0)
}

/// Chance for [`jittered`]; when the system has none to give, no jitter is better than no work.
#[must_use]
pub fn chance(platform: &Platform) -> u32 {
    platform.random::<4>().map_or(500, u32::from_le_bytes)
}

/// Does something now and again and again until `stop`. A failure is logged and tried again at the next turn.
pub async fn every<F>(
    middle: Duration,
    what: &'static str,
    platform: Arc<Platform>,
    stop: CancellationToken,
    act: impl Fn() -> F + Send,
) where
    F: Future<Output = Result<(), Problem>> + Send,
{
    loop {
        if let Err(error) = act().await {
            tracing::warn!(what, %error, "a turn failed; the next one tries again");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(jittered(middle, chance(&platform))) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_within_a_quarter() {
        let middle = Duration::from_secs(100);
        for chance in [0, 1, 500, 1000, u32::MAX] {
            let secs = jittered(middle, chance).as_secs_f64();
            assert!((75.0..=125.0).contains(&secs), "{secs}");
        }
        assert_eq!(jittered(middle, 500), middle);
    }
}
