//! The clock and the source of randomness: arguments of everything that decides.

use jiff::{Timestamp, Unit};

/// Tells the time, rounded down to microseconds, because the database holds no finer ones and what is written must equal
/// what is read back.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Makes bytes that nobody can foresee.
pub trait Random: Send + Sync + 'static {
    /// Fills the buffer.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    fn fill(&self, buffer: &mut [u8]) -> std::io::Result<()>;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the one door to the ambient clock")]
    fn now(&self) -> Timestamp {
        microseconds(Timestamp::now())
    }
}

/// The randomness of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) -> std::io::Result<()> {
        use rand::TryRng as _;
        rand::rngs::SysRng.try_fill_bytes(buffer).map_err(std::io::Error::other)
    }
}

/// The time without what the database would cut off.
#[must_use]
pub fn microseconds(time: Timestamp) -> Timestamp {
    time.round(jiff::TimestampRound::new().smallest(Unit::Microsecond).mode(jiff::RoundMode::Trunc)).unwrap_or(time)
}

/// A clock and a source of randomness for tests.
pub mod fake {
    use std::sync::{Mutex, PoisonError};

    use jiff::{SignedDuration, Timestamp};
    use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

    use super::{Clock, Random};

    /// A clock that stands still until it is moved.
    #[derive(Debug)]
    pub struct FakeClock(Mutex<Timestamp>);

    impl FakeClock {
        /// A clock that stands at a time.
        #[must_use]
        pub const fn at(time: Timestamp) -> Self {
            Self(Mutex::new(time))
        }

        /// Moves it on.
        pub fn advance(&self, by: SignedDuration) {
            let mut time = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            *time = time.saturating_add(by).unwrap_or(*time);
        }
    }

    impl Clock for FakeClock {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    /// Randomness that is the same for the same seed.
    #[derive(Debug)]
    pub struct FakeRandom(Mutex<StdRng>);

    impl FakeRandom {
        /// The bytes that follow from `seed`.
        #[must_use]
        pub fn new(seed: u64) -> Self {
            Self(Mutex::new(StdRng::seed_from_u64(seed)))
        }
    }

    impl Random for FakeRandom {
        fn fill(&self, buffer: &mut [u8]) -> std::io::Result<()> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(buffer);
            Ok(())
        }
    }
}
