//! What the operator remembers of instances besides the caches. Losing it costs some reads, nothing else.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Identity Secrets, which may not be watched: what was last seen of them, and when.
#[derive(Debug, Default)]
pub struct Memory {
    secrets: Mutex<HashMap<String, (Option<String>, Instant)>>,
}

impl Memory {
    fn secrets(&self) -> MutexGuard<'_, HashMap<String, (Option<String>, Instant)>> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The uid of an instance's identity Secret (`None` inside: there was none), if it was looked at less than `age`
    /// ago.
    #[must_use]
    pub fn secret(&self, instance_uid: &str, age: Duration) -> Option<Option<String>> {
        let secrets = self.secrets();
        let (seen, when) = secrets.get(instance_uid)?;
        (when.elapsed() < age).then(|| seen.clone())
    }

    /// Notes what was seen of an instance's identity Secret.
    pub fn saw_secret(&self, instance_uid: &str, secret_uid: Option<String>) {
        self.secrets().insert(instance_uid.to_owned(), (secret_uid, Instant::now()));
    }

    /// Forgets instances that are gone.
    pub fn retain(&self, exists: impl Fn(&str) -> bool) {
        self.secrets().retain(|uid, _| exists(uid));
    }
}
