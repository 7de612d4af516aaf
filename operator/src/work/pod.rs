//! What the pods of work have in common.

use std::collections::BTreeMap;

use crd::labels;
use serde_json::{Value, json};

use super::{ATTEMPT, WORK_NAME};

/// This program in its own image.
pub const PROGRAM: &str = "/usr/local/bin/steppe-operator";

/// Which piece of work a Job is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct For<'a> {
    /// The instance's name.
    pub instance: &'a str,
    /// The instance's uid.
    pub instance_uid: &'a str,
    /// The work object's kind.
    pub kind: &'a str,
    /// The work object's name.
    pub work: &'a str,
    /// The work object's uid.
    pub work_uid: &'a str,
    /// `export` or `account`.
    pub role: &'a str,
    /// Which attempt it is.
    pub attempt: u32,
}

impl For<'_> {
    /// The Job's name. Of all attempts the same, so that there is never more than one.
    #[must_use]
    pub fn job_name(&self) -> String {
        job_name(self.role, self.work_uid)
    }

    fn labels(&self) -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            (labels::MANAGED_BY, labels::MANAGER.to_owned()),
            (labels::INSTANCE, self.instance.to_owned()),
            (labels::INSTANCE_UID, self.instance_uid.to_owned()),
            (labels::ROLE, self.role.to_owned()),
            (labels::WORK_UID, self.work_uid.to_owned()),
            (ATTEMPT, self.attempt.to_string()),
        ])
    }

    /// A Job around a pod. A pod that dies is replaced once it is gone for good; one that says that trying again is
    /// useless (exit codes 2 to 4) ends the Job.
    #[must_use]
    pub fn job(&self, limit_seconds: u64, pod: Value) -> Value {
        let mut pod = pod;
        for (key, value) in pod_defaults() {
            pod[key] = value;
        }
        json!({
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {
                "name": self.job_name(),
                "labels": self.labels(),
                "annotations": { WORK_NAME: self.work },
                // Work objects own nothing that holds data; with the work object its Job goes.
                "ownerReferences": [{
                    "apiVersion": format!("{}/{}", crd::GROUP, crd::VERSION),
                    "kind": self.kind,
                    "name": self.work,
                    "uid": self.work_uid,
                }],
            },
            "spec": {
                "backoffLimit": 2,
                "activeDeadlineSeconds": limit_seconds,
                "ttlSecondsAfterFinished": 3600,
                "podReplacementPolicy": "Failed",
                "podFailurePolicy": { "rules": [
                    { "action": "Ignore", "onPodConditions": [{ "type": "DisruptionTarget", "status": "True" }] },
                    { "action": "FailJob", "onExitCodes": { "operator": "In", "values": [2, 3, 4] } },
                ] },
                "template": {
                    "metadata": { "labels": self.labels(), "annotations": { WORK_NAME: self.work } },
                    "spec": pod,
                },
            },
        })
    }
}

/// The name of the Job of a piece of work.
#[must_use]
pub fn job_name(role: &str, work_uid: &str) -> String {
    format!("{role}-{work_uid}")
}

fn pod_defaults() -> [(&'static str, Value); 6] {
    [
        ("restartPolicy", json!("Never")),
        ("serviceAccountName", json!("jobs")),
        ("automountServiceAccountToken", json!(false)),
        ("enableServiceLinks", json!(false)),
        ("terminationGracePeriodSeconds", json!(10)),
        (
            "securityContext",
            json!({
                "runAsNonRoot": true,
                "runAsUser": 1000,
                "runAsGroup": 1000,
                "fsGroup": 1000,
                // Walking a large volume to change owners that are right already can take minutes.
                "fsGroupChangePolicy": "OnRootMismatch",
                "seccompProfile": { "type": "RuntimeDefault" },
            }),
        ),
    ]
}

/// What every container of ours may do: nothing but run.
#[must_use]
pub fn container_security() -> Value {
    json!({
        "allowPrivilegeEscalation": false,
        "readOnlyRootFilesystem": true,
        "capabilities": { "drop": ["ALL"] },
    })
}
