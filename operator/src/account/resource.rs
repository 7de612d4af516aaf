//! The change's Job. Pure.

use serde_json::{Value, json};

use super::validate::Valid;
use crate::job::account::Action;
use crate::work::pod::{For, PROGRAM, container_security};

/// The Job: the flavour's image with its program, and ours put beside it. It has no network.
pub(super) fn job(work: &For, valid: &Valid, operator_image: &str, beside_server: bool, limit_seconds: u64) -> Value {
    let resources = json!({
        "requests": { "cpu": "10m", "memory": "32Mi" },
        "limits": { "cpu": "500m", "memory": "128Mi" },
    });
    let tool = json!({
        "name": "tool",
        "image": operator_image,
        "command": [PROGRAM, "job", "install", "--into", "/steppe"],
        "securityContext": container_security(),
        "resources": resources,
        "volumeMounts": [{ "name": "tool", "mountPath": "/steppe" }],
    });
    let account = json!({
        "name": "account",
        "image": valid.image,
        "command": command(work, valid),
        "securityContext": container_security(),
        "resources": resources,
        "volumeMounts": [
            { "name": "tool", "mountPath": "/steppe", "readOnly": true },
            { "name": "data", "mountPath": "/data" },
            { "name": "tmp", "mountPath": "/tmp" },
        ],
    });
    let mut pod = json!({
        "initContainers": [tool],
        "containers": [account],
        "volumes": [
            { "name": "tool", "emptyDir": {} },
            { "name": "data", "persistentVolumeClaim": { "claimName": "data" } },
            { "name": "tmp", "emptyDir": { "sizeLimit": "64Mi" } },
        ],
    });
    if beside_server {
        // A volume is on one node at a time, and the server has it.
        pod["affinity"] = json!({ "podAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": [{
            "topologyKey": "kubernetes.io/hostname",
            "labelSelector": { "matchLabels": {
                crd::labels::INSTANCE_UID: work.instance_uid,
                crd::labels::ROLE: "server",
            } },
        }] } });
    }
    work.job(limit_seconds, pod)
}

fn command<'a>(work: &For<'a>, valid: &'a Valid) -> Vec<&'a str> {
    let action = match valid.action {
        Action::Add => "add",
        Action::ResetLogin => "reset-login",
        Action::Remove => "remove",
    };
    let mut command = vec!["/steppe/steppe-operator", "job", "account", "--flavour", valid.flavour];
    command.extend(["--work-uid", work.work_uid, "--action", action, "--handle", &valid.handle]);
    command.extend(["--data", "/data"]);
    if let Some(claim) = &valid.claim {
        command.extend(["--claim", claim]);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_job_as_text() {
        let work = For {
            instance: "birds",
            instance_uid: "instance-uid",
            kind: "AccountChange",
            work: "birds-add-bob",
            work_uid: "change-uid",
            role: "account",
            attempt: 1,
        };
        let valid = Valid {
            flavour: "snac",
            image: "registry.example/snac@sha256:0".into(),
            action: Action::Add,
            handle: "bob".into(),
            claim: Some("age1claim".into()),
        };
        let job = job(&work, &valid, "registry.example/steppe-operator@sha256:0", true, 900);
        let typed: k8s_openapi::api::batch::v1::Job = serde_json::from_value(job.clone()).unwrap();
        assert_eq!(serde_json::to_value(typed).unwrap(), job, "a field that the API does not know");
        insta::assert_snapshot!(serde_saphyr::to_string(&job).unwrap());
    }
}
