//! What the operator knows of the cluster: one watch per kind, shared by all reconcilers, which read from here and not
//! from the API.
//!
//! Custom resources are held whole but for managed fields. Of owned objects only a [`Held`] is kept. Whenever something
//! that matters changes, a [`Trigger`] is sent to all reconcilers.

mod held;
mod leaves;
mod owned;
mod seen;
mod watch;

use std::sync::Arc;

use crd::{AccountChange, Cell, Export, Instance, labels};
use kube::runtime::reflector::{ObjectRef, Store, store};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

pub use held::Held;
pub use leaves::Leaves;
pub use owned::Owned;
pub use seen::{Ended, Seen};

use crate::kind::Kind;
use crate::metrics::Metrics;

/// Says whose state may have changed. A receiver that lags behind must look at everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// Something of this instance, by name: its object, one of its owned objects or a piece of work on it.
    Instance {
        /// The instance's name.
        name: String,
        /// The uid of the work object that the changed object belongs to, if it does to one.
        work_uid: Option<String>,
    },
    /// Everyone: the cell changed, or a watch began anew.
    All,
}

/// The shared caches. Cheap to clone.
#[derive(Clone)]
pub struct Caches {
    /// Every instance of the cluster, whatever the selector: a host name may be taken by any of them.
    pub instances: Store<Instance>,
    /// The cell, if it exists.
    pub cells: Store<Cell>,
    /// Exports that match the selector.
    pub exports: Store<Export>,
    /// Account changes that match the selector.
    pub accounts: Store<AccountChange>,
    /// Objects that carry our label.
    pub owned: Owned,
    triggers: broadcast::Sender<Trigger>,
    synced: watch::Synced,
}

/// How many triggers a slow receiver may lag behind before it looks at everything instead.
const TRIGGERS: usize = 4096;

impl Caches {
    /// Starts all watches; they run until `stop`. [`Caches::ready`] waits for the first lists.
    #[must_use]
    pub fn start(client: &kube::Client, selector: Option<&str>, metrics: &Metrics, stop: &CancellationToken) -> Self {
        let (triggers, _) = broadcast::channel(TRIGGERS);
        let (instances, instance_writer) = store();
        let (cells, cell_writer) = store();
        let (exports, export_writer) = store();
        let (accounts, account_writer) = store();
        let owned = Owned::default();
        let synced = watch::Synced::default();
        let source = watch::Source {
            client: client.clone(),
            triggers: triggers.clone(),
            metrics: metrics.clone(),
            synced: synced.clone(),
            stop: stop.clone(),
        };
        source
            .resource(None, instance_writer, |instance: &Instance| Some(about(instance.metadata.name.clone()?, None)));
        // Its status changes with every new instance, which matters to none of the others.
        let mut wish = None;
        source.resource(None, cell_writer, move |cell: &Cell| {
            let new = (cell.metadata.generation, cell.metadata.annotations.clone());
            let changed = wish.as_ref() != Some(&new);
            wish = Some(new);
            changed.then_some(Trigger::All)
        });
        source.resource(selector, export_writer, |export: &Export| {
            Some(about(export.spec.instance_ref.name.clone(), export.metadata.uid.clone()))
        });
        source.resource(selector, account_writer, |change: &AccountChange| {
            Some(about(change.spec.instance_ref.name.clone(), change.metadata.uid.clone()))
        });
        for kind in Kind::WATCHED {
            source.owned(kind, owned.clone());
        }
        Self { instances, cells, exports, accounts, owned, triggers, synced }
    }

    /// Waits until every watch has had its first list; `false` when `stop` came first.
    pub async fn ready(&self, stop: &CancellationToken) -> bool {
        tokio::select! {
            () = self.synced.wait() => true,
            () = stop.cancelled() => false,
        }
    }

    /// Whether every watch has had its first list.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.synced.is_done()
    }

    /// All triggers from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Trigger> {
        self.triggers.subscribe()
    }

    /// Asks for another look at an instance and the work on it.
    pub fn poke(&self, instance: &str) {
        // Nobody listening is fine: a reconciler that starts later looks at everything.
        let _ = self.triggers.send(about(instance.to_owned(), None));
    }

    /// The cell's object, if the watch has seen it.
    #[must_use]
    pub fn cell(&self) -> Option<Arc<Cell>> {
        self.cells.get(&ObjectRef::new(labels::CELL))
    }

    /// The instance with this name.
    #[must_use]
    pub fn instance(&self, name: &str) -> Option<Arc<Instance>> {
        self.instances.get(&ObjectRef::new(name))
    }
}

fn about(name: String, work_uid: Option<String>) -> Trigger {
    Trigger::Instance { name, work_uid }
}
