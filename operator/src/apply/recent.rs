//! Our own last writes, until the caches show them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crd::labels;
use kube::api::ObjectMeta;
use tokio::time::Instant;

use crate::cache::Held;
use crate::kind::Kind;

/// A watch is behind by milliseconds; after this time something else may be the matter.
const DOUBT: Duration = Duration::from_secs(10);

/// An object that we wrote.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) kind: Kind,
    pub(super) namespace: Option<String>,
    pub(super) name: String,
}

impl Key {
    pub(super) fn path(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{} {namespace}/{}", self.kind, self.name),
            None => format!("{} {}", self.kind, self.name),
        }
    }
}

#[derive(Debug, Clone)]
struct Write {
    uid: Option<String>,
    version: u64,
    when: Instant,
}

/// Our own last writes, by instance, until the caches show them. Versions of one object can be compared as numbers
/// (guaranteed from Kubernetes 1.35 on).
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<HashMap<String, HashMap<Key, Write>>>);

impl Recent {
    fn writes(&self) -> MutexGuard<'_, HashMap<String, HashMap<Key, Write>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the answer to a write. Kinds that are not watched are not waited for.
    pub(super) fn note(&self, kind: Kind, meta: &ObjectMeta) {
        let owner = meta.labels.as_ref().and_then(|all| all.get(labels::INSTANCE));
        let version = meta.resource_version.as_deref().and_then(|text| text.parse().ok());
        let (Some(owner), Some(version), true) = (owner, version, Kind::WATCHED.contains(&kind)) else {
            return;
        };
        let key = Key { kind, namespace: meta.namespace.clone(), name: meta.name.clone().unwrap_or_default() };
        let write = Write { uid: meta.uid.clone(), version, when: Instant::now() };
        self.writes().entry(owner.clone()).or_default().insert(key, write);
    }

    /// Writes to objects of an instance that `held` does not show, and of each whether that is doubtful. Those that it
    /// shows are forgotten.
    pub(super) fn behind(&self, instance: &str, held: &[Arc<Held>]) -> Vec<(Key, bool)> {
        let mut all = self.writes();
        let Some(writes) = all.get_mut(instance) else {
            return Vec::new();
        };
        for one in held {
            let key = Key { kind: one.kind, namespace: one.namespace.clone(), name: one.name.clone() };
            let shown = writes.get(&key).is_some_and(|write| {
                let newer = write.uid.as_ref() != Some(&one.uid);
                newer || one.resource_version.parse().is_ok_and(|version: u64| version >= write.version)
            });
            if shown {
                writes.remove(&key);
            }
        }
        if writes.is_empty() {
            all.remove(instance);
            return Vec::new();
        }
        writes.iter().map(|(key, write)| (key.clone(), write.when.elapsed() >= DOUBT)).collect()
    }

    pub(super) fn forget(&self, key: &Key) {
        for writes in self.writes().values_mut() {
            writes.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn held(version: &str, uid: &str) -> Arc<Held> {
        let object = json!({"metadata": {"name": "server", "namespace": "space", "uid": uid, "resourceVersion": version, "labels": {labels::INSTANCE: "birds"}}});
        Arc::new(Held::new(Kind::Service, serde_json::from_value(object).unwrap()))
    }

    fn meta(version: &str) -> ObjectMeta {
        serde_json::from_value(json!({"name": "server", "namespace": "space", "uid": "u", "resourceVersion": version, "labels": {labels::INSTANCE: "birds"}})).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_cache_is_behind_until_it_shows_the_last_write() {
        let recent = Recent::default();
        assert!(recent.behind("birds", &[]).is_empty());
        recent.note(Kind::Service, &meta("99"));
        recent.note(Kind::Service, &meta("100"));
        recent.note(Kind::Secret, &meta("100"));
        assert_eq!(recent.behind("birds", &[]).len(), 1);
        assert_eq!(recent.behind("birds", &[held("99", "u")]).len(), 1);
        assert!(recent.behind("fish", &[]).is_empty());
        tokio::time::advance(DOUBT).await;
        assert!(recent.behind("birds", &[held("99", "u")])[0].1);
        assert!(recent.behind("birds", &[held("101", "u")]).is_empty());
        assert!(recent.behind("birds", &[]).is_empty());
        // Made anew by somebody else since.
        recent.note(Kind::Service, &meta("102"));
        assert!(recent.behind("birds", &[held("7", "other")]).is_empty());
    }
}
