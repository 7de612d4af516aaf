//! The cell: which cluster this is, how much room is left, and what the `Cell` object means to all other reconcilers.

mod facts;

use std::collections::BTreeMap;
use std::sync::Arc;

use crd::{Cell, CellStatus, Instance, condition};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::storage::v1::StorageClass;
use kube::runtime::controller::Action;
use kube::runtime::reflector::Store;
use kube::{Api, ResourceExt as _};

pub use facts::{CellFacts, Networks};

use crate::cache::{Caches, Trigger};
use crate::condition::Conditions;
use crate::context::Context;
use crate::controller::{Concern, Reconciler};
use crate::error::{Error, Step};
use crate::status;

/// Keeps the status of the `Cell` object.
pub struct CellReconciler;

impl Reconciler for CellReconciler {
    type Object = Cell;

    const KIND: &'static str = "Cell";

    fn store(caches: &Caches) -> Store<Cell> {
        caches.cells.clone()
    }

    fn concerned(_: &Caches, _: &Trigger) -> Concern {
        // Instances take room.
        Concern::All
    }

    async fn reconcile(context: Arc<Context>, cell: Arc<Cell>) -> Result<Action, Error> {
        let seen = observe(&context, &cell).await?;
        if cell.annotations().contains_key(crd::labels::PAUSED) {
            return Ok(Action::requeue(context.config.resync));
        }
        let old = cell.status.clone().unwrap_or_default();
        let new = next(&cell, old.clone(), &seen, context.clock.now());
        status::save(&context.client, &*cell, &old, &new).await?;
        Ok(Action::requeue(context.config.resync))
    }
}

/// What was seen of the cluster.
struct Seen {
    cluster_uid: String,
    storage_class: bool,
    instances: BTreeMap<String, u32>,
    store: Result<(), String>,
}

/// What of the cluster does not change while the cell's generation stays the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    generation: Option<i64>,
    /// The uid of the namespace `kube-system`.
    pub cluster_uid: String,
    /// Whether the cell's StorageClass lets volumes grow; `None` when there is no such class.
    pub volumes_grow: Option<bool>,
}

async fn observe(context: &Context, cell: &Cell) -> Result<Seen, Error> {
    let mut ground = ground(context, cell).await?;
    if ground.volumes_grow.is_none() {
        ground = look(context, cell).await?; // somebody may have made the class meanwhile
    }
    let mut instances = BTreeMap::new();
    for instance in context.caches.instances.state() {
        *instances.entry(instance.spec.size.as_str().to_owned()).or_default() += 1;
    }
    let store = context
        .store
        .configure(&cell.spec.object_store, cell.spec.trust_bundle.as_deref())
        .map_err(|error| error.to_string());
    Ok(Seen { cluster_uid: ground.cluster_uid, storage_class: ground.volumes_grow.is_some(), instances, store })
}

/// What of the cluster does not change, looked at once for each generation of the cell.
///
/// # Errors
/// What the API server says.
pub async fn ground(context: &Context, cell: &Cell) -> Result<Ground, Error> {
    let known = || context.ground().filter(|ground| ground.generation == cell.metadata.generation);
    if let Some(ground) = known() {
        return Ok(ground);
    }
    // One looks, the others wait for what it saw.
    let _looking = context.looking.lock().await;
    match known() {
        Some(ground) => Ok(ground),
        None => look(context, cell).await,
    }
}

async fn look(context: &Context, cell: &Cell) -> Result<Ground, Error> {
    let namespaces: Api<Namespace> = Api::all(context.client.clone());
    let system = namespaces
        .get_metadata("kube-system")
        .await
        .map_err(|error| Error::kube(Step::Observe, "reading Namespace kube-system", error))?;
    let classes: Api<StorageClass> = Api::all(context.client.clone());
    let class = classes.get_opt(&cell.spec.storage_class).await.map_err(|error| {
        let doing = format!("reading StorageClass {}", cell.spec.storage_class);
        Error::kube(Step::Observe, doing, error)
    })?;
    let ground = Ground {
        generation: cell.metadata.generation,
        cluster_uid: system.metadata.uid.unwrap_or_default(),
        volumes_grow: class.map(|class| class.allow_volume_expansion == Some(true)),
    };
    context.set_ground(ground.clone());
    Ok(ground)
}

fn next(cell: &Cell, old: CellStatus, seen: &Seen, now: jiff::Timestamp) -> CellStatus {
    let mut conditions = Conditions::new(old.conditions, now, cell.metadata.generation);
    // Written once: the objects may have been copied here from another cluster, and then nothing may be destroyed on
    // their word.
    let recorded = old.cluster_uid.unwrap_or_else(|| seen.cluster_uid.clone());
    let wrong = match CellFacts::parse(&cell.spec) {
        Ok(_) if recorded != seen.cluster_uid => Some((
            "WrongCluster",
            format!(
                "the cell was recorded in cluster {recorded}, and this is {}: to take over for good, remove \
                 status.clusterUid from the cell (docs/operating.md)",
                seen.cluster_uid
            ),
        )),
        Err(message) => Some(("Unreadable", message)),
        Ok(_) if !seen.storage_class => Some((
            "StorageClassMissing",
            format!(
                "there is no StorageClass {}: make it, or name another one in spec.storageClass",
                cell.spec.storage_class
            ),
        )),
        Ok(_) => seen.store.as_ref().err().map(|message| ("ObjectStore", message.clone())),
    };
    match wrong {
        Some((reason, message)) => conditions.set(condition::ACCEPTED, false, reason, &message),
        None => conditions.set(condition::ACCEPTED, true, "Accepted", ""),
    }
    let room = cell
        .spec
        .room
        .iter()
        .map(|(size, most)| {
            let taken = seen.instances.get(size).copied().unwrap_or(0);
            (size.clone(), most.saturating_sub(taken))
        })
        .collect();
    CellStatus {
        cluster_uid: Some(recorded),
        room,
        conditions: conditions.into_list(),
        // The purger's.
        breaker: old.breaker,
        recent_purges: old.recent_purges,
        instances: old.instances,
    }
}

/// Whether there is room for one more instance of this size. Those that came first count first, so that the answer is
/// the same whoever is asked first.
#[must_use]
pub fn has_room(facts: &CellFacts, instance: &Instance, all: &[Arc<Instance>]) -> bool {
    let Some(&most) = facts.room.get(instance.spec.size.as_str()) else {
        return true;
    };
    let before = all.iter().filter(|other| other.spec.size == instance.spec.size && is_older(other, instance)).count();
    u32::try_from(before).unwrap_or(u32::MAX) < most
}

/// Whether `one` was made before `other`; of two that were made in the same second, the lesser uid counts as older.
#[must_use]
pub fn is_older(one: &Instance, other: &Instance) -> bool {
    let key = |instance: &Instance| (instance.creation_timestamp().map(|time| time.0), instance.uid());
    key(one) < key(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn cell(room: serde_json::Value) -> Cell {
        serde_json::from_value(json!({
            "apiVersion": "steppe.host/v1alpha1", "kind": "Cell", "metadata": { "name": "cell" },
            "spec": {
                "zone": "ponds.test", "ingress": { "className": "door" },
                "objectStore": { "endpoint": "http://store", "bucket": "bundles" },
                "networks": {}, "storageClass": "shelf", "versions": [], "room": room,
            },
        }))
        .unwrap()
    }

    fn instance(name: &str, size: &str, second: u32) -> Arc<Instance> {
        serde_json::from_value(json!({
            "apiVersion": "steppe.host/v1alpha1", "kind": "Instance",
            "metadata": {
                "name": name, "uid": format!("uid-{name}"), "creationTimestamp": format!("2026-01-01T00:00:{second:02}Z"),
            },
            "spec": {
                "flavour": "snac", "version": "2.75", "size": size, "hostname": format!("{name}.ponds.test"),
                "owner": { "handle": "a" },
            },
        }))
        .map(Arc::new)
        .unwrap()
    }

    fn seen() -> Seen {
        Seen {
            cluster_uid: "here".to_owned(),
            storage_class: true,
            instances: BTreeMap::from([("small".to_owned(), 3)]),
            store: Ok(()),
        }
    }

    const NOW: jiff::Timestamp = jiff::Timestamp::UNIX_EPOCH;

    #[test]
    fn room_goes_to_those_that_came_first() {
        let facts = CellFacts::parse(&cell(json!({ "small": 2 })).spec).unwrap();
        let all = [
            instance("c", "small", 2),
            instance("a", "small", 1),
            instance("b", "small", 1),
            instance("d", "large", 0),
        ];
        let fits: Vec<&str> = all
            .iter()
            .filter(|one| has_room(&facts, one, &all))
            .map(|one| one.metadata.name.as_deref().unwrap())
            .collect();
        assert_eq!(fits, ["a", "b", "d"]);
    }

    #[test]
    fn the_status_says_which_cluster_and_how_much_room_and_keeps_what_is_the_purgers() {
        let breaker = json!({ "reason": "TooMany", "message": "x", "since": NOW });
        let breaker: crd::cell::Breaker = serde_json::from_value(breaker).unwrap();
        let old = CellStatus { breaker: Some(breaker.clone()), instances: Some(7), ..CellStatus::default() };
        let status = next(&cell(json!({ "small": 5, "large": 1 })), old, &seen(), NOW);
        assert_eq!(status.cluster_uid.as_deref(), Some("here"));
        assert_eq!(status.room, BTreeMap::from([("large".to_owned(), 1), ("small".to_owned(), 2)]));
        assert_eq!((status.breaker, status.instances), (Some(breaker), Some(7)));
        assert!(condition::is_true(&status.conditions, condition::ACCEPTED));
    }

    #[test]
    fn a_copied_cell_keeps_the_uid_of_its_cluster_and_says_so() {
        let cell = cell(json!({}));
        let first = next(&cell, CellStatus::default(), &seen(), NOW);
        assert_eq!(first.cluster_uid.as_deref(), Some("here"));
        let elsewhere = Seen { cluster_uid: "elsewhere".to_owned(), ..seen() };
        let copied = next(&cell, first, &elsewhere, NOW);
        assert_eq!(copied.cluster_uid.as_deref(), Some("here"));
        assert_eq!(copied.conditions[0].reason, "WrongCluster");
    }

    #[test]
    fn what_is_wrong_with_a_cell_is_said() {
        let reason =
            |cell: &Cell, seen: &Seen| next(cell, CellStatus::default(), seen, NOW).conditions[0].reason.clone();
        let classless = Seen { storage_class: false, ..seen() };
        assert_eq!(reason(&cell(json!({})), &classless), "StorageClassMissing");
        let storeless = Seen { store: Err("no".to_owned()), ..seen() };
        assert_eq!(reason(&cell(json!({})), &storeless), "ObjectStore");
        let mut crooked = cell(json!({}));
        crooked.spec.networks.pods = vec!["everywhere".to_owned()];
        assert_eq!(reason(&crooked, &seen()), "Unreadable");
    }
}
