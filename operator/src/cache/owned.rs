//! The objects that carry our label, by instance.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use crd::labels;

use super::Held;
use crate::kind::Kind;

type Key = (Kind, Option<String>, String);

#[derive(Default)]
struct Index {
    instance_of: HashMap<Key, String>,
    by_instance: HashMap<String, BTreeMap<Key, Arc<Held>>>,
}

/// The objects that carry our label, by instance. Cheap to clone.
#[derive(Clone, Default)]
pub struct Owned(Arc<RwLock<Index>>);

impl Owned {
    /// All objects of an instance, by its name.
    #[must_use]
    pub fn of(&self, instance: &str) -> Vec<Arc<Held>> {
        let index = self.0.read().unwrap_or_else(PoisonError::into_inner);
        index.by_instance.get(instance).map(|objects| objects.values().cloned().collect()).unwrap_or_default()
    }

    /// One object of an instance.
    #[must_use]
    pub fn get(&self, instance: &str, kind: Kind, namespace: Option<&str>, name: &str) -> Option<Arc<Held>> {
        let key = (kind, namespace.map(str::to_owned), name.to_owned());
        let index = self.0.read().unwrap_or_else(PoisonError::into_inner);
        index.by_instance.get(instance)?.get(&key).cloned()
    }

    /// How many objects are held.
    #[must_use]
    pub fn len(&self) -> usize {
        let index = self.0.read().unwrap_or_else(PoisonError::into_inner);
        index.instance_of.len()
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes in an object as it is now; answers whose it is, and was, when the change can matter to them.
    pub(super) fn put(&self, held: Held) -> Vec<(String, Option<String>)> {
        let key = key(&held);
        let Some(instance) = held.label(labels::INSTANCE).map(str::to_owned) else {
            return self.remove(&held);
        };
        let work = held.label(labels::WORK_UID).map(str::to_owned);
        let mut index = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let before = index.instance_of.insert(key.clone(), instance.clone()).and_then(|owner| {
            let objects = index.by_instance.get_mut(&owner)?;
            objects.remove(&key).map(|held| (owner, held))
        });
        let mut concerned = Vec::new();
        match before {
            Some((owner, old)) if owner == instance && !old.matters(&held) => {}
            Some((owner, _)) if owner != instance => {
                concerned.push((owner, None));
                concerned.push((instance.clone(), work));
            }
            Some(_) | None => concerned.push((instance.clone(), work)),
        }
        index.by_instance.entry(instance).or_default().insert(key, Arc::new(held));
        concerned
    }

    /// Forgets an object that is gone or no longer ours.
    pub(super) fn remove(&self, held: &Held) -> Vec<(String, Option<String>)> {
        let mut index = self.0.write().unwrap_or_else(PoisonError::into_inner);
        forget(&mut index, &key(held)).into_iter().collect()
    }

    /// Forgets all objects of a kind but these; used after a new list.
    pub(super) fn retain(&self, kind: Kind, listed: &HashSet<Key>) -> Vec<(String, Option<String>)> {
        let mut index = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let gone: Vec<Key> =
            index.instance_of.keys().filter(|key| key.0 == kind && !listed.contains(*key)).cloned().collect();
        gone.iter().filter_map(|key| forget(&mut index, key)).collect()
    }
}

pub(super) fn key(held: &Held) -> Key {
    (held.kind, held.namespace.clone(), held.name.clone())
}

fn forget(index: &mut Index, key: &Key) -> Option<(String, Option<String>)> {
    let owner = index.instance_of.remove(key)?;
    let objects = index.by_instance.get_mut(&owner)?;
    let held = objects.remove(key)?;
    if objects.is_empty() {
        index.by_instance.remove(&owner);
    }
    let work = held.label(labels::WORK_UID).map(str::to_owned);
    Some((owner, work))
}
