//! A cell in memory, for tests: keeps the rules of the definitions that matter here, answers like an operator, and fails when
//! it is told to.

mod operator;
mod watcher;

pub use operator::password;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crd::{AccountChange, Cell, CellStatus, Export, Instance};
use futures::stream::{BoxStream, StreamExt as _, unfold};
use kube::ResourceExt as _;
use serde_json::json;
use tokio::sync::{mpsc, watch};

use super::{Answer, Cluster, ClusterError, Kind, News, Object};

/// What can be called, for making a call fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    /// Reading the cell.
    Cell,
    /// Reading a server.
    Instance,
    /// Writing a server.
    ApplyInstance,
    /// Asking for a bundle.
    CreateExport,
    /// Asking for a bundle's key.
    ClaimKey,
    /// Asking for a change to an account.
    CreateAccountChange,
}

/// How a call fails.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Nothing is done.
    Before(ClusterError),
    /// It is done, and the answer is lost.
    After(ClusterError),
}

/// A cell in memory.
pub struct FakeCluster {
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

struct State {
    cell: Cell,
    instances: BTreeMap<String, Instance>,
    exports: BTreeMap<String, Export>,
    changes: BTreeMap<String, AccountChange>,
    unreachable: bool,
    /// Whether there is an operator that does at once what is wished.
    operator: bool,
    faults: HashMap<Call, VecDeque<Fault>>,
    calls: Vec<Call>,
    /// Goes up with each write: resource versions and uids are made of it.
    number: u64,
    /// Goes up when all watches begin anew.
    epoch: u64,
}

impl FakeCluster {
    /// A cell in the cluster with this uid, which does what is wished at once.
    ///
    /// # Errors
    /// When its own text is no cell any more.
    pub fn new(cluster_uid: &str) -> serde_json::Result<Arc<Self>> {
        let mut state = State {
            cell: cell()?,
            instances: BTreeMap::new(),
            exports: BTreeMap::new(),
            changes: BTreeMap::new(),
            unreachable: false,
            operator: true,
            faults: HashMap::new(),
            calls: Vec::new(),
            number: 1,
            epoch: 0,
        };
        state.cell.status = Some(CellStatus { cluster_uid: Some(cluster_uid.to_owned()), ..CellStatus::default() });
        state.stamp_cell();
        Ok(Arc::new(Self { state: Mutex::new(state), changed: watch::channel(0).0 }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state();
        let done = change(&mut state);
        if state.operator {
            while state.work() {}
        }
        drop(state);
        self.changed.send_modify(|version| *version += 1);
        done
    }

    /// Whether there is an operator that does at once what is wished. Without one, [`FakeCluster::work`] does the next step.
    pub fn set_operator(&self, is_there: bool) {
        self.change(|state| state.operator = is_there);
    }

    /// Does the next step of everything that is wished. Whether there was one.
    pub fn work(&self) -> bool {
        self.change(State::work)
    }

    /// Makes the next such call fail.
    pub fn fail(&self, call: Call, fault: Fault) {
        self.state().faults.entry(call).or_default().push_back(fault);
    }

    /// Cuts the cell off, or connects it again.
    pub fn set_unreachable(&self, is_unreachable: bool) {
        self.change(|state| state.unreachable = is_unreachable);
    }

    /// From now on this is another cluster behind the same address; connections and watches begin anew.
    pub fn become_cluster(&self, uid: &str) {
        self.change(|state| {
            if let Some(status) = &mut state.cell.status {
                status.cluster_uid = Some(uid.to_owned());
            }
            state.stamp_cell();
            state.epoch += 1;
        });
    }

    /// Changes the cell object.
    pub fn set_cell(&self, change: impl FnOnce(&mut Cell)) {
        self.change(|state| {
            change(&mut state.cell);
            state.stamp_cell();
        });
    }

    /// Puts an object there that we did not ask for: what somebody else made, or a later database.
    pub fn put_instance(&self, instance: Instance) {
        self.change(|state| state.put_instance(instance));
    }

    /// As [`FakeCluster::put_instance`]. An export of the night is such a one.
    pub fn put_export(&self, export: Export) {
        self.change(|state| state.put_export(export));
    }

    /// Takes a server away, as the purger does in the end.
    pub fn purge(&self, name: &str) {
        self.change(|state| state.instances.remove(name));
    }

    /// A server as it is there.
    #[must_use]
    pub fn find_instance(&self, name: &str) -> Option<Instance> {
        self.state().instances.get(name).cloned()
    }

    /// All bundles that are there.
    #[must_use]
    pub fn exports(&self) -> Vec<Export> {
        self.state().exports.values().cloned().collect()
    }

    /// All changes to accounts that are there.
    #[must_use]
    pub fn account_changes(&self) -> Vec<AccountChange> {
        self.state().changes.values().cloned().collect()
    }

    /// All calls so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// One call: cut off, failing as it was told, or done.
    fn call<'a, T: Send + 'a>(
        &'a self,
        call: Call,
        act: impl FnOnce(&mut State) -> Result<T, ClusterError> + Send + 'a,
    ) -> Answer<'a, T> {
        Box::pin(async move {
            // As over a network: whoever else is there gets a turn.
            tokio::task::yield_now().await;
            self.change(|state| {
                state.calls.push(call);
                if state.unreachable {
                    return Err(ClusterError::Unreachable("no route to host".to_owned()));
                }
                match state.faults.get_mut(&call).and_then(VecDeque::pop_front) {
                    None => act(state),
                    Some(Fault::Before(error)) => Err(error),
                    Some(Fault::After(error)) => act(state).and(Err(error)),
                }
            })
        })
    }
}

fn cell() -> serde_json::Result<Cell> {
    let spec = json!({
        "zone": "birds.example", "ingress": { "className": "fake" },
        "objectStore": { "endpoint": "https://store.example", "bucket": "bundles" },
        "networks": {}, "storageClass": "fake", "versions": [{ "flavour": "snac", "version": "2.75", "image": "snac:2.75" }]
    });
    Ok(Cell::new(crd::labels::CELL, serde_json::from_value(spec)?))
}

impl State {
    fn next(&mut self) -> String {
        self.number += 1;
        self.number.to_string()
    }

    fn stamp_cell(&mut self) {
        self.cell.metadata.resource_version = Some(self.next());
        self.cell.metadata.uid.get_or_insert_with(|| "cell-uid".to_owned());
    }

    fn put_instance(&mut self, mut instance: Instance) {
        let (name, number) = (instance.name_any(), self.next());
        let before = self.instances.get(&name);
        instance.metadata.uid =
            before.and_then(|before| before.metadata.uid.clone()).or_else(|| Some(format!("uid-{number}")));
        let generation = before.and_then(|before| before.metadata.generation).unwrap_or(0);
        let changed = before.is_none_or(|before| before.spec != instance.spec);
        instance.metadata.generation = Some(generation + i64::from(changed));
        instance.metadata.resource_version = Some(number);
        self.instances.insert(name, instance);
    }

    fn put_export(&mut self, mut export: Export) {
        let (name, number) = (export.name_any(), self.next());
        export.metadata.uid.get_or_insert_with(|| format!("uid-{number}"));
        export.metadata.resource_version = Some(number);
        self.exports.insert(name, export);
    }

    fn put_change(&mut self, mut change: AccountChange) {
        let (name, number) = (change.name_any(), self.next());
        change.metadata.uid.get_or_insert_with(|| format!("uid-{number}"));
        change.metadata.resource_version = Some(number);
        self.changes.insert(name, change);
    }

    fn apply_instance(&mut self, wish: &Instance) -> Result<(), ClusterError> {
        let before = self.instances.get(&wish.name_any());
        let old = before.and_then(|before| before.spec.revision);
        if old > wish.spec.revision {
            let message = "the revision never falls: a writer with an older database must stop";
            return Err(ClusterError::Behind(message.to_owned()));
        }
        let status = before.and_then(|before| before.status.clone());
        self.put_instance(Instance { status, ..wish.clone() });
        Ok(())
    }

    /// All objects by kind and name, with their resource versions.
    fn objects(&self) -> Vec<(Kind, String, String, Object)> {
        let version = |object: &dyn Fn() -> Option<String>| object().unwrap_or_default();
        let mut all = vec![(
            Kind::Cell,
            self.cell.name_any(),
            version(&|| self.cell.resource_version()),
            Object::Cell(Arc::new(self.cell.clone())),
        )];
        all.extend(self.instances.iter().map(|(name, one)| {
            let object = Object::Instance(Arc::new(one.clone()));
            (Kind::Instance, name.clone(), version(&|| one.resource_version()), object)
        }));
        all.extend(self.exports.iter().map(|(name, one)| {
            let object = Object::Export(Arc::new(one.clone()));
            (Kind::Export, name.clone(), version(&|| one.resource_version()), object)
        }));
        all.extend(self.changes.iter().map(|(name, one)| {
            let object = Object::AccountChange(Arc::new(one.clone()));
            (Kind::AccountChange, name.clone(), version(&|| one.resource_version()), object)
        }));
        all
    }
}

impl Cluster for Arc<FakeCluster> {
    fn cell(&self) -> Answer<'_, Cell> {
        self.call(Call::Cell, |state| Ok(state.cell.clone()))
    }

    fn instance<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Instance>> {
        self.call(Call::Instance, |state| Ok(state.instances.get(name).cloned()))
    }

    fn apply_instance<'a>(&'a self, wish: &'a Instance) -> Answer<'a, ()> {
        self.call(Call::ApplyInstance, |state| state.apply_instance(wish))
    }

    fn create_export<'a>(&'a self, export: &'a Export) -> Answer<'a, ()> {
        self.call(Call::CreateExport, |state| match state.exports.get(&export.name_any()) {
            Some(found) if found.spec.instance_ref == export.spec.instance_ref => Ok(()),
            Some(_) => Err(ClusterError::Invalid("it is there already and is about something else".to_owned())),
            None => {
                state.put_export(export.clone());
                Ok(())
            }
        })
    }

    fn claim_key<'a>(&'a self, export: &'a str, recipient: &'a str) -> Answer<'a, ()> {
        self.call(Call::ClaimKey, |state| {
            let mut found =
                state.exports.get(export).cloned().ok_or_else(|| ClusterError::Missing(export.to_owned()))?;
            found.spec.key_claim = Some(recipient.to_owned());
            state.put_export(found);
            Ok(())
        })
    }

    fn create_account_change<'a>(&'a self, change: &'a AccountChange) -> Answer<'a, ()> {
        self.call(Call::CreateAccountChange, |state| match state.changes.get(&change.name_any()) {
            Some(found) if found.spec == change.spec => Ok(()),
            Some(_) => Err(ClusterError::Invalid("it is there already and is about something else".to_owned())),
            None => {
                state.put_change(change.clone());
                Ok(())
            }
        })
    }

    fn watch(&self) -> BoxStream<'static, Result<News, ClusterError>> {
        let (sender, receiver) = mpsc::channel(64);
        let cluster = self.clone();
        tokio::spawn(async move {
            // Ends when nobody listens any more.
            let _ = cluster.tell(sender).await;
        });
        unfold(receiver, |mut receiver| async { receiver.recv().await.map(|news| (news, receiver)) }).boxed()
    }
}
