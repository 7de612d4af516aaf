//! What all pods of a tenant have in common: the whole restricted set, and a little more.

use serde_json::{Value, json};

use super::{cpu, memory};
use crate::instance::flavour::Software;

/// The operator's program in its own image.
pub const OPERATOR: &str = "/usr/local/bin/steppe-operator";
/// Where it is copied to for containers of other images.
pub const TOOL: &str = "/steppe";

/// The security context of a pod.
#[must_use]
pub fn pod_security(software: &Software) -> Value {
    json!({
        "runAsNonRoot": true,
        "runAsUser": software.user,
        "runAsGroup": software.user,
        "fsGroup": software.user,
        // Walking a large volume at every start would take minutes.
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": { "type": "RuntimeDefault" },
    })
}

/// The security context of a container.
#[must_use]
pub fn container_security() -> Value {
    json!({
        "allowPrivilegeEscalation": false,
        "readOnlyRootFilesystem": true,
        "capabilities": { "drop": ["ALL"] },
    })
}

/// Requests and limits of a container.
#[must_use]
pub fn resources(cpu_request: u32, cpu_limit: u32, memory_request: u32, memory_limit: u32) -> Value {
    json!({
        "requests": { "cpu": cpu(cpu_request), "memory": memory(memory_request) },
        "limits": { "cpu": cpu(cpu_limit), "memory": memory(memory_limit) },
    })
}
