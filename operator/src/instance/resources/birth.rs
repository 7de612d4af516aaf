//! The Job that makes a server's identity.

use serde_json::json;

use super::limits::{JOB_CPU, JOB_MEMORY};
use super::pod::{OPERATOR, TOOL, container_security, pod_security, resources};
use super::{Wish, object, pod_labels};
use crate::apply::Object;
use crate::instance::observe::names;
use crate::kind::Kind;

/// The Job. It is made once and never changed; a repeat keeps the keys that an earlier run made.
#[must_use]
pub fn birth(wish: &Wish, operator_image: &str) -> Object {
    let room = resources(10, JOB_CPU, 32, JOB_MEMORY);
    let mut command = vec![
        format!("{TOOL}/steppe-operator"),
        "job".to_owned(),
        "birth".to_owned(),
        format!("--flavour={}", wish.software.flavour),
        format!("--hostname={}", wish.hostname),
        format!("--handle={}", wish.handle),
        "--data=/data".to_owned(),
    ];
    command.extend(wish.owner_claim.iter().map(|to| format!("--claim={to}")));
    command.extend(wish.cell.escrow_recipient.iter().map(|to| format!("--escrow={to}")));
    let rest = json!({ "spec": {
        "backoffLimit": 3,
        "activeDeadlineSeconds": 900,
        "template": {
            "metadata": { "labels": pod_labels(wish, "birth") },
            "spec": {
                "restartPolicy": "Never",
                "serviceAccountName": names::JOBS,
                "automountServiceAccountToken": false,
                "enableServiceLinks": false,
                "securityContext": pod_security(wish.software),
                "initContainers": [{
                    "name": "tool",
                    "image": operator_image,
                    "command": [OPERATOR, "job", "install", format!("--into={TOOL}")],
                    "securityContext": container_security(),
                    "resources": room,
                    "volumeMounts": [{ "name": "tool", "mountPath": TOOL }],
                }],
                "containers": [{
                    "name": "birth",
                    "image": wish.image,
                    "command": command,
                    "securityContext": container_security(),
                    "resources": room,
                    "volumeMounts": [
                        { "name": "tool", "mountPath": TOOL, "readOnly": true },
                        { "name": "data", "mountPath": "/data" },
                        { "name": "identity", "mountPath": "/identity", "readOnly": true },
                        { "name": "tmp", "mountPath": "/tmp" },
                    ],
                }],
                "volumes": [
                    { "name": "tool", "emptyDir": { "sizeLimit": "256Mi" } },
                    { "name": "data", "persistentVolumeClaim": { "claimName": names::DATA } },
                    { "name": "identity", "secret": { "secretName": names::IDENTITY } },
                    { "name": "tmp", "emptyDir": { "sizeLimit": "16Mi" } },
                ],
            },
        },
    }});
    object(wish, Kind::Job, names::BIRTH, rest)
}
