//! The status double's deployment controller.
//!
//! Copied from pkg/controller/deployment, v1.35.4: `Recreate` starts new pods only when no pod of another template is
//! left, not even one that terminates (`oldPodsRunning`, recreate.go), while a pod of the same template that
//! terminates does not hold back its successor (`FilterActivePods` of the ReplicaSet controller); the numbers and the
//! condition `Available` by `calculateStatus` (sync.go), `Progressing` by `syncRolloutStatus` (progress.go).

use std::sync::Arc;

use anyhow::Context as _;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::runtime::controller::Action;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::double::{Context, Failure, controlled_by, ending, key, now_text};
use super::pod;

/// The label that tells pods of one template from those of another (apps/v1 `DefaultDeploymentUniqueLabelKey`).
const TEMPLATE: &str = "pod-template-hash";

pub(super) async fn reconcile(deployment: Arc<Deployment>, context: Arc<Context>) -> Result<Action, Failure> {
    let meta = &deployment.metadata;
    if !context.scope.holds(meta.namespace.as_deref()) || meta.deletion_timestamp.is_some() {
        return Ok(Action::await_change());
    }
    let pods = context.pods_of(&deployment.namespace().unwrap_or_default());
    let mut own = pods.list(&ListParams::default()).await?.items;
    own.retain(|pod| controlled_by(pod, meta.uid.as_deref()) && !pod::over(pod));
    let view = View::of(&deployment, &own)?;
    for name in view.surplus() {
        context.delay(&key(&*deployment), "scale down").await;
        pods.delete(&name, &DeleteParams::default()).await?;
    }
    let mut refused = None;
    for number in view.missing() {
        context.delay(&key(&*deployment), &format!("scale up {number}")).await;
        if let Err(error) = pods.create(&PostParams::default(), &view.pod(&context)?).await {
            let kube::Error::Api(status) = error else {
                return Err(error.into());
            };
            if ending(&status) {
                continue;
            }
            // Two were counted against one quota at the same time: the next try passes.
            if status.reason != "Conflict" {
                context.problem(format!("Deployment {}: a pod was refused: {}", key(&*deployment), status.message));
            }
            refused = Some(status.message.clone());
        }
    }
    if let Some(status) = view.status(refused.as_deref()) {
        context.delay(&key(&*deployment), "status").await;
        let patch =
            json!({ "metadata": { "uid": meta.uid, "resourceVersion": meta.resource_version }, "status": status });
        let all: Api<Deployment> = Api::namespaced(context.client.clone(), &deployment.namespace().unwrap_or_default());
        all.patch_status(&deployment.name_any(), &PatchParams::default(), &Patch::Merge(patch)).await?;
    }
    if refused.is_some() {
        return Ok(Action::requeue(std::time::Duration::from_millis(500)));
    }
    Ok(Action::await_change())
}

/// A Deployment and its living pods.
struct View<'a> {
    deployment: &'a Deployment,
    hash: String,
    wanted: usize,
    /// Of this template and not being deleted, oldest first.
    current: Vec<&'a Pod>,
    /// Of this template and being deleted.
    leaving: Vec<&'a Pod>,
    /// Of another template.
    old: Vec<&'a Pod>,
}

impl<'a> View<'a> {
    fn of(deployment: &'a Deployment, pods: &'a [Pod]) -> Result<Self, Failure> {
        let spec = deployment.spec.as_ref().context("the Deployment has no spec")?;
        let template = serde_json::to_vec(&spec.template).context("the template is no JSON")?;
        let hash = hex::encode(Sha256::digest(template))[..10].to_owned();
        let (mut current, old): (Vec<&Pod>, Vec<&Pod>) =
            pods.iter().partition(|pod| pod.labels().get(TEMPLATE) == Some(&hash));
        current.sort_by_key(|pod| (pod.metadata.creation_timestamp.as_ref().map(|time| time.0), pod.name_any()));
        let (leaving, current) = current.into_iter().partition(|pod| pod.metadata.deletion_timestamp.is_some());
        let wanted = usize::try_from(spec.replicas.unwrap_or(1)).unwrap_or_default();
        Ok(Self { deployment, hash, wanted, current, leaving, old })
    }

    fn recreates(&self) -> bool {
        let strategy = self.deployment.spec.as_ref().and_then(|spec| spec.strategy.as_ref());
        strategy.and_then(|strategy| strategy.type_.as_deref()) == Some("Recreate")
    }

    /// Pods to delete now: too many of this template, and those of another one (at once with `Recreate` or when
    /// nothing is wanted, otherwise when their successors are ready).
    fn surplus(&self) -> Vec<String> {
        let ready = self.current.iter().filter(|pod| pod::ready(pod)).count();
        let replaced = self.recreates() || ready >= self.wanted;
        let old = self.old.iter().filter(|pod| replaced && pod.metadata.deletion_timestamp.is_none());
        self.current.iter().skip(self.wanted).chain(old).map(|pod| pod.name_any()).collect()
    }

    /// Numbers of the pods to create now.
    fn missing(&self) -> std::ops::Range<usize> {
        let held = self.recreates() && !self.old.is_empty();
        let have = self.current.len();
        if held { have..have } else { have..self.wanted.max(have) }
    }

    fn pod(&self, context: &Context) -> Result<Pod, Failure> {
        let deployment = self.deployment;
        let template = deployment.spec.as_ref().map(|spec| &spec.template);
        let mut pod = json!(template);
        let meta = &mut pod["metadata"];
        if meta.is_null() {
            *meta = json!({});
        }
        meta["generateName"] = json!(format!("{}-{}-", deployment.name_any(), self.hash));
        meta["namespace"] = json!(deployment.namespace());
        meta["labels"][TEMPLATE] = json!(self.hash);
        meta["ownerReferences"] = json!([{
            "apiVersion": "apps/v1", "kind": "Deployment", "name": deployment.name_any(), "uid": deployment.uid(),
            "controller": true, "blockOwnerDeletion": true,
        }]);
        pod["spec"]["nodeName"] = json!(context.node);
        Ok(serde_json::from_value(pod).context("a Deployment's template makes no pod")?)
    }

    /// The conditions that hold: type, status, reason, message.
    fn conditions(
        &self,
        available: bool,
        done: bool,
        refused: Option<&str>,
    ) -> Vec<(&'static str, &'static str, &'static str, String)> {
        let mut conditions = vec![if available {
            ("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.".to_owned())
        } else {
            (
                "Available",
                "False",
                "MinimumReplicasUnavailable",
                "Deployment does not have minimum availability.".to_owned(),
            )
        }];
        let set = format!("ReplicaSet \"{}-{}\"", self.deployment.name_any(), self.hash);
        conditions.push(if done {
            ("Progressing", "True", "NewReplicaSetAvailable", format!("{set} has successfully progressed."))
        } else {
            ("Progressing", "True", "ReplicaSetUpdated", format!("{set} is progressing."))
        });
        conditions.extend(refused.map(|message| ("ReplicaFailure", "True", "FailedCreate", message.to_owned())));
        conditions
    }

    /// The status, if it differs from the one written down in more than times.
    fn status(&self, refused: Option<&str>) -> Option<Value> {
        let old = json!(self.deployment.status);
        let ready = self.current.iter().chain(&self.old).filter(|pod| pod::ready(pod)).count();
        let replicas = self.current.len() + self.old.len();
        let available = ready >= self.wanted;
        let done = available && self.old.is_empty() && self.current.len() == self.wanted;
        let conditions = self.conditions(available, done, refused);
        let conditions: Vec<Value> = conditions.into_iter().map(|new| condition(&old, new)).collect();
        let new = json!({
            "observedGeneration": self.deployment.metadata.generation,
            "replicas": replicas,
            "updatedReplicas": self.current.len(),
            "readyReplicas": ready,
            "availableReplicas": ready,
            "unavailableReplicas": replicas.max(self.wanted) - ready.min(replicas),
            "terminatingReplicas": self.leaving.len(),
            "conditions": conditions,
        });
        let same = new
            .as_object()
            .into_iter()
            .flatten()
            .all(|(name, value)| old[name] == *value || (old[name].is_null() && *value == json!(0)));
        (!same).then_some(new)
    }
}

/// A condition whose time of transition moves only with its status.
fn condition(old: &Value, (kind, status, reason, message): (&str, &str, &str, String)) -> Value {
    let before = old["conditions"].as_array().and_then(|all| all.iter().find(|one| one["type"] == kind));
    let now = now_text();
    match before {
        Some(before) if before["status"] == status && before["reason"] == reason && before["message"] == *message => {
            before.clone()
        }
        _ => {
            let since = before.filter(|before| before["status"] == status).map(|before| &before["lastTransitionTime"]);
            json!({
                "type": kind, "status": status, "reason": reason, "message": message, "lastUpdateTime": now,
                "lastTransitionTime": since.unwrap_or(&json!(now)),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(replicas: i32, strategy: &str, image: &str) -> Deployment {
        serde_json::from_value(json!({
            "metadata": { "name": "server", "uid": "d", "generation": 3 },
            "spec": { "replicas": replicas, "selector": {}, "strategy": { "type": strategy },
                "template": { "spec": { "containers": [{ "name": "snac", "image": image }] } } },
        }))
        .unwrap()
    }

    fn pod_of(deployment: &Deployment, name: &str, leaving: bool, ready: bool) -> Pod {
        let hash = View::of(deployment, &[]).unwrap_or_else(|error| panic!("{error}")).hash;
        let mut pod = json!({
            "metadata": { "name": name, "labels": { TEMPLATE: hash } },
            "status": { "phase": "Running",
                "conditions": [{ "type": "Ready", "status": if ready { "True" } else { "False" } }] },
        });
        if leaving {
            pod["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        }
        serde_json::from_value(pod).unwrap()
    }

    #[test]
    fn recreate_waits_until_the_old_pod_is_gone() {
        let new = deployment(1, "Recreate", "b");
        let old = [pod_of(&deployment(1, "Recreate", "a"), "old", true, true)];
        let view = View::of(&new, &old).unwrap();
        assert!(view.missing().is_empty() && view.surplus().is_empty());
        let rolling = deployment(1, "RollingUpdate", "b");
        assert_eq!(View::of(&rolling, &old).unwrap().missing().len(), 1);
    }

    #[test]
    fn a_leaving_pod_of_the_same_template_does_not_hold_back_its_successor() {
        let one = deployment(1, "Recreate", "a");
        let leaving = [pod_of(&one, "a", true, true)];
        assert_eq!(View::of(&one, &leaving).unwrap().missing().len(), 1);
    }

    #[test]
    fn scaling_to_none_deletes_and_is_available() {
        let none = deployment(0, "Recreate", "a");
        let pods = [pod_of(&none, "a", false, true)];
        let view = View::of(&none, &pods).unwrap();
        assert_eq!(view.surplus(), ["a"]);
        let status = View::of(&none, &[]).unwrap().status(None).unwrap();
        assert_eq!(status["observedGeneration"], 3);
        assert_eq!(status["conditions"][0]["status"], "True");
    }

    #[test]
    fn a_settled_status_is_not_written_again() {
        let mut one = deployment(1, "Recreate", "a");
        let pods = [pod_of(&one, "a", false, true)];
        let status = View::of(&one, &pods).unwrap().status(None).unwrap();
        assert_eq!(status["readyReplicas"], 1);
        one.status = serde_json::from_value(status).unwrap();
        assert!(View::of(&one, &pods).unwrap().status(None).is_none());
    }
}
