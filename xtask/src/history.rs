//! How long each step took last time; kept in the cache folder, shared by clones.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;

#[derive(Debug)]
pub struct History {
    path: PathBuf,
    /// Cold runs are compared with cold runs.
    prefix: &'static str,
    seconds: Mutex<BTreeMap<String, f64>>,
}

impl History {
    /// An unreadable history is an empty one: it decides nothing.
    pub fn open(path: &Path, cold: bool) -> Self {
        let seconds = fs::read(path).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        Self { path: path.to_owned(), prefix: if cold { "cold " } else { "" }, seconds: Mutex::new(seconds) }
    }

    pub fn last(&self, name: &str) -> Option<Duration> {
        let seconds = self.seconds.lock().unwrap_or_else(PoisonError::into_inner);
        seconds.get(&format!("{}{name}", self.prefix)).and_then(|seconds| Duration::try_from_secs_f64(*seconds).ok())
    }

    pub fn record(&self, name: &str, took: Duration) {
        let mut seconds = self.seconds.lock().unwrap_or_else(PoisonError::into_inner);
        seconds.insert(format!("{}{name}", self.prefix), took.as_secs_f64());
    }

    /// Written beside and moved into place, so that a reader never sees half of it.
    pub fn save(&self) -> anyhow::Result<()> {
        let seconds = self.seconds.lock().unwrap_or_else(PoisonError::into_inner);
        let beside = self.path.with_extension(format!("{}.new", std::process::id()));
        fs::write(&beside, serde_json::to_vec_pretty(&*seconds)?)
            .and_then(|()| fs::rename(&beside, &self.path))
            .with_context(|| format!("writing {}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cold_and_warm_are_kept_apart_and_survive() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.json");
        let warm = History::open(&path, false);
        warm.record("unit", Duration::from_secs(7));
        warm.save().unwrap();
        let cold = History::open(&path, true);
        assert_eq!(cold.last("unit"), None);
        cold.record("unit", Duration::from_secs(70));
        cold.save().unwrap();
        assert_eq!(History::open(&path, false).last("unit"), Some(Duration::from_secs(7)));
        assert_eq!(History::open(&path, true).last("unit"), Some(Duration::from_secs(70)));
    }

    #[test]
    fn a_broken_history_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.json");
        fs::write(&path, "{").unwrap();
        assert_eq!(History::open(&path, false).last("unit"), None);
    }
}
