//! The status that the double writes on a pod.

use k8s_openapi::api::core::v1::{Container, Pod};
use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::double::{Context, Failure, now_text};

/// Longest termination message, in bytes: `MaxContainerTerminationMessageLength`, pkg/kubelet/container/runtime.go,
/// v1.35.4. What is longer is cut there as well.
const MESSAGE: usize = 1024 * 4;

/// The state of a container that ended.
pub(super) fn terminated(exit: i32, message: &str) -> Value {
    let mut end = message.len().min(MESSAGE);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    let reason = if exit == 0 { "Completed" } else { "Error" };
    let now = now_text();
    json!({ "terminated": {
        "exitCode": exit, "reason": reason, "message": &message[..end], "startedAt": now, "finishedAt": now,
    } })
}

/// Writes the pod's status: phase, containers all in `state`, conditions. Nothing is written if nothing would change.
pub(super) async fn set(pod: &Pod, context: &Context, phase: &str, state: &Value, ready: bool) -> Result<(), Failure> {
    let status = status(pod, phase, state, ready, &now_text());
    if same(pod, &status) {
        return Ok(());
    }
    let patch = json!({ "metadata": { "uid": pod.uid() }, "status": status });
    let pods = context.pods_of(&pod.namespace().unwrap_or_default());
    let params = PatchParams::default();
    pods.patch_status(&pod.name_any(), &params, &Patch::Merge(patch)).await?;
    Ok(())
}

fn status(pod: &Pod, phase: &str, state: &Value, ready: bool, now: &str) -> Value {
    let begun = phase != "Pending";
    let condition = |kind: &str, holds: bool| {
        let status = if holds { "True" } else { "False" };
        json!({ "type": kind, "status": status, "lastTransitionTime": now })
    };
    let spec = pod.spec.as_ref();
    let containers = spec.map(|spec| spec.containers.as_slice()).unwrap_or_default();
    let mut status = json!({
        "phase": phase,
        "conditions": [
            condition("PodScheduled", true), condition("Initialized", begun),
            condition("ContainersReady", ready), condition("Ready", ready),
        ],
        "containerStatuses": containers.iter().map(|one| container(one, state, ready)).collect::<Vec<_>>(),
    });
    if let Some(inits) = spec.and_then(|spec| spec.init_containers.as_ref()) {
        let done =
            json!({ "terminated": { "exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now } });
        let state = if begun { &done } else { state };
        status["initContainerStatuses"] = inits.iter().map(|one| container(one, state, begun)).collect();
    }
    if begun {
        let since = pod.status.as_ref().and_then(|status| status.start_time.as_ref());
        status["startTime"] = since.map_or(json!(now), |since| json!(since));
        status["podIP"] = json!(address(&pod.uid().unwrap_or_default()));
        status["podIPs"] = json!([{ "ip": status["podIP"] }]);
    }
    status
}

fn container(container: &Container, state: &Value, ready: bool) -> Value {
    let image = container.image.clone().unwrap_or_default();
    json!({
        "name": container.name, "image": image, "imageID": image, "ready": ready, "restartCount": 0,
        "started": state.get("running").is_some(), "state": state,
    })
}

/// Whether the pod has this status already, but for times.
fn same(pod: &Pod, status: &Value) -> bool {
    let Some(Ok(old)) = pod.status.as_ref().map(serde_json::to_value) else {
        return false;
    };
    let waiting = |status: &Value| status["containerStatuses"][0]["state"]["waiting"].clone();
    old["phase"] == status["phase"]
        && waiting(&old) == waiting(status)
        && old["containerStatuses"][0]["ready"] == status["containerStatuses"][0]["ready"]
}

/// An address of the pod network, which does not exist here.
fn address(uid: &str) -> String {
    let draw = uid.bytes().fold(0_u16, |draw, byte| draw.wrapping_mul(31).wrapping_add(u16::from(byte)));
    format!("10.244.{}.{}", draw >> 8, draw & 0xff)
}
