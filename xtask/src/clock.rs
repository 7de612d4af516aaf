//! The one door to the clock: how long things take is shown and remembered, nothing is decided by it.

use std::time::{Duration, Instant};

/// Started at one moment, read at later ones.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    #[allow(clippy::disallowed_methods, reason = "the program's one clock, for measuring only")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// `4s`, `3m05s`, `1h02m`.
pub fn human(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        let read = |seconds| human(Duration::from_secs(seconds));
        assert_eq!([read(4), read(185), read(3725)], ["4s", "3m05s", "1h02m"]);
    }
}
