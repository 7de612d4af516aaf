//! The status double's job controller: one pod at a time, in the order of writes that batch/v1 of 1.35.4 prescribes.
//!
//! Copied from pkg/controller/job/job_controller.go, v1.35.4 (`syncJob`, `trackJobStatusAndRemoveFinalizers`,
//! `flushUncountedAndRemoveFinalizers`, `enactJobFinished`): a terminal pod's uid is first written to
//! `uncountedTerminatedPods`, together with the interim condition `SuccessCriteriaMet` or `FailureTarget`; then its
//! tracking finalizer goes; then the counters move and, once no pod terminates, `Complete` or `Failed` follows with the
//! interim condition's reason. `validateJobStatus` and `ValidateJobStatusUpdate` (pkg/apis/batch/validation) refuse
//! any other order, so a mistake here is an error of the API server.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use k8s_openapi::api::batch::v1::{Job, JobCondition, JobStatus};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::runtime::controller::Action;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use super::double::{Context, Failure, controlled_by, key, now, now_text};
use super::pod::{self, TRACKING};

/// The next thing to do for a Job.
#[derive(Debug, PartialEq)]
enum Step {
    /// Write this status (a merge patch).
    Record(&'static str, Value),
    /// Take the tracking finalizer off these pods.
    Release(Vec<String>),
    /// Delete these pods.
    Stop(Vec<String>),
    /// Start a pod.
    Begin,
    /// Nothing, until something changes or this long has passed.
    Wait(Option<Duration>),
}

pub(super) async fn reconcile(job: Arc<Job>, context: Arc<Context>) -> Result<Action, Failure> {
    if !context.scope.holds(job.metadata.namespace.as_deref()) || job.metadata.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    unsupported(&job, &context);
    let pods = context.pods_of(&job.namespace().unwrap_or_default());
    let selector = format!("batch.kubernetes.io/controller-uid={}", job.uid().unwrap_or_default());
    let mut own = pods.list(&ListParams::default().labels(&selector)).await?.items;
    own.retain(|pod| controlled_by(pod, job.metadata.uid.as_deref()));
    // Also waits for the next change: each write of ours comes back as one.
    match decide(&job, &own, now()) {
        Step::Record(name, status) => {
            context.delay(&key(&*job), name).await;
            let status = stamped(&job, status);
            let jobs: Api<Job> = Api::namespaced(context.client.clone(), &job.namespace().unwrap_or_default());
            jobs.patch_status(&job.name_any(), &PatchParams::default(), &Patch::Merge(status)).await?;
        }
        Step::Release(names) => {
            for pod in own.iter().filter(|pod| names.contains(&pod.name_any())) {
                pod::release(pod, &context).await?;
            }
        }
        Step::Stop(names) => {
            for name in names {
                pods.delete(&name, &DeleteParams::default()).await?;
            }
        }
        Step::Begin => {
            context.delay(&key(&*job), &format!("begin {}", own.len())).await;
            pods.create(&PostParams::default(), &pod_of(&job, &context, own.len())?).await?;
        }
        Step::Wait(None) => {}
        Step::Wait(Some(time)) => return Ok(Action::requeue(time)),
    }
    Ok(Action::await_change())
}

/// Decides by what is written down alone, so that it does the same whoever stopped in the middle.
fn decide(job: &Job, pods: &[Pod], now: Timestamp) -> Step {
    let status = job.status.clone().unwrap_or_default();
    if finished(job) {
        return Step::Wait(None);
    }
    let Some(started) = status.start_time.as_ref() else {
        return Step::Record("admit", json!({ "startTime": "now", "active": 0, "ready": 0, "terminating": 0 }));
    };
    let tally = Tally::of(&status, pods);
    let interim = status.conditions.iter().flatten().find(|one| holds(one, SUCCESS) || holds(one, FAILURE));
    let end = interim.is_none().then(|| tally.end(job, started.0, now)).flatten();
    if end.is_some() || !tally.fresh.is_empty() {
        return Step::Record("track", tally.tracked(&status, end));
    }
    let held: Vec<String> = tally.uncounted.iter().filter(|pod| tracked(pod)).map(|pod| pod.name_any()).collect();
    if !held.is_empty() {
        return Step::Release(held);
    }
    let fails = interim.is_some_and(|one| one.type_ == FAILURE);
    if fails && !tally.active.is_empty() {
        return Step::Stop(tally.active.iter().map(|pod| pod.name_any()).collect());
    }
    let final_condition = interim.filter(|_| tally.active.is_empty() && tally.terminating.is_empty());
    if tally.waits_for_count(&status) || final_condition.is_some() {
        return Step::Record("count", tally.counted(&status, final_condition));
    }
    if interim.is_none() && tally.active.is_empty() {
        return Step::Begin;
    }
    if let Some(update) = tally.moved(&status) {
        return Step::Record("observe", update);
    }
    let limit = job.spec.as_ref().and_then(|spec| spec.active_deadline_seconds);
    Step::Wait(limit.map(|seconds| {
        let left = started.0.as_second().saturating_add(seconds).saturating_sub(now.as_second());
        Duration::from_secs(u64::try_from(left).unwrap_or_default()) + Duration::from_millis(100)
    }))
}

const SUCCESS: &str = "SuccessCriteriaMet";
const FAILURE: &str = "FailureTarget";

/// A Job's pods by what they mean to it.
struct Tally<'a> {
    /// Neither over nor being deleted.
    active: Vec<&'a Pod>,
    /// Being deleted and not over.
    terminating: Vec<&'a Pod>,
    /// Over, and not in the status yet.
    fresh: Vec<&'a Pod>,
    /// Over, and in the status as uncounted.
    uncounted: Vec<&'a Pod>,
    succeeded: i32,
    failed: i32,
}

impl<'a> Tally<'a> {
    fn of(status: &JobStatus, pods: &'a [Pod]) -> Self {
        let noted = |pod: &Pod| {
            let lists = status.uncounted_terminated_pods.as_ref();
            let mut uids = lists.into_iter().flat_map(|lists| lists.succeeded.iter().chain(&lists.failed)).flatten();
            uids.any(|uid| Some(uid.as_str()) == pod.metadata.uid.as_deref())
        };
        let leaving = |pod: &Pod| pod.metadata.deletion_timestamp.is_some();
        let select = |wanted: &dyn Fn(&Pod) -> bool| pods.iter().filter(|pod| wanted(pod)).collect::<Vec<_>>();
        let fresh = select(&|pod| pod::over(pod) && tracked(pod) && !noted(pod));
        let uncounted = select(&|pod| pod::over(pod) && noted(pod));
        let new = |phase: &str| fresh.iter().chain(&uncounted).filter(|pod| pod::phase(pod) == phase).count();
        Self {
            active: select(&|pod| !pod::over(pod) && !leaving(pod)),
            terminating: select(&|pod| !pod::over(pod) && leaving(pod)),
            succeeded: status.succeeded.unwrap_or_default() + i32::try_from(new("Succeeded")).unwrap_or_default(),
            failed: status.failed.unwrap_or_default() + i32::try_from(new("Failed")).unwrap_or_default(),
            fresh,
            uncounted,
        }
    }

    /// The interim condition that is due now: type, reason and message in the job controller's words.
    fn end(&self, job: &Job, started: Timestamp, now: Timestamp) -> Option<[&'static str; 3]> {
        let spec = job.spec.as_ref()?;
        let deadline = spec.active_deadline_seconds.map(|limit| started.as_second().saturating_add(limit));
        if self.failed > spec.backoff_limit.unwrap_or(6) {
            Some([FAILURE, "BackoffLimitExceeded", "Job has reached the specified backoff limit"])
        } else if deadline.is_some_and(|deadline| now.as_second() >= deadline) {
            Some([FAILURE, "DeadlineExceeded", "Job was active longer than specified deadline"])
        } else if self.succeeded >= spec.completions.unwrap_or(1) && self.active.is_empty() {
            Some([SUCCESS, "CompletionsReached", "Reached expected number of succeeded pods"])
        } else {
            None
        }
    }

    fn waits_for_count(&self, status: &JobStatus) -> bool {
        let lists = status.uncounted_terminated_pods.as_ref();
        lists.is_some_and(|lists| lists.succeeded.iter().chain(&lists.failed).any(|uids| !uids.is_empty()))
    }

    fn numbers(&self) -> Value {
        let ready = self.active.iter().filter(|pod| pod::ready(pod)).count();
        json!({ "active": self.active.len(), "ready": ready, "terminating": self.terminating.len() })
    }

    /// The first write: uids and interim condition.
    fn tracked(&self, status: &JobStatus, end: Option<[&str; 3]>) -> Value {
        let uids = |phase: &str| {
            let all = self.uncounted.iter().chain(&self.fresh).filter(|pod| pod::phase(pod) == phase);
            all.filter_map(|pod| pod.uid()).collect::<Vec<_>>()
        };
        let mut update = self.numbers();
        update["uncountedTerminatedPods"] = json!({ "succeeded": uids("Succeeded"), "failed": uids("Failed") });
        if let Some([kind, reason, message]) = end {
            update["conditions"] = with(status, kind, reason, message);
        }
        update
    }

    /// The last write: counters, and the final condition by the interim one.
    fn counted(&self, status: &JobStatus, interim: Option<&JobCondition>) -> Value {
        let mut update = self.numbers();
        update["uncountedTerminatedPods"] = json!({ "succeeded": [], "failed": [] });
        update["succeeded"] = json!(self.succeeded.max(listed(status, true)));
        update["failed"] = json!(self.failed.max(listed(status, false)));
        if let Some(interim) = interim {
            let kind = if interim.type_ == SUCCESS { "Complete" } else { "Failed" };
            let reason = interim.reason.as_deref().unwrap_or_default();
            update["conditions"] = with(status, kind, reason, interim.message.as_deref().unwrap_or_default());
            if kind == "Complete" {
                update["completionTime"] = json!("now");
            }
        }
        update
    }

    /// New numbers of pods, if they differ from those written down.
    fn moved(&self, status: &JobStatus) -> Option<Value> {
        let old = json!({
            "active": status.active.unwrap_or_default(), "ready": status.ready.unwrap_or_default(),
            "terminating": status.terminating.unwrap_or_default(),
        });
        Some(self.numbers()).filter(|new| *new != old)
    }
}

/// Counter plus uncounted uids as written down: what the counter becomes even if the pods are gone by now.
fn listed(status: &JobStatus, succeeded: bool) -> i32 {
    let lists = status.uncounted_terminated_pods.as_ref();
    let uids = lists.and_then(|lists| if succeeded { lists.succeeded.as_ref() } else { lists.failed.as_ref() });
    let counted = if succeeded { status.succeeded } else { status.failed };
    counted.unwrap_or_default() + i32::try_from(uids.map_or(0, Vec::len)).unwrap_or_default()
}

fn holds(condition: &JobCondition, kind: &str) -> bool {
    condition.type_ == kind && condition.status == "True"
}

/// Whether the Job is `Complete` or `Failed`.
pub(super) fn finished(job: &Job) -> bool {
    let conditions = job.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().any(|one| holds(one, "Complete") || holds(one, "Failed"))
}

fn tracked(pod: &Pod) -> bool {
    pod.finalizers().iter().any(|name| name == TRACKING)
}

/// The conditions written down and one more.
fn with(status: &JobStatus, kind: &str, reason: &str, message: &str) -> Value {
    let mut all: Vec<Value> = status.conditions.iter().flatten().map(|one| json!(one)).collect();
    all.push(json!({
        "type": kind, "status": "True", "reason": reason, "message": message,
        "lastProbeTime": "now", "lastTransitionTime": "now",
    }));
    Value::Array(all)
}

/// A status as a patch that a change in between makes fail, with the time filled in.
fn stamped(job: &Job, mut status: Value) -> Value {
    fn stamp(value: &mut Value, now: &str) {
        match value {
            Value::String(text) if text == "now" => now.clone_into(text),
            Value::Array(all) => all.iter_mut().for_each(|one| stamp(one, now)),
            Value::Object(all) => all.values_mut().for_each(|one| stamp(one, now)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    stamp(&mut status, &now_text());
    json!({ "metadata": { "uid": job.uid(), "resourceVersion": job.resource_version() }, "status": status })
}

/// The Job's next pod (`getPodFromTemplate` and `newPodTemplate`: template, owner, tracking finalizer).
fn pod_of(job: &Job, context: &Context, number: usize) -> Result<Pod, Failure> {
    let template = job.spec.as_ref().map(|spec| &spec.template).context("the Job has no spec")?;
    let mut pod = json!({ "metadata": template.metadata, "spec": template.spec });
    let meta = &mut pod["metadata"];
    // The real one draws a random suffix; a count is as unique, because finished pods stay.
    meta["name"] = json!(format!("{}-{}", job.name_any(), suffix(job, number)));
    meta["namespace"] = json!(job.namespace());
    meta["finalizers"] = json!([TRACKING]);
    meta["ownerReferences"] = json!([{
        "apiVersion": "batch/v1", "kind": "Job", "name": job.name_any(), "uid": job.uid(),
        "controller": true, "blockOwnerDeletion": true,
    }]);
    pod["spec"]["nodeName"] = json!(context.node);
    Ok(serde_json::from_value(pod).context("a Job's template makes no pod")?)
}

fn suffix(job: &Job, number: usize) -> String {
    let uid = job.uid().unwrap_or_default();
    format!("{}{number}", uid.chars().take(5).collect::<String>())
}

/// Says once what the double does not do.
fn unsupported(job: &Job, context: &Context) {
    let Some(spec) = &job.spec else { return };
    let restarts = spec.template.spec.as_ref().and_then(|spec| spec.restart_policy.as_deref());
    let cases = [
        (spec.completions.unwrap_or(1) != 1 || spec.parallelism.unwrap_or(1) != 1, "more than one pod"),
        (spec.suspend == Some(true), "suspend"),
        (spec.pod_failure_policy.is_some(), "podFailurePolicy"),
        (spec.success_policy.is_some(), "successPolicy"),
        (restarts == Some("OnFailure"), "restartPolicy OnFailure"),
    ];
    for (_, what) in cases.iter().filter(|(met, _)| *met) {
        context.problem(format!("Job {}: the double does not do {what}", key(job)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-01-01T00:10:00Z";

    fn job(spec: &Value, status: &Value) -> Job {
        serde_json::from_value(json!({ "metadata": { "name": "birth", "uid": "j" }, "spec": spec, "status": status }))
            .unwrap()
    }

    fn pod(name: &str, phase: &str, tracked: bool) -> Pod {
        let finalizers = if tracked { json!([TRACKING]) } else { json!([]) };
        let metadata = json!({ "name": name, "uid": format!("uid-{name}"), "finalizers": finalizers });
        serde_json::from_value(json!({ "metadata": metadata, "status": { "phase": phase } })).unwrap()
    }

    fn spec() -> Value {
        json!({ "backoffLimit": 1, "template": { "spec": { "containers": [] } } })
    }

    fn step(status: &Value, pods: &[Pod]) -> Step {
        decide(&job(&spec(), status), pods, NOW.parse().unwrap())
    }

    #[test]
    fn a_new_job_is_admitted_then_gets_a_pod() {
        assert!(matches!(step(&json!({}), &[]), Step::Record("admit", _)));
        assert_eq!(step(&json!({ "startTime": NOW }), &[]), Step::Begin);
        let running = [pod("a", "Running", true)];
        assert!(matches!(step(&json!({ "startTime": NOW }), &running), Step::Record("observe", _)));
        let seen = json!({ "startTime": NOW, "active": 1, "ready": 0, "terminating": 0 });
        assert_eq!(step(&seen, &running), Step::Wait(None));
    }

    #[test]
    fn success_is_noted_released_counted() {
        let pods = [pod("a", "Succeeded", true)];
        let Step::Record("track", update) = step(&json!({ "startTime": NOW, "active": 1 }), &pods) else { panic!() };
        assert_eq!(update["uncountedTerminatedPods"]["succeeded"], json!(["uid-a"]));
        assert_eq!(update["conditions"][0]["type"], SUCCESS);
        assert!(update.get("succeeded").is_none());
        let mut status = update;
        status["startTime"] = json!(NOW);
        status["conditions"][0]["lastProbeTime"] = json!(NOW);
        status["conditions"][0]["lastTransitionTime"] = json!(NOW);
        assert_eq!(step(&status, &pods), Step::Release(vec!["a".into()]));
        let Step::Record("count", update) = step(&status, &[pod("a", "Succeeded", false)]) else { panic!() };
        assert_eq!(update["succeeded"], 1);
        assert_eq!(update["failed"], 0);
        assert_eq!(update["conditions"][1]["type"], "Complete");
        assert_eq!(update["completionTime"], "now");
    }

    #[test]
    fn failures_up_to_the_limit_bring_another_pod() {
        let first = json!({ "startTime": NOW, "failed": 1, "active": 0, "ready": 0, "terminating": 0 });
        assert_eq!(step(&first, &[pod("a", "Failed", false)]), Step::Begin);
        let pods = [pod("a", "Failed", false), pod("b", "Failed", true)];
        let Step::Record("track", update) = step(&first, &pods) else { panic!() };
        assert_eq!(update["conditions"][0]["type"], FAILURE);
        assert_eq!(update["conditions"][0]["reason"], "BackoffLimitExceeded");
    }

    #[test]
    fn a_deadline_stops_the_pod_before_the_job_fails() {
        let mut spec = spec();
        spec["activeDeadlineSeconds"] = json!(60);
        let status = json!({ "startTime": "2026-01-01T00:00:00Z", "active": 1, "ready": 0, "terminating": 0 });
        let pods = [pod("a", "Running", true)];
        let due = job(&spec, &status);
        let Step::Record("track", update) = decide(&due, &pods, NOW.parse().unwrap()) else { panic!() };
        assert_eq!(update["conditions"][0]["reason"], "DeadlineExceeded");
        let Step::Wait(Some(left)) = decide(&due, &pods, "2026-01-01T00:00:50Z".parse().unwrap()) else { panic!() };
        assert!(left > Duration::from_secs(9) && left < Duration::from_secs(11));
        let mut status = status;
        status["conditions"] = json!([{ "type": FAILURE, "status": "True", "reason": "DeadlineExceeded" }]);
        assert_eq!(decide(&job(&spec, &status), &pods, NOW.parse().unwrap()), Step::Stop(vec!["a".into()]));
    }
}
