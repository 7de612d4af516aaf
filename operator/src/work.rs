//! What the two kinds of work on an instance share: whose turn it is, marks and deadlines, and the few calls of the API
//! that watch caches cannot replace.
//!
//! Work takes turns without a lock, by writing first and looking after: whoever wants to work writes `Running` into its own
//! status, then reads LIVE what the others have written. Of two that both see each other, the one that [`Turn`] puts later
//! steps back. An account change steps back from an export.

mod job;
pub mod live;
pub mod pod;
mod turn;

use std::time::Duration;

use crd::{AccountChange, Export, WorkStatus, labels};
use jiff::Timestamp;
use k8s_openapi::ClusterResourceScope;
use kube::ResourceExt as _;
use serde::de::DeserializeOwned;

pub use job::Job;
pub use turn::Turn;

/// Keeps a work object until its Job has ended.
pub const FINALIZER: &str = "steppe.host/work";
/// On a work object's pods: its name.
pub const WORK_NAME: &str = "steppe.host/work-name";
/// On a Job: which attempt of the work it is.
pub const ATTEMPT: &str = "steppe.host/attempt";

/// How often a Job is made anew before the work is given up.
pub const ATTEMPTS: u32 = 3;

/// A kind of work on an instance.
pub trait Work:
    kube::Resource<DynamicType = (), Scope = ClusterResourceScope> + Clone + std::fmt::Debug + DeserializeOwned
{
    /// How it goes.
    fn work(&self) -> WorkStatus;
    /// The instance's name.
    fn instance_name(&self) -> &str;
    /// The instance's uid.
    fn instance_uid(&self) -> &str;
}

impl Work for Export {
    fn work(&self) -> WorkStatus {
        self.status.as_ref().map(|status| status.work.clone()).unwrap_or_default()
    }

    fn instance_name(&self) -> &str {
        &self.spec.instance_ref.name
    }

    fn instance_uid(&self) -> &str {
        &self.spec.instance_ref.uid
    }
}

impl Work for AccountChange {
    fn work(&self) -> WorkStatus {
        self.status.as_ref().map(|status| status.work.clone()).unwrap_or_default()
    }

    fn instance_name(&self) -> &str {
        &self.spec.instance_ref.name
    }

    fn instance_uid(&self) -> &str {
        &self.spec.instance_ref.uid
    }
}

/// Whether the object carries the label by which it is found in a live list, and the finalizer. Nothing is begun before.
#[must_use]
pub fn is_marked(work: &impl Work) -> bool {
    work.labels().get(labels::INSTANCE_UID).map(String::as_str) == Some(work.instance_uid())
        && work.finalizers().iter().any(|name| name == FINALIZER)
}

/// The time from `since` to `now`, zero if that lies in the future.
#[must_use]
pub fn elapsed(since: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(since)).unwrap_or_default()
}
