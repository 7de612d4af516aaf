//! The clock and the source of randomness: arguments of everything that decides.

use jiff::Timestamp;

/// Tells the time, truncated to whole seconds, because objects in Kubernetes hold no finer ones and what is written must
/// equal what is read back.
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
    #[allow(clippy::disallowed_methods)] // the one door to the ambient clock
    fn now(&self) -> Timestamp {
        whole_second(Timestamp::now())
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

/// The time without its fraction of a second.
#[must_use]
pub fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// A clock and a source of randomness for tests.
pub mod fake {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicI64, Ordering};

    use jiff::Timestamp;
    use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

    use super::{Clock, Random};

    /// A clock that stands still until it is moved.
    #[derive(Debug)]
    pub struct FixedClock(AtomicI64);

    impl FixedClock {
        /// A clock that stands at `second` (seconds since 1970).
        #[must_use]
        pub const fn at(second: i64) -> Self {
            Self(AtomicI64::new(second))
        }

        /// Moves it on.
        pub fn advance(&self, seconds: i64) {
            self.0.fetch_add(seconds, Ordering::SeqCst);
        }
    }

    impl Clock for FixedClock {
        fn now(&self) -> Timestamp {
            Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap_or(Timestamp::UNIX_EPOCH)
        }
    }

    /// Randomness that is the same for the same seed.
    #[derive(Debug)]
    pub struct SeededRandom(Mutex<StdRng>);

    impl SeededRandom {
        /// The bytes that follow from `seed`.
        #[must_use]
        pub fn new(seed: u64) -> Self {
            Self(Mutex::new(StdRng::seed_from_u64(seed)))
        }
    }

    impl Random for SeededRandom {
        fn fill(&self, buffer: &mut [u8]) -> std::io::Result<()> {
            self.0
                .lock()
                .map_err(|_| std::io::Error::other("a thread that held the generator panicked"))?
                .fill_bytes(buffer);
            Ok(())
        }
    }
}
