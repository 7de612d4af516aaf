//! What an export's reconcile looks at. From the watch caches, but for what must not be stale.

use std::sync::Arc;

use crd::condition::{self, STOPPED};
use crd::{AccountChange, Cell, Export, Instance, Phase};
use jiff::Timestamp;
use kube::ResourceExt as _;

use super::keys::{NoKeys, PlatformKeys};
use super::step;
use crate::context::Context;
use crate::error::Error;
use crate::grants::wire::{Finish, SegmentDone};
use crate::store::{self, layout};
use crate::work::{Job, Work as _, live};

/// A manifest of 2 TiB has about 40 MiB, and so has what the job says at its end.
const LONGEST_FINISH: u64 = 64 << 20;

/// All that an export's next step depends on.
#[derive(Debug)]
pub(super) struct Observed {
    pub(super) now: Timestamp,
    pub(super) export: Arc<Export>,
    pub(super) cell: Option<Arc<Cell>>,
    /// The instance, if it exists with the uid that the export names.
    pub(super) instance: Option<Arc<Instance>>,
    pub(super) namespace: String,
    /// The instance's other exports.
    pub(super) exports: Vec<Arc<Export>>,
    /// The instance's account changes.
    pub(super) accounts: Vec<Arc<AccountChange>>,
    pub(super) job: Option<Job>,
    /// Why the platform cannot sign, if it cannot.
    pub(super) no_keys: Option<NoKeys>,
    /// Why the object store cannot be used now; looked at before an export begins and while it copies.
    pub(super) store_fails: Option<String>,
    /// Read while the server is being stopped, once the cache says that it is down.
    pub(super) live: Option<Live>,
    /// Read while it is being copied.
    pub(super) copy: Copy,
    /// How many pods the Job has left; read live, while it is being ended.
    pub(super) pods_left: Option<usize>,
}

/// What only the API itself can tell.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) instance: Option<Instance>,
    pub(super) server_is_down: bool,
    /// The instance's other exports.
    pub(super) exports: Vec<Export>,
    pub(super) accounts: Vec<AccountChange>,
}

/// How far the copy is.
#[derive(Debug, Default)]
pub(super) struct Copy {
    /// Whether a pod has begun to write.
    pub(super) begun: bool,
    pub(super) done_bytes: u64,
    pub(super) total_bytes: u64,
    pub(super) finish: Option<Finish>,
}

pub(super) async fn observe(context: &Context, export: Arc<Export>) -> Result<Observed, Error> {
    let (name, uid) = (export.instance_name().to_owned(), export.instance_uid().to_owned());
    let cell = context.caches.cell();
    if let Some(cell) = &cell {
        let configured = context.store.configure(&cell.spec.object_store, cell.spec.trust_bundle.as_deref());
        if let Err(error) = configured {
            // The cell's own status says so, too.
            tracing::debug!(%error, "the object store is not the one that the cell names");
        }
    }
    let over = super::is_over(&export);
    let mut instance = context.caches.instance(&name).filter(|found| found.uid().as_deref() == Some(uid.as_str()));
    if instance.is_none() && !over {
        // The cache may not have heard of it yet.
        instance = live::instance(&context.client, &name, &uid).await?.map(Arc::new);
    }
    let mut observed = Observed {
        now: context.clock.now(),
        namespace: context.config.namespace(&name),
        exports: siblings(context, &export),
        accounts: context.caches.accounts.state().into_iter().filter(|change| change.instance_uid() == uid).collect(),
        job: Job::find(context, &name, &export.uid().unwrap_or_default(), super::ROLE).await?,
        no_keys: if over { None } else { PlatformKeys::read(&context.config.keys_dir).err() },
        store_fails: None,
        live: None,
        copy: Copy::default(),
        pods_left: None,
        export,
        cell,
        instance,
    };
    look_closer(context, &mut observed).await?;
    Ok(observed)
}

/// Reads what the present step needs and no cache can tell.
async fn look_closer(context: &Context, observed: &mut Observed) -> Result<(), Error> {
    let work = observed.export.work();
    let uid = observed.export.uid().unwrap_or_default();
    match (work.phase, work.step.as_str()) {
        (Phase::Pending, _) => {
            let asked = context.store.head(&layout::work_order(&uid)).await;
            observed.store_fails = asked.err().map(|error| error.to_string());
        }
        (Phase::Running, step::STOPPING) if is_down(observed) => {
            observed.live = Some(look_live(context, observed, &uid).await?)
        }
        (Phase::Running, step::COPYING) => {
            // A store that fails must not keep the server stopped: what is decided by time is decided all the same.
            match look_at_copy(context, &uid).await {
                Ok(copy) => observed.copy = copy,
                Err(error) => observed.store_fails = Some(error.to_string()),
            }
            let ending = !work.reason.is_empty() || observed.copy.finish.is_some();
            if ending && observed.job.is_none() {
                observed.pods_left = Some(live::work_pods(&context.client, &observed.namespace, &uid).await?.len());
            }
        }
        _ => {}
    }
    Ok(())
}

/// Whether the cache says that the server is down; only then it is worth asking the API.
fn is_down(observed: &Observed) -> bool {
    let status = observed.instance.as_ref().and_then(|instance| instance.status.as_ref());
    status.is_some_and(|status| condition::is_true(&status.conditions, STOPPED))
}

async fn look_live(context: &Context, observed: &Observed, uid: &str) -> Result<Live, Error> {
    let (client, export) = (&context.client, &observed.export);
    // The order matters: this export's own `Running` was written before any of these is read.
    let mut exports = live::exports(client, export.instance_uid()).await?;
    exports.retain(|other| other.uid().as_deref() != Some(uid));
    Ok(Live {
        accounts: live::account_changes(client, export.instance_uid()).await?,
        instance: live::instance(client, export.instance_name(), export.instance_uid()).await?,
        server_is_down: live::server_is_down(client, &observed.namespace).await?,
        exports,
    })
}

async fn look_at_copy(context: &Context, uid: &str) -> Result<Copy, Box<dyn std::error::Error + Send + Sync>> {
    let store = context.store.as_ref();
    let mut copy = Copy::default();
    if let Some(text) = store::read(store, &layout::work_finish(uid), LONGEST_FINISH).await? {
        copy.finish = Some(serde_json::from_slice(&text)?);
        return Ok(copy);
    }
    copy.begun = !store.list(&layout::work_writers(uid)).await?.is_empty();
    if let Some(last) = store.list(&layout::work_segments(uid)).await?.pop()
        && let Some(text) = store::read(store, &last.key, LONGEST_FINISH).await?
        && let Ok(done) = serde_json::from_slice::<SegmentDone>(&text)
    {
        (copy.done_bytes, copy.total_bytes) = (done.done_bytes, done.total_bytes);
    }
    Ok(copy)
}

fn siblings(context: &Context, export: &Export) -> Vec<Arc<Export>> {
    let of_instance =
        |other: &Arc<Export>| other.instance_uid() == export.instance_uid() && other.uid() != export.uid();
    context.caches.exports.state().into_iter().filter(of_instance).collect()
}
