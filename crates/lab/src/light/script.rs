//! What the status double's pods do: the part that a test decides.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::{Client, ResourceExt};

/// How a Job's pod ends.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// Exit code 0 with this termination message.
    Succeed {
        /// Written to the container's termination message path.
        message: String,
    },
    /// Another exit code with this termination message.
    Fail {
        /// The exit code, not 0.
        exit: i32,
        /// Written to the container's termination message path.
        message: String,
    },
    /// It runs until somebody stops it.
    Hang,
}

impl Outcome {
    /// Success with a message.
    pub fn succeed(message: impl Into<String>) -> Self {
        Self::Succeed { message: message.into() }
    }

    /// Exit code 1 with a message.
    pub fn fail(message: impl Into<String>) -> Self {
        Self::Fail { exit: 1, message: message.into() }
    }
}

/// One run of a Job's pod.
#[derive(Clone)]
pub struct JobRun {
    /// The Job.
    pub job: Job,
    /// Its pod.
    pub pod: Pod,
    /// 1 for the Job's first pod.
    pub attempt: u32,
    /// A client with all rights, such as for a token bound to the pod ([`super::token`]).
    pub client: Client,
    pub(super) disks: Disks,
    /// Claim name -> volume name.
    pub(super) claims: BTreeMap<String, String>,
}

impl JobRun {
    /// The Job's name.
    pub fn name(&self) -> String {
        self.job.name_any()
    }

    /// The Job's namespace.
    pub fn namespace(&self) -> String {
        self.job.namespace().unwrap_or_default()
    }

    /// A file on the volume behind the claim `claim` of this namespace.
    pub fn read(&self, claim: &str, file: &str) -> Option<String> {
        self.disks.lock().contents.get(self.claims.get(claim)?)?.get(file).cloned()
    }

    /// Writes a file on the volume behind the claim `claim`. Without such a claim in the pod nothing is written.
    pub fn write(&self, claim: &str, file: &str, text: impl Into<String>) {
        if let Some(volume) = self.claims.get(claim) {
            self.disks.lock().contents.entry(volume.clone()).or_default().insert(file.to_owned(), text.into());
        }
    }
}

/// What Jobs do. A closure `Fn(&JobRun) -> Outcome` is one; for one that must wait for something, see
/// [`Asynchronously`].
pub trait JobScript: Send + Sync + 'static {
    /// Runs a Job's pod to its end. Cancelled when the pod is deleted.
    fn run(&self, run: JobRun) -> BoxFuture<'static, Outcome>;
}

impl<F: Fn(&JobRun) -> Outcome + Send + Sync + 'static> JobScript for F {
    fn run(&self, run: JobRun) -> BoxFuture<'static, Outcome> {
        let outcome = self(&run);
        async move { outcome }.boxed()
    }
}

/// A script from an asynchronous closure, such as one that calls the operator back.
#[derive(Debug)]
pub struct Asynchronously<F>(pub F);

impl<F, Work> JobScript for Asynchronously<F>
where
    F: Fn(JobRun) -> Work + Send + Sync + 'static,
    Work: Future<Output = Outcome> + Send + 'static,
{
    fn run(&self, run: JobRun) -> BoxFuture<'static, Outcome> {
        self.0(run).boxed()
    }
}

/// How a Deployment's pod is doing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Server {
    /// It serves.
    Ready,
    /// It does not start, as with `ImagePullBackOff`. Asked again soon.
    Waiting {
        /// As kubelet gives it.
        reason: String,
        /// As kubelet gives it.
        message: String,
    },
    /// It runs and is not ready. Asked again soon.
    Unready,
}

/// How Deployments' pods are doing. A closure `Fn(&Pod) -> Server` is one.
pub trait ServerScript: Send + Sync + 'static {
    /// The state of this pod now.
    fn state(&self, pod: &Pod) -> Server;
}

impl<F: Fn(&Pod) -> Server + Send + Sync + 'static> ServerScript for F {
    fn state(&self, pod: &Pod) -> Server {
        self(pod)
    }
}

/// The contents of the double's volumes, and which were destroyed.
#[derive(Clone, Debug, Default)]
pub struct Disks(Arc<Mutex<State>>);

#[derive(Debug, Default)]
pub(super) struct State {
    /// Volume -> file -> text.
    contents: BTreeMap<String, BTreeMap<String, String>>,
    destroyed: Vec<String>,
}

impl Disks {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The files on a volume.
    pub fn files(&self, volume: &str) -> BTreeMap<String, String> {
        self.lock().contents.get(volume).cloned().unwrap_or_default()
    }

    /// Empties a volume, as a failed disk would.
    pub fn wipe(&self, volume: &str) {
        self.lock().contents.remove(volume);
    }

    /// The volumes that were destroyed because their claim went and their policy was to delete, as
    /// `volume (namespace/claim)`.
    pub fn destroyed(&self) -> Vec<String> {
        self.lock().destroyed.clone()
    }

    pub(super) fn destroy(&self, volume: &str, claim: &str) {
        let mut state = self.lock();
        state.contents.remove(volume);
        state.destroyed.push(format!("{volume} ({claim})"));
    }
}
