//! How much a tenant may take in all, and one container of it.

use serde_json::json;

use super::{Wish, cpu, disk, memory, object};
use crate::apply::Object;
use crate::kind::Kind;

/// What a job (birth, account change, export) may take, beside the server.
pub const JOB_CPU: u32 = 1000;
/// See [`JOB_CPU`].
pub const JOB_MEMORY: u32 = 256;
/// Jobs that may run at once: an account change waits for an export, a nightly export may meet a purge's last look.
const JOBS: u32 = 2;

/// Of what there is one: it, and one that is only counted.
const SPARE: u32 = 2;

/// The namespace's quota: the server, two jobs, and little more than the objects that the operator and Kubernetes make.
///
/// Of each kind there is room for one that is counted and was never made: admission counts before the object is stored, and
/// who dies in between leaves it counted until Kubernetes counts anew, five minutes later (the default of
/// `--resource-quota-sync-period`). With no room to spare, a server would wait for its volume that long.
#[must_use]
pub fn resource_quota(wish: &Wish) -> Object {
    let room = (wish.software.room)(wish.size);
    let rest = json!({ "spec": { "hard": {
        "limits.cpu": cpu(room.cpu_limit + JOBS * JOB_CPU),
        "limits.memory": memory(room.memory_limit + JOBS * JOB_MEMORY),
        "requests.cpu": cpu(room.cpu_request + JOBS * JOB_CPU),
        "requests.memory": memory(room.memory_request + JOBS * JOB_MEMORY),
        "requests.storage": disk(SPARE * room.disk),
        "persistentvolumeclaims": SPARE.to_string(),
        "pods": "6",
        "services": "4",
        "services.loadbalancers": "0",
        "services.nodeports": "0",
        "secrets": "6",
        "configmaps": "6",
        "count/jobs.batch": "6",
        "count/deployments.apps": SPARE.to_string(),
        "count/ingresses.networking.k8s.io": "2",
    }}});
    object(wish, Kind::ResourceQuota, "tenant", rest)
}

/// What a container gets that asks for nothing, and the most that one may ask for.
#[must_use]
pub fn limit_range(wish: &Wish) -> Object {
    let room = (wish.software.room)(wish.size);
    let rest = json!({ "spec": { "limits": [{
        "type": "Container",
        "default": { "cpu": cpu(JOB_CPU), "memory": memory(JOB_MEMORY) },
        "defaultRequest": { "cpu": cpu(10), "memory": memory(32) },
        "max": {
            "cpu": cpu(room.cpu_limit.max(JOB_CPU)),
            "memory": memory(room.memory_limit.max(JOB_MEMORY)),
        },
    }]}});
    object(wish, Kind::LimitRange, "tenant", rest)
}
