//! The status double: stands in for kubelet, the deployment and job controllers and the volume provisioner on a ground
//! that has none, by the contract of Kubernetes 1.35.4. The rules it copies are quoted where they are used.
//!
//! What it leaves out, on purpose: ReplicaSets (pods belong to their Deployment directly), rolling updates in steps,
//! indexed and parallel Jobs, suspension, `podFailurePolicy`, restarts in place, and the job controller's back-off of
//! ten seconds and more between tries (a seeded delay instead). Meeting one of these is a [`Running::problems`] line.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod};
use kube::core::Status;
use kube::runtime::controller::Action;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::{Controller, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::script::{Disks, JobRun, JobScript, Outcome, Server, ServerScript};
use super::{deployment, job, pod, volume};

/// Pause before an object that could not be dealt with is looked at again.
const AGAIN: Duration = Duration::from_millis(50);

/// Which objects the double acts on.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    selector: Option<String>,
    prefix: Option<String>,
}

impl Scope {
    /// All objects in namespaces whose name begins so.
    pub fn prefix(prefix: &str) -> Self {
        Self { prefix: Some(prefix.to_owned()), selector: None }
    }

    /// All objects with these labels.
    pub fn selector(selector: &str) -> Self {
        Self { selector: Some(selector.to_owned()), prefix: None }
    }

    /// Of these, only those in namespaces whose name begins so.
    #[must_use]
    pub fn within(self, prefix: &str) -> Self {
        Self { prefix: Some(prefix.to_owned()), ..self }
    }

    /// Everything on the ground.
    pub fn all() -> Self {
        Self::default()
    }

    fn watch(&self) -> watcher::Config {
        let config = watcher::Config::default();
        self.selector.iter().fold(config, |config, selector| config.labels(selector))
    }

    pub(super) fn holds(&self, namespace: Option<&str>) -> bool {
        self.prefix.as_deref().is_none_or(|prefix| namespace.is_some_and(|name| name.starts_with(prefix)))
    }
}

/// How long things take: drawn from the seed, the object's name and the step, so that the same run takes the same
/// times, whatever the order of events was.
#[derive(Clone, Copy, Debug)]
pub struct Delays {
    seed: u64,
    shortest: Duration,
    longest: Duration,
}

impl Delays {
    /// Between `shortest` and `longest` for each step of each object.
    pub fn new(seed: u64, shortest: Duration, longest: Duration) -> Self {
        Self { seed, shortest, longest: longest.max(shortest) }
    }

    /// 2 to 40 ms: long enough to shuffle, short enough for hundreds of runs.
    pub fn brief(seed: u64) -> Self {
        Self::new(seed, Duration::from_millis(2), Duration::from_millis(40))
    }

    /// The delay of one step of one object.
    pub fn of(&self, object: &str, step: &str) -> Duration {
        let hash = Sha256::digest(format!("{} {object} {step}", self.seed));
        let draw = hash.iter().take(4).fold(0_u32, |draw, byte| (draw << 8) | u32::from(*byte));
        self.shortest + (self.longest - self.shortest).mul_f64(f64::from(draw) / f64::from(u32::MAX))
    }
}

/// A status double that is not running yet.
pub struct StatusDouble {
    context: Context,
}

pub(super) struct Context {
    pub client: Client,
    pub scope: Scope,
    pub delays: Delays,
    pub jobs: Arc<dyn JobScript>,
    pub servers: Arc<dyn ServerScript>,
    pub disks: Disks,
    /// The node that all its pods are on. There is no Node object.
    pub node: String,
    /// Ends of Jobs' pods by pod uid: a script runs once for each pod, whatever happens after.
    pub outcomes: Mutex<BTreeMap<String, Outcome>>,
    pub pods: Mutex<Option<Store<Pod>>>,
    problems: Mutex<BTreeSet<String>>,
    paused: watch::Sender<bool>,
}

/// A running status double; stops when dropped.
pub struct Running {
    context: Arc<Context>,
    task: AbortHandle,
}

impl StatusDouble {
    /// A double for `scope`. Until told otherwise, Jobs succeed with an empty message and servers get ready.
    pub fn new(client: Client, scope: Scope, delays: Delays) -> Self {
        let name = format!("{:?} {:?} {}", scope.prefix, scope.selector, delays.seed);
        let node = format!("double-{}", &hex::encode(Sha256::digest(name))[..10]);
        let context = Context {
            client,
            scope,
            delays,
            jobs: Arc::new(|_: &JobRun| Outcome::succeed("")),
            servers: Arc::new(|_: &Pod| Server::Ready),
            disks: Disks::default(),
            node,
            outcomes: Mutex::default(),
            pods: Mutex::default(),
            problems: Mutex::default(),
            paused: watch::Sender::new(false),
        };
        Self { context }
    }

    /// What Jobs do.
    #[must_use]
    pub fn jobs(mut self, script: impl JobScript) -> Self {
        self.context.jobs = Arc::new(script);
        self
    }

    /// How Deployments' pods are doing.
    #[must_use]
    pub fn servers(mut self, script: impl ServerScript) -> Self {
        self.context.servers = Arc::new(script);
        self
    }

    /// Starts it as a task of the current runtime.
    pub fn start(self) -> Running {
        let context = Arc::new(self.context);
        let task = tokio::spawn(run(context.clone())).abort_handle();
        Running { context, task }
    }
}

impl Running {
    /// From here on nothing moves, as with a dead node. What is being done now is still done.
    pub fn pause(&self) {
        self.context.paused.send_replace(true);
    }

    /// Ends a pause.
    pub fn resume(&self) {
        self.context.paused.send_replace(false);
    }

    /// The volumes.
    pub fn disks(&self) -> Disks {
        self.context.disks.clone()
    }

    /// What it was asked for and cannot do, and what the API refused it, such as a pod that Pod Security forbids.
    pub fn problems(&self) -> Vec<String> {
        self.context.problems.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Context {
    /// Waits for the delay of a step, and for the end of a pause.
    pub async fn delay(&self, object: &str, step: &str) {
        tokio::time::sleep(self.delays.of(object, step)).await;
        let mut paused = self.paused.subscribe();
        // The sender lives in self, so this cannot fail.
        let _ = paused.wait_for(|paused| !paused).await;
    }

    pub fn problem(&self, what: String) {
        tracing::warn!("status double: {what}");
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).insert(what);
    }

    pub fn pods_of(&self, namespace: &str) -> Api<Pod> {
        Api::namespaced(self.client.clone(), namespace)
    }
}

/// The current time as the API writes it. Kubernetes' clock is the machine's, and its controllers read it too.
#[allow(clippy::disallowed_methods)]
pub(super) fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// See [`now`].
pub(super) fn now_text() -> String {
    now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `namespace/name`, for messages and delays.
pub(super) fn key<K: Resource>(object: &K) -> String {
    let meta = object.meta();
    format!("{}/{}", meta.namespace.as_deref().unwrap_or_default(), meta.name.as_deref().unwrap_or_default())
}

/// Whether the API refuses because the namespace is being deleted, which controllers take for no error (cause
/// `NamespaceTerminating`, `manageReplicas` in pkg/controller/replicaset/replica_set.go, v1.35.4).
pub(super) fn ending(status: &Status) -> bool {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    causes.into_iter().any(|cause| cause.reason == "NamespaceTerminating")
}

/// An error of one reconciliation.
#[derive(Debug)]
pub(super) struct Failure(pub anyhow::Error);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

impl std::error::Error for Failure {}

impl From<kube::Error> for Failure {
    fn from(error: kube::Error) -> Self {
        Self(error.into())
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self(error)
    }
}

impl Failure {
    /// Somebody else was faster: nothing to tell, look again.
    fn is_race(&self) -> bool {
        let status = self.0.chain().find_map(|cause| match cause.downcast_ref::<kube::Error>() {
            Some(kube::Error::Api(status)) => Some(status),
            _ => None,
        });
        status.is_some_and(|status| status.code == 404 || status.code == 409 || ending(status))
    }
}

// By value because the controller's signature wants it.
#[allow(clippy::needless_pass_by_value)]
fn again<K: Resource>(object: Arc<K>, error: &Failure, context: Arc<Context>) -> Action {
    if !error.is_race() {
        context.problem(format!("{}: {error}", key(&*object)));
    }
    Action::requeue(AGAIN)
}

async fn run(context: Arc<Context>) {
    let client = &context.client;
    let ours = watcher::Config::default().fields(&format!("spec.nodeName={}", context.node));
    let all_pods = || Api::<Pod>::all(client.clone());
    let pods = Controller::new(all_pods(), ours.clone());
    *context.pods.lock().unwrap_or_else(PoisonError::into_inner) = Some(pods.store());
    let pods = pods.run(pod::reconcile, again, context.clone());
    let deployments = Controller::new(Api::<Deployment>::all(client.clone()), context.scope.watch())
        .owns(all_pods(), ours.clone())
        .run(deployment::reconcile, again, context.clone());
    let jobs = Controller::new(Api::<Job>::all(client.clone()), context.scope.watch()).owns(all_pods(), ours).run(
        job::reconcile,
        again,
        context.clone(),
    );
    let claims = Controller::new(Api::<PersistentVolumeClaim>::all(client.clone()), context.scope.watch()).run(
        volume::reconcile_claim,
        again,
        context.clone(),
    );
    let volumes = Controller::new(Api::<PersistentVolume>::all(client.clone()), watcher::Config::default())
        .watches(Api::<PersistentVolumeClaim>::all(client.clone()), context.scope.watch(), |claim| {
            claim.spec.and_then(|spec| spec.volume_name).map(|volume| ObjectRef::new(&volume))
        })
        .run(volume::reconcile_volume, again, context.clone());
    // Results are of no interest: errors went through `again`.
    tokio::join!(
        pods.for_each(async |_| ()),
        deployments.for_each(async |_| ()),
        jobs.for_each(async |_| ()),
        claims.for_each(async |_| ()),
        volumes.for_each(async |_| ()),
    );
}

/// Whether an object is controlled by the one with this uid.
pub(super) fn controlled_by<K: Resource>(object: &K, uid: Option<&str>) -> bool {
    uid.is_some() && object.owner_references().iter().any(|owner| Some(owner.uid.as_str()) == uid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_follow_seed_object_and_step() {
        let delays = Delays::brief(1);
        assert_eq!(delays.of("a/b", "start"), delays.of("a/b", "start"));
        assert_ne!(delays.of("a/b", "start"), delays.of("a/c", "start"));
        assert_ne!(delays.of("a/b", "start"), Delays::brief(2).of("a/b", "start"));
        for n in 0..200 {
            let delay = delays.of(&n.to_string(), "x");
            assert!(delay >= Duration::from_millis(2) && delay <= Duration::from_millis(40));
        }
    }

    #[test]
    fn a_prefix_holds_its_namespaces_only() {
        let scope = Scope::prefix("steppe-t-a-");
        assert!(scope.holds(Some("steppe-t-a-x")));
        assert!(!scope.holds(Some("steppe-t-b")) && !scope.holds(None));
        assert!(Scope::all().holds(None));
    }
}
