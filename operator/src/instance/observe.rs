//! First step: look. Everything comes from the caches; the API is read only where an old view could do harm (before a
//! start, before something of an identity is called missing) or where nothing may be watched (Secrets).

use std::collections::BTreeMap;
use std::sync::Arc;

use crd::{Cell, Export, Instance, Mode, condition, labels};
use jiff::Timestamp;
use kube::ResourceExt as _;
use kube::api::DynamicObject;

use crate::cache::{Held, Seen};
use crate::context::Context;
use crate::error::{Error, Step};
use crate::kind::Kind;
use crate::probe::Health;
use crate::{cell, export, work};

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
                && held
                    .namespace
                    .as_ref()
                    .is_none_or(|namespace| *namespace == self.namespace_name)
        })
    }

    /// The server's Deployment.
    #[must_use]
    pub fn server(&self) -> Option<&Arc<Held>> {
        self.find(Kind::Deployment, names::SERVER)
    }

    /// Pods of a role.
    pub fn pods<'a>(&'a self, role: &'a str) -> impl Iterator<Item = &'a Arc<Held>> {
        self.owned
            .iter()
            .filter(move |held| held.kind == Kind::Pod && held.label(labels::ROLE) == Some(role))
    }

    /// Why a container of a role's pods cannot start, if one cannot.
    #[must_use]
    pub fn waiting(&self, role: &str) -> Option<String> {
        self.pods(role).find_map(|pod| {
            let Seen::Pod { waiting, .. } = &pod.seen else { return None };
            waiting.clone()
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
    let namespace_name = context.config.namespace(&name);
    let owned = caches.owned.of(&name);
    let exports = caches
        .exports
        .state()
        .into_iter()
        .filter(|export| export.spec.instance_ref.uid == uid)
        .collect();
    let mut seen = Observed {
        now: context.clock.now(),
        image: context.config.image.clone(),
        holding_host: context.config.holding_host(),
        operator: (
            context.config.system_namespace.clone(),
            context.config.service_account.clone(),
        ),
        host_taken_by: host_taken_by(&instance, &everyone),
        has_room: facts.is_none_or(|facts| cell::has_room(&facts, &instance, &everyone)),
        namespace: NamespaceSight::Absent,
        secret: SecretSight::NotAsked,
        claim: DataSight::NotAsked,
        volume: DataSight::NotAsked,
        start: StartSight::NotAsked,
        health: context.probes.health(&uid),
        volumes_grow: context.ground().is_some_and(|ground| ground.volumes_grow == Some(true)),
        cell,
        namespace_name,
        owned,
        exports,
        instance,
    };
    if seen.paused_by().is_some() || seen.host_taken_by.is_some() {
        return Ok(seen); // nothing will be decided
    }
    seen.namespace = namespace(context, &seen).await?;
    unborn(context, &seen).await?;
    data(context, &mut seen).await?;
    start(context, &mut seen).await?;
    secret(context, &mut seen).await?;
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

async fn namespace(context: &Context, seen: &Observed) -> Result<NamespaceSight, Error> {
    let name = seen.namespace_name.as_str();
    // One without our label is in no cache; it may be somebody else's.
    let held = match seen.find(Kind::Namespace, name) {
        Some(held) => held.clone(),
        None => match live(context, Kind::Namespace, None, name).await? {
            Some(held) => held,
            None => return Ok(NamespaceSight::Absent),
        },
    };
    let going = matches!(held.seen, Seen::Namespace { terminating: true });
    if held.deleting || going {
        return Ok(NamespaceSight::Terminating);
    }
    Ok(NamespaceSight::Present {
        owner: held.label(labels::INSTANCE_UID).map(str::to_owned),
        annotations: held.annotations.clone(),
    })
}

/// Makes sure, before anything of an identity is made, that the server has really not been born: an old view would make
/// it a second time. The write of the finalizer makes sure of the same.
async fn unborn(context: &Context, seen: &Observed) -> Result<(), Error> {
    let instance = &seen.instance;
    let held = instance.finalizers().iter().any(|name| name == labels::KEEP_FINALIZER);
    let begun = seen.find(Kind::Job, names::BIRTH).is_some();
    if identity(seen).is_some() || begun || !held || instance.spec.mode == Mode::Closing {
        return Ok(());
    }
    let name = instance.name_any();
    let uid = instance.uid().unwrap_or_default();
    let live = work::live::instance(&context.client, &name, &uid).await?;
    if live.and_then(|live| live.resource_version()) == instance.resource_version() {
        return Ok(());
    }
    Err(Error {
        stale: true,
        ..Error::new(
            Step::Observe,
            format!("looking at Instance {name} before its birth"),
            "it has changed meanwhile",
        )
    })
}

/// Claim and volume of a server that has been born. Before they are called missing, the API is asked: a label that
/// somebody took off hides them from the caches.
async fn data(context: &Context, seen: &mut Observed) -> Result<(), Error> {
    let Some(identity) = identity(seen) else {
        return Ok(());
    };
    let claim = seen
        .find(Kind::PersistentVolumeClaim, names::DATA)
        .filter(|held| held.uid == identity.volume_claim_uid && !held.deleting)
        .cloned();
    let space = seen.namespace_name.clone();
    seen.claim = match claim {
        Some(held) => DataSight::Present(held),
        None => sight(live(context, Kind::PersistentVolumeClaim, Some(&space), names::DATA).await?),
    };
    let volume = seen
        .find(Kind::PersistentVolume, &identity.volume_name)
        .filter(|held| !held.deleting)
        .cloned();
    seen.volume = match volume {
        Some(held) => DataSight::Present(held),
        None => sight(live(context, Kind::PersistentVolume, None, &identity.volume_name).await?),
    };
    Ok(())
}

fn identity(seen: &Observed) -> Option<crd::Identity> {
    seen.instance.status.as_ref()?.identity.clone()
}

fn sight(held: Option<Arc<Held>>) -> DataSight {
    held.map_or(DataSight::Missing, DataSight::Present)
}

/// Asks whether a server may be started, when it should be, its intent is public and it is not up yet. The order of the
/// two reads against the order of an export's write and read is what keeps them apart.
async fn start(context: &Context, seen: &mut Observed) -> Result<(), Error> {
    let instance = &seen.instance;
    let Some(status) = &instance.status else {
        return Ok(());
    };
    let announced = status
        .conditions
        .iter()
        .any(|one| one.type_ == condition::STOPPED && one.status == "False");
    let up = seen
        .server()
        .is_some_and(|server| matches!(server.seen, Seen::Deployment { wanted, .. } if wanted > 0));
    if instance.spec.mode != Mode::Running || status.identity.is_none() || !announced || up {
        return Ok(());
    }
    if seen.exports.iter().any(|export| export::holds_stopped(export)) {
        return Ok(()); // known without asking
    }
    let uid = instance.uid().unwrap_or_default();
    let live = work::live::instance(&context.client, &instance.name_any(), &uid).await?;
    let still = live.and_then(|live| live.status).is_some_and(|status| {
        status
            .conditions
            .iter()
            .any(|one| one.type_ == condition::STOPPED && one.status == "False")
    });
    if !still {
        seen.start = StartSight::Held("its status changed meanwhile".to_owned());
        return Ok(());
    }
    let exports = work::live::exports(&context.client, &uid).await?;
    let holding = exports.iter().find(|export| export::holds_stopped(export));
    seen.start = match holding {
        Some(export) => StartSight::Held(format!("Export {} copies its data", export.name_any())),
        None => StartSight::Clear,
    };
    Ok(())
}

/// The identity Secret: looked at when a birth ends, before each start, and now and then.
async fn secret(context: &Context, seen: &mut Observed) -> Result<(), Error> {
    let delivered = || {
        seen.find(Kind::Job, names::BIRTH)
            .is_some_and(|job| matches!(job.seen, Seen::Job { complete: true, .. }))
    };
    if identity(seen).is_none() && !delivered() {
        return Ok(());
    }
    let uid = seen.instance.uid().unwrap_or_default();
    let age = context.config.identity_check;
    let known = context
        .instances
        .secret(&uid, age)
        .filter(|_| seen.start != StartSight::Clear);
    let found = match known {
        Some(found) => found,
        None => {
            let found = secret_uid(context, &seen.namespace_name).await?;
            context.instances.saw_secret(&uid, found.clone());
            found
        }
    };
    seen.secret = found.map_or(SecretSight::Missing, SecretSight::Present);
    Ok(())
}

/// The uid of the identity Secret in a namespace, read live and without its content.
///
/// # Errors
/// What the API server says.
pub async fn secret_uid(context: &Context, namespace: &str) -> Result<Option<String>, Error> {
    let api = Kind::Secret.api(context.client.clone(), Some(namespace));
    let found = api.get_metadata_opt(names::IDENTITY).await.map_err(|error| {
        let doing = format!("reading Secret {namespace}/{}", names::IDENTITY);
        Error::kube(Step::Observe, doing, error)
    })?;
    Ok(found.and_then(|secret| secret.metadata.uid))
}

async fn live(context: &Context, kind: Kind, namespace: Option<&str>, name: &str) -> Result<Option<Arc<Held>>, Error> {
    let api = kind.api(context.client.clone(), namespace);
    let found: Option<DynamicObject> = api.get_opt(name).await.map_err(|error| {
        let doing = match namespace {
            Some(namespace) => format!("reading {kind} {namespace}/{name}"),
            None => format!("reading {kind} {name}"),
        };
        Error::kube(Step::Observe, doing, error)
    })?;
    Ok(found.map(|object| Arc::new(Held::new(kind, object))))
}
