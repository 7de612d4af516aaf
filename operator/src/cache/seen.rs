//! The fields of owned objects that decide something.

use jiff::Timestamp;
use serde_json::Value;

use crate::kind::Kind;

/// The fields of an owned object that decide something, by kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// Nothing but that it exists.
    Plain,
    /// A `Deployment`.
    Deployment {
        /// How many pods were asked for.
        wanted: i64,
        /// How many pods there are.
        current: i64,
        /// How many are ready and made from the newest template.
        ready: i64,
        /// Whether its controller has seen the newest template.
        settled: bool,
        /// The image of its first container.
        image: Option<String>,
    },
    /// A `Pod`.
    Pod {
        /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
        phase: String,
        /// Whether its containers answer their probes.
        ready: bool,
        /// Containers that ended, in the order of the pod's template, first those of the init list. Of one that was
        /// restarted, its last end.
        ended: Vec<Ended>,
        /// Why a container cannot start; of the first that waits.
        waiting: Option<String>,
        /// When it was made.
        created: Option<Timestamp>,
    },
    /// A `Job`.
    Job {
        /// It ended well.
        complete: bool,
        /// When it ended, well or given up; none while it runs.
        ended_at: Option<Timestamp>,
        /// Why it was given up.
        message: String,
    },
    /// A `PersistentVolumeClaim`.
    Claim {
        /// Whether it has its volume.
        bound: bool,
        /// The volume's name.
        volume: Option<String>,
        /// Its class.
        storage_class: Option<String>,
        /// How much was asked for.
        request: Option<String>,
    },
    /// A `PersistentVolume`.
    Volume {
        /// The uid of the claim it is bound to.
        claim_uid: Option<String>,
        /// Whether it outlives its claim.
        retained: bool,
    },
    /// An `Ingress`.
    Ingress {
        /// The Service behind its first path.
        backend: Option<String>,
    },
}

/// How a container ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The container's name.
    pub container: String,
    /// Its exit code.
    pub code: i64,
    /// What it wrote to its termination message.
    pub message: String,
}

impl Seen {
    /// Reads the fields of an object of this kind; `data` is the object without its metadata.
    #[must_use]
    pub fn of(kind: Kind, generation: Option<i64>, data: &Value) -> Self {
        let text = |pointer: &str| data.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let number = |pointer: &str| data.pointer(pointer).and_then(Value::as_i64);
        match kind {
            Kind::Deployment => Self::Deployment {
                wanted: number("/spec/replicas").unwrap_or(1),
                current: number("/status/replicas").unwrap_or(0),
                ready: number("/status/readyReplicas").unwrap_or(0).min(number("/status/updatedReplicas").unwrap_or(0)),
                settled: number("/status/observedGeneration") >= generation,
                image: text("/spec/template/spec/containers/0/image"),
            },
            Kind::Pod => pod(data),
            Kind::Job => job(data),
            Kind::PersistentVolumeClaim => Self::Claim {
                bound: text("/status/phase").as_deref() == Some("Bound"),
                volume: text("/spec/volumeName"),
                storage_class: text("/spec/storageClassName"),
                request: text("/spec/resources/requests/storage"),
            },
            Kind::PersistentVolume => Self::Volume {
                claim_uid: text("/spec/claimRef/uid"),
                retained: text("/spec/persistentVolumeReclaimPolicy").as_deref() == Some("Retain"),
            },
            Kind::Ingress => Self::Ingress { backend: text("/spec/rules/0/http/paths/0/backend/service/name") },
            Kind::Namespace
            | Kind::ServiceAccount
            | Kind::RoleBinding
            | Kind::ResourceQuota
            | Kind::LimitRange
            | Kind::NetworkPolicy
            | Kind::ConfigMap
            | Kind::Secret
            | Kind::Service => Self::Plain,
        }
    }
}

fn items<'a>(data: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    data.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

fn is_true(data: &Value, condition: &str) -> Option<Value> {
    items(data, "/status/conditions").find(|c| c["type"] == condition && c["status"] == "True").cloned()
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

fn pod(data: &Value) -> Seen {
    let mut ended = Vec::new();
    let mut waiting = None;
    for status in items(data, "/status/initContainerStatuses").chain(items(data, "/status/containerStatuses")) {
        let end = status.pointer("/state/terminated").or_else(|| status.pointer("/lastState/terminated"));
        if let Some(end) = end {
            ended.push(Ended {
                container: status["name"].as_str().unwrap_or_default().to_owned(),
                code: end["exitCode"].as_i64().unwrap_or(-1),
                message: end["message"].as_str().unwrap_or_default().to_owned(),
            });
        }
        waiting = waiting.or_else(|| waits(status));
    }
    Seen::Pod {
        phase: data["status"]["phase"].as_str().unwrap_or("Pending").to_owned(),
        ready: is_true(data, "Ready").is_some(),
        ended,
        waiting,
        created: time(&data["status"]["startTime"]),
    }
}

/// Why a container cannot start, in words that stay the same while the kubelet tries again and again.
fn waits(status: &Value) -> Option<String> {
    let wait = status.pointer("/state/waiting")?;
    match wait["reason"].as_str()? {
        "PodInitializing" | "ContainerCreating" => None,
        "ErrImagePull" | "ImagePullBackOff" => {
            Some(format!("its image {} cannot be pulled", status["image"].as_str().unwrap_or_default()))
        }
        "CrashLoopBackOff" => {
            Some(format!("its container {} ends again and again", status["name"].as_str().unwrap_or_default()))
        }
        reason => Some(format!("{reason}: {}", wait["message"].as_str().unwrap_or_default())),
    }
}

fn job(data: &Value) -> Seen {
    let complete = is_true(data, "Complete");
    let failed = is_true(data, "Failed");
    let end = complete.as_ref().or(failed.as_ref());
    Seen::Job {
        complete: complete.is_some(),
        ended_at: end.and_then(|condition| time(&condition["lastTransitionTime"])),
        message: failed.as_ref().and_then(|condition| condition["message"].as_str()).unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn waiting(state: &Value) -> Option<String> {
        let status = json!({ "name": "server", "image": "registry.test/snac", "state": { "waiting": state } });
        let pod = json!({ "status": { "phase": "Pending", "containerStatuses": [status] } });
        let Seen::Pod { waiting, .. } = Seen::of(Kind::Pod, None, &pod) else { panic!("no pod") };
        waiting
    }

    #[test]
    fn what_a_pod_waits_for_is_said_in_words_that_stay_the_same() {
        assert_eq!(waiting(&json!({ "reason": "PodInitializing" })), None);
        let first = waiting(&json!({ "reason": "ErrImagePull", "message": "failed to pull: 404" }));
        let then = waiting(&json!({ "reason": "ImagePullBackOff", "message": "Back-off pulling image" }));
        assert_eq!(first, then);
        let crash = |after: &str| {
            waiting(&json!({ "reason": "CrashLoopBackOff", "message": format!("back-off {after} restarting") }))
        };
        assert_eq!(crash("10s"), crash("20s"));
        let config =
            waiting(&json!({ "reason": "CreateContainerConfigError", "message": "secret \"identity\" not found" }));
        assert_eq!(config.unwrap(), "CreateContainerConfigError: secret \"identity\" not found");
    }

    #[test]
    fn a_deployment_is_ready_only_by_its_newest_template() {
        let ready = |updated: i64, observed: i64| {
            let body = json!({
                "spec": { "replicas": 1 },
                "status": { "replicas": 1, "readyReplicas": 1, "updatedReplicas": updated, "observedGeneration": observed },
            });
            let Seen::Deployment { ready, settled, .. } = Seen::of(Kind::Deployment, Some(2), &body) else {
                panic!("no deployment")
            };
            (ready, settled)
        };
        assert_eq!(ready(1, 2), (1, true));
        assert_eq!(ready(0, 2), (0, true));
        assert_eq!(ready(1, 1), (1, false));
    }
}
