//! The status double's kubelet: takes a pod from Pending to its end.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Pod, PodSpec, Secret};
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use kube::runtime::controller::Action;
use kube::runtime::reflector::ObjectRef;
use kube::{Api, ResourceExt};
use serde_json::json;

use super::double::{Context, Failure, key, now_text};
use super::pod_status::{set, terminated};
use super::script::{JobRun, Outcome, Server};
use super::volume;

/// The finalizer that keeps a Job's pod until it is counted (batch/v1 `JobTrackingFinalizer`, api v0.35.4).
pub(super) const TRACKING: &str = "batch.kubernetes.io/job-tracking";

/// Pause before a pod that waits for something is looked at again.
const AGAIN: Duration = Duration::from_millis(100);

pub(super) async fn reconcile(pod: Arc<Pod>, context: Arc<Context>) -> Result<Action, Failure> {
    if pod.metadata.deletion_timestamp.is_some() {
        return terminate(&pod, &context).await;
    }
    match phase(&pod) {
        "Pending" => Box::pin(start(&pod, &context)).await,
        "Running" if job_of(&pod).is_some() => work(&pod, &context).await,
        "Running" => serve(&pod, &context).await,
        _ => Ok(Action::await_change()),
    }
}

pub(super) fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or("Pending")
}

pub(super) fn ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

pub(super) fn over(pod: &Pod) -> bool {
    matches!(phase(pod), "Succeeded" | "Failed")
}

fn job_of(pod: &Pod) -> Option<(String, String)> {
    let owner = pod.owner_references().iter().find(|owner| owner.kind == "Job" && owner.controller == Some(true))?;
    Some((owner.name.clone(), owner.uid.clone()))
}

/// Waits for what the pod needs, as scheduler and kubelet do, and sets it running.
async fn start(pod: &Pod, context: &Context) -> Result<Action, Failure> {
    if let Some(missing) = Box::pin(missing(pod, context)).await? {
        set(
            pod,
            context,
            "Pending",
            &json!({ "waiting": { "reason": "ContainerCreating", "message": missing } }),
            false,
        )
        .await?;
        return Ok(Action::requeue(AGAIN));
    }
    context.delay(&key(pod), "start").await;
    if job_of(pod).is_none()
        && let Server::Waiting { reason, message } = context.servers.state(pod)
    {
        let state = json!({ "waiting": { "reason": reason, "message": message } });
        set(pod, context, "Pending", &state, false).await?;
        return Ok(Action::requeue(AGAIN));
    }
    let runs = json!({ "running": { "startedAt": now_text() } });
    set(pod, context, "Running", &runs, job_of(pod).is_some()).await?;
    Ok(Action::await_change())
}

/// What keeps the pod from starting: an unbound claim, a missing Secret or ConfigMap.
async fn missing(pod: &Pod, context: &Context) -> Result<Option<String>, Failure> {
    let namespace = pod.namespace().unwrap_or_default();
    let Some(spec) = &pod.spec else {
        return Ok(Some("the pod has no spec".into()));
    };
    for name in claims(spec) {
        let claims: Api<PersistentVolumeClaim> = Api::namespaced(context.client.clone(), &namespace);
        let Some(claim) = claims.get_opt(&name).await? else {
            return Ok(Some(format!("persistentvolumeclaim \"{name}\" not found")));
        };
        if !volume::bound(&claim) && !volume::bind(&claim, context).await? {
            return Ok(Some(format!("persistentvolumeclaim \"{name}\" is not bound")));
        }
    }
    let (secrets, maps) = references(spec);
    let held: Api<Secret> = Api::namespaced(context.client.clone(), &namespace);
    for name in secrets {
        if held.get_metadata_opt(&name).await?.is_none() {
            return Ok(Some(format!("secret \"{name}\" not found")));
        }
    }
    let held: Api<ConfigMap> = Api::namespaced(context.client.clone(), &namespace);
    for name in maps {
        if held.get_metadata_opt(&name).await?.is_none() {
            return Ok(Some(format!("configmap \"{name}\" not found")));
        }
    }
    Ok(None)
}

fn claims(spec: &PodSpec) -> Vec<String> {
    let volumes = spec.volumes.iter().flatten();
    volumes.filter_map(|volume| Some(volume.persistent_volume_claim.as_ref()?.claim_name.clone())).collect()
}

/// The Secrets and ConfigMaps that the pod cannot start without: volumes and environment, unless marked optional.
fn references(spec: &PodSpec) -> (Vec<String>, Vec<String>) {
    let needed = |optional: Option<bool>| optional != Some(true);
    let (mut secrets, mut maps) = (Vec::new(), Vec::new());
    for volume in spec.volumes.iter().flatten() {
        if let Some(secret) = volume.secret.as_ref().filter(|secret| needed(secret.optional)) {
            secrets.extend(secret.secret_name.clone());
        }
        if let Some(map) = volume.config_map.as_ref().filter(|map| needed(map.optional)) {
            maps.push(map.name.clone());
        }
    }
    for container in spec.containers.iter().chain(spec.init_containers.iter().flatten()) {
        for source in container.env_from.iter().flatten() {
            secrets.extend(source.secret_ref.iter().filter(|from| needed(from.optional)).map(|from| from.name.clone()));
            maps.extend(
                source.config_map_ref.iter().filter(|from| needed(from.optional)).map(|from| from.name.clone()),
            );
        }
        for from in container.env.iter().flatten().filter_map(|variable| variable.value_from.as_ref()) {
            let keys = from.secret_key_ref.iter();
            secrets.extend(keys.filter(|key| needed(key.optional)).map(|key| key.name.clone()));
            let keys = from.config_map_key_ref.iter();
            maps.extend(keys.filter(|key| needed(key.optional)).map(|key| key.name.clone()));
        }
    }
    (secrets, maps)
}

/// A server's pod that runs: ready or not as the script says.
async fn serve(pod: &Pod, context: &Context) -> Result<Action, Failure> {
    let wanted = context.servers.state(pod) == Server::Ready;
    if wanted != ready(pod) {
        context.delay(&key(pod), "ready").await;
        set(pod, context, "Running", &json!({ "running": { "startedAt": now_text() } }), wanted).await?;
    }
    Ok(Action::requeue(if wanted { AGAIN * 5 } else { AGAIN }))
}

/// A Job's pod that runs: does what the script says, once.
async fn work(pod: &Pod, context: &Arc<Context>) -> Result<Action, Failure> {
    let uid = pod.uid().unwrap_or_default();
    let known = context.outcomes.lock().unwrap_or_else(PoisonError::into_inner).get(&uid).cloned();
    let outcome = match known {
        Some(outcome) => outcome,
        None => {
            let Some(run) = job_run(pod, context).await? else {
                return Ok(Action::await_change());
            };
            context.delay(&key(pod), "work").await;
            tokio::select! {
                outcome = context.jobs.run(run) => {
                    context.outcomes.lock().unwrap_or_else(PoisonError::into_inner).insert(uid, outcome.clone());
                    outcome
                }
                () = stopped(pod, context) => return Ok(Action::requeue(Duration::ZERO)),
            }
        }
    };
    let (phase, exit, message) = match outcome {
        Outcome::Succeed { message } => ("Succeeded", 0, message),
        Outcome::Fail { exit, message } => ("Failed", exit, message),
        Outcome::Hang => return Ok(Action::await_change()),
    };
    set(pod, context, phase, &terminated(exit, &message), false).await?;
    Ok(Action::await_change())
}

async fn job_run(pod: &Pod, context: &Context) -> Result<Option<JobRun>, Failure> {
    let namespace = pod.namespace().unwrap_or_default();
    let Some((name, uid)) = job_of(pod) else {
        return Ok(None);
    };
    let jobs: Api<Job> = Api::namespaced(context.client.clone(), &namespace);
    let Some(job) = jobs.get_opt(&name).await?.filter(|job| job.uid().as_deref() == Some(uid.as_str())) else {
        return Ok(None);
    };
    let held: Api<PersistentVolumeClaim> = Api::namespaced(context.client.clone(), &namespace);
    let mut volumes = BTreeMap::new();
    for claim in pod.spec.as_ref().map(claims).unwrap_or_default() {
        let volume = held.get(&claim).await?.spec.and_then(|spec| spec.volume_name);
        volumes.extend(volume.map(|volume| (claim, volume)));
    }
    let failed = job.status.as_ref().and_then(|status| status.failed).unwrap_or_default();
    let attempt = u32::try_from(failed).unwrap_or_default() + 1;
    let (client, disks) = (context.client.clone(), context.disks.clone());
    Ok(Some(JobRun { job, pod: pod.clone(), attempt, client, disks, claims: volumes }))
}

/// Returns when the pod is being deleted or is gone.
async fn stopped(pod: &Pod, context: &Context) {
    let name = ObjectRef::from_obj(pod);
    loop {
        tokio::time::sleep(AGAIN / 2).await;
        let store = context.pods.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(store) = store else { return };
        let lives = |now: Arc<Pod>| now.uid() == pod.uid() && now.metadata.deletion_timestamp.is_none();
        if !store.get(&name).is_some_and(lives) {
            return;
        }
    }
}

/// Ends the containers of a pod being deleted, then lets the pod go. Kubelet does it in this order: a terminal phase is
/// written before the object may vanish (KEP-3329, `syncTerminatedPod`, pkg/kubelet/kubelet.go, v1.35.4).
async fn terminate(pod: &Pod, context: &Context) -> Result<Action, Failure> {
    if !over(pod) {
        context.delay(&key(pod), "terminate").await;
        // 143 = 128 + SIGTERM.
        set(pod, context, "Failed", &terminated(143, ""), false).await?;
        return Ok(Action::await_change());
    }
    let pods = context.pods_of(&pod.namespace().unwrap_or_default());
    if pod.metadata.deletion_grace_period_seconds != Some(0) {
        let now = DeleteParams::default().grace_period(0);
        let same = Preconditions { uid: pod.uid(), resource_version: None };
        pods.delete(&pod.name_any(), &now.preconditions(same)).await?;
    }
    if pod.finalizers().iter().any(|name| name == TRACKING) && orphan(pod, context).await? {
        release(pod, context).await?;
    }
    Ok(Action::await_change())
}

/// Whether no Job will count this pod any more (`syncOrphanPod`, pkg/controller/job/job_controller.go, v1.35.4).
async fn orphan(pod: &Pod, context: &Context) -> Result<bool, Failure> {
    let Some((name, uid)) = job_of(pod) else {
        return Ok(true);
    };
    let jobs: Api<Job> = Api::namespaced(context.client.clone(), &pod.namespace().unwrap_or_default());
    let job = jobs.get_opt(&name).await?.filter(|job| job.uid().as_deref() == Some(uid.as_str()));
    Ok(job.is_none_or(|job| job.metadata.deletion_timestamp.is_some() || super::job::finished(&job)))
}

/// Takes the tracking finalizer off a Job's pod.
pub(super) async fn release(pod: &Pod, context: &Context) -> Result<(), Failure> {
    let rest: Vec<&String> = pod.finalizers().iter().filter(|name| *name != TRACKING).collect();
    let patch = json!({ "metadata": { "finalizers": rest, "resourceVersion": pod.resource_version() } });
    let pods = context.pods_of(&pod.namespace().unwrap_or_default());
    pods.patch(&pod.name_any(), &PatchParams::default(), &Patch::Merge(patch)).await?;
    Ok(())
}
