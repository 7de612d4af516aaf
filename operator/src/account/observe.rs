//! What an account change's reconcile looks at.

use std::sync::Arc;

use crd::{AccountChange, Cell, Export, Instance, Phase, labels};
use jiff::Timestamp;
use kube::ResourceExt as _;

use super::ROLE;
use crate::cache::Seen;
use crate::context::Context;
use crate::error::Error;
use crate::kind::Kind;
use crate::work::{Job, Work as _, live};

/// All that a change's next step depends on.
#[derive(Debug)]
pub(super) struct Observed {
    pub(super) now: Timestamp,
    pub(super) change: Arc<AccountChange>,
    pub(super) cell: Option<Arc<Cell>>,
    /// The instance, if it exists with the uid that the change names.
    pub(super) instance: Option<Arc<Instance>>,
    pub(super) namespace: String,
    /// The instance's other changes.
    pub(super) changes: Vec<Arc<AccountChange>>,
    pub(super) exports: Vec<Arc<Export>>,
    pub(super) job: Option<Job>,
    /// Whether the server has a pod, which the work's pod must then share a node with: a volume is on one node.
    pub(super) server_pod: bool,
    /// Read once the change runs and has no Job.
    pub(super) live: Option<Live>,
}

/// What only the API itself can tell.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) changes: Vec<AccountChange>,
    pub(super) exports: Vec<Export>,
    /// How many pods the Job has left.
    pub(super) pods_left: usize,
}

pub(super) async fn observe(context: &Context, change: Arc<AccountChange>) -> Result<Observed, Error> {
    let (name, uid) = (change.instance_name().to_owned(), change.instance_uid().to_owned());
    let work_uid = change.uid().unwrap_or_default();
    let mut instance = context.caches.instance(&name).filter(|found| found.uid().as_deref() == Some(uid.as_str()));
    if instance.is_none() && !super::is_over(&change) {
        // The cache may not have heard of it yet.
        instance = live::instance(&context.client, &name, &uid).await?.map(Arc::new);
    }
    let is_other = |other: &Arc<AccountChange>| other.instance_uid() == uid && other.uid() != change.uid();
    let mut observed = Observed {
        now: context.clock.now(),
        cell: context.caches.cell(),
        instance,
        namespace: context.config.namespace(&name),
        changes: context.caches.accounts.state().into_iter().filter(is_other).collect(),
        exports: context.caches.exports.state().into_iter().filter(|export| export.instance_uid() == uid).collect(),
        job: Job::find(context, &name, &work_uid, ROLE).await?,
        server_pod: has_server_pod(context, &name),
        live: None,
        change,
    };
    if observed.change.work().phase == Phase::Running && observed.job.is_none() {
        observed.live = Some(look_live(context, &observed, &work_uid).await?);
    }
    Ok(observed)
}

async fn look_live(context: &Context, observed: &Observed, work_uid: &str) -> Result<Live, Error> {
    let (client, change) = (&context.client, &observed.change);
    // This change's own `Running` was written before any of these is read.
    let mut changes = live::account_changes(client, change.instance_uid()).await?;
    changes.retain(|other| other.uid() != change.uid());
    Ok(Live {
        exports: live::exports(client, change.instance_uid()).await?,
        pods_left: live::work_pods(client, &observed.namespace, work_uid).await?.len(),
        changes,
    })
}

fn has_server_pod(context: &Context, instance: &str) -> bool {
    context.caches.owned.of(instance).iter().any(|held| {
        let over = matches!(&held.seen, Seen::Pod { phase, .. } if phase == "Succeeded" || phase == "Failed");
        held.kind == Kind::Pod && held.label(labels::ROLE) == Some("server") && !held.deleting && !over
    })
}
