//! Whether servers answer: through their Service (is the program there?) and through their public address (are DNS,
//! certificate and ingress right?).
//!
//! Probing runs beside reconciling. What it finds is kept in memory; a reconcile is asked for only when a verdict
//! changes, so that an idle fleet writes nothing.

mod dwell;
mod http;
mod probes;

use std::sync::Arc;

use futures::future::BoxFuture;

pub use dwell::{Streak, Verdict};
pub use http::HttpProber;
pub use probes::{Health, Probed, Probes};

/// What to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The address to get.
    pub url: String,
    /// The `Host` header, where it is not the address's own.
    pub host: Option<String>,
    /// Text that must be in the answer; proves that it is this server's and not another's.
    pub expect: Option<String>,
    /// The only certificates to trust, PEM; the machine's own where absent.
    pub trust: Option<Arc<str>>,
}

/// Looks whether a server answers.
pub trait Prober: Send + Sync + 'static {
    /// Asks once, with a time-out of its own.
    ///
    /// The error says what came instead of an answer, for people: it goes into a condition's message, so it holds
    /// nothing that changes from one try to the next.
    fn probe<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<(), String>>;
}

/// A prober for tests.
pub mod fake {
    use std::collections::HashMap;
    use std::sync::{Mutex, PoisonError};

    use futures::future::BoxFuture;

    use super::{Prober, Target};

    /// Answers what it was told to; what it was not told of answers well.
    #[derive(Debug, Default)]
    pub struct FakeProber {
        failures: Mutex<HashMap<String, String>>,
        asked: Mutex<Vec<String>>,
    }

    impl FakeProber {
        /// From now on, addresses that contain `part` fail with `message`, or answer well again without one.
        pub fn set(&self, part: &str, message: Option<&str>) {
            let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
            match message {
                Some(message) => failures.insert(part.to_owned(), message.to_owned()),
                None => failures.remove(part),
            };
        }

        /// All addresses that were asked, in order.
        pub fn asked(&self) -> Vec<String> {
            self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
        }
    }

    impl Prober for FakeProber {
        fn probe<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<(), String>> {
            self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(target.url.clone());
            let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
            let failure = failures
                .iter()
                .find(|(part, _)| target.url.contains(part.as_str()))
                .map(|(_, message)| message.clone());
            Box::pin(std::future::ready(failure.map_or(Ok(()), Err)))
        }
    }
}
