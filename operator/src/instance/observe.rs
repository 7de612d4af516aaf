//! First step: look. Everything comes from the caches; the API is read only where an old view could do harm (before a
//! start, before something of an identity is called missing) or where nothing may be watched (Secrets).

mod look;

use std::collections::BTreeMap;
use std::sync::Arc;

use crd::{Cell, Export, Instance, labels};
use jiff::Timestamp;
use kube::ResourceExt as _;

use crate::cache::{Held, Seen};
use crate::cell;
use crate::context::Context;
use crate::error::Error;
use crate::job::outcome;
use crate::kind::Kind;
use crate::probe::Health;
pub use look::secret_sight;

/// Fixed names of a tenant's objects.
pub mod names {
    /// The Deployment, its Service, its ServiceAccount and its Ingress.
    pub const SERVER: &str = "server";
    /// The Service that leads to the cell's 503 page.
    pub const HOLDING: &str = "holding";
    /// The ServiceAccount of jobs.
    pub const JOBS: &str = "jobs";
    /// The Secret that is made at birth.
    pub const IDENTITY: &str = "identity";
    /// The Job that gives birth.
    pub const BIRTH: &str = "birth";
    /// The claim of the server's data.
    pub const DATA: &str = "data";
    /// The ConfigMap with trusted certificates.
    pub const TRUST: &str = "trust";
}

/// The tenant's namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamespaceSight {
    /// There is none.
    Absent,
    /// It is going away.
    Terminating,
    /// It is there.
    Present {
        /// The uid of the instance it belongs to; none on a namespace that is not ours.
        owner: Option<String>,
        /// Our annotations on it.
        annotations: BTreeMap<String, String>,
    },
}

/// The identity Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSight {
    /// Nobody looked, because nothing depends on it now.
    NotAsked,
    /// There is none.
    Missing,
    /// It is there, with this uid.
    Present(String),
    /// The API server does not let us look, for this reason. That proves nothing about what is there.
    Unreadable(String),
}

/// The claim or the volume of a server that has been born.
#[derive(Debug, Clone, PartialEq)]
pub enum DataSight {
    /// Nobody looked: it has not been born.
    NotAsked,
    /// There is none; asked live.
    Missing,
    /// It is there, by the caches or by a live look.
    Present(Arc<Held>),
}

/// Whether a server may be started now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartSight {
    /// Nobody looked, because no start is due.
    NotAsked,
    /// The intent to start is public and no work holds the server stopped: both read live, in this order.
    Clear,
    /// Not now, because of this.
    Held(String),
}

/// All that a reconcile knows.
#[derive(Debug, Clone)]
pub struct Observed {
    /// The instance.
    pub instance: Arc<Instance>,
    /// The cell.
    pub cell: Option<Arc<Cell>>,
    /// When it was looked.
    pub now: Timestamp,
    /// The uid of this cluster, if it has been looked at.
    pub cluster_uid: Option<String>,
    /// The operator's image.
    pub image: String,
    /// Where the 503 page is served.
    pub holding_host: String,
    /// The namespace and the name of the operator's own ServiceAccount.
    pub operator: (String, String),
    /// The older instance with the same host name.
    pub host_taken_by: Option<String>,
    /// Whether the cell has room for it.
    pub has_room: bool,
    /// The name of the tenant's namespace.
    pub namespace_name: String,
    /// The namespace.
    pub namespace: NamespaceSight,
    /// All objects of the instance that carry our label.
    pub owned: Vec<Arc<Held>>,
    /// The instance's exports.
    pub exports: Vec<Arc<Export>>,
    /// The identity Secret.
    pub secret: SecretSight,
    /// The claim.
    pub claim: DataSight,
    /// The volume.
    pub volume: DataSight,
    /// Whether it may be started.
    pub start: StartSight,
    /// What probes found.
    pub health: Health,
    /// Whether volumes can grow here.
    pub volumes_grow: bool,
}

impl Observed {
    /// An object of the instance in its namespace, or without one.
    #[must_use]
    pub fn find(&self, kind: Kind, name: &str) -> Option<&Arc<Held>> {
        self.owned.iter().find(|held| {
            held.kind == kind
                && held.name == name
                && held.namespace.as_ref().is_none_or(|namespace| *namespace == self.namespace_name)
        })
    }

    /// The server's Deployment.
    #[must_use]
    pub fn server(&self) -> Option<&Arc<Held>> {
        self.find(Kind::Deployment, names::SERVER)
    }

    /// Pods of a role.
    pub fn pods<'a>(&'a self, role: &'a str) -> impl Iterator<Item = &'a Arc<Held>> {
        self.owned.iter().filter(move |held| held.kind == Kind::Pod && held.label(labels::ROLE) == Some(role))
    }

    /// Why a container of a role's pods cannot start, if one cannot: what it said itself at its last end, or what the
    /// kubelet says.
    #[must_use]
    pub fn waiting(&self, role: &str) -> Option<String> {
        self.pods(role).find_map(|pod| {
            let Seen::Pod { waiting, ended, .. } = &pod.seen else {
                return None;
            };
            let waiting = waiting.as_ref()?;
            let said = ended.iter().find(|end| end.code != 0 && !end.message.is_empty());
            let said = said.and_then(|end| {
                let failure = outcome::parse::<serde_json::Value>(&end.message).err()?;
                Some(format!("{}: {failure}", end.container))
            });
            Some(said.unwrap_or_else(|| waiting.clone()))
        })
    }

    /// Why the operator has been told to change nothing, if it has.
    #[must_use]
    pub fn paused_by(&self) -> Option<&'static str> {
        if self.instance.annotations().contains_key(labels::PAUSED) {
            Some("the Instance")
        } else if let Some(cell) = &self.cell
            && cell.annotations().contains_key(labels::PAUSED)
        {
            Some("the Cell")
        } else {
            None
        }
    }
}

/// Looks at everything about an instance.
///
/// # Errors
/// When the API server cannot be reached for one of the live reads.
pub async fn observe(context: &Context, instance: Arc<Instance>) -> Result<Observed, Error> {
    let caches = &context.caches;
    let name = instance.name_any();
    let uid = instance.uid().unwrap_or_default();
    let everyone = caches.instances.state();
    let cell = caches.cell();
    let facts = cell.as_ref().and_then(|cell| cell::CellFacts::parse(&cell.spec).ok());
    let ground = match &cell {
        Some(cell) => Some(cell::ground(context, cell).await?),
        None => None,
    };
    let namespace_name = context.config.namespace(&name);
    let owned = caches.owned.of(&name);
    let exports = caches.exports.state().into_iter().filter(|export| export.spec.instance_ref.uid == uid).collect();
    let mut seen = Observed {
        now: context.clock.now(),
        cluster_uid: ground.as_ref().map(|ground| ground.cluster_uid.clone()),
        image: context.config.image.clone(),
        holding_host: context.config.holding_host(),
        operator: (context.config.system_namespace.clone(), context.config.service_account.clone()),
        host_taken_by: host_taken_by(&instance, &everyone),
        has_room: facts.is_none_or(|facts| cell::has_room(&facts, &instance, &everyone)),
        namespace: NamespaceSight::Absent,
        secret: SecretSight::NotAsked,
        claim: DataSight::NotAsked,
        volume: DataSight::NotAsked,
        start: StartSight::NotAsked,
        health: context.probes.health(&uid),
        volumes_grow: ground.is_some_and(|ground| ground.volumes_grow == Some(true)),
        cell,
        namespace_name,
        owned,
        exports,
        instance,
    };
    if seen.paused_by().is_some() || seen.host_taken_by.is_some() {
        return Ok(seen); // nothing will be decided
    }
    seen.namespace = look::namespace(context, &seen).await?;
    if seen.namespace == NamespaceSight::Terminating {
        return Ok(seen); // nor here; and what is in it goes in any order, our own rights too
    }
    look::unborn(context, &seen).await?;
    look::data(context, &mut seen).await?;
    look::start(context, &mut seen).await?;
    look::secret(context, &mut seen).await?;
    Ok(seen)
}

/// The older instance with the same host name. All instances come from one watch in the order of their writing, so an
/// older one is never learnt of later than a younger one.
fn host_taken_by(instance: &Instance, everyone: &[Arc<Instance>]) -> Option<String> {
    everyone
        .iter()
        .filter(|other| other.spec.hostname == instance.spec.hostname && other.uid() != instance.uid())
        .find(|other| cell::is_older(other, instance))
        .map(|other| other.name_any())
}
