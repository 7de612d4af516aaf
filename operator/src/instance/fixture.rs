//! Observations for tests. Names differ from the product's on purpose, so that swapped ones are noticed.

use std::sync::Arc;

use crd::{Cell, Export, Instance, InstanceStatus, Mode, condition, labels};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::observe::{DataSight, NamespaceSight, Observed, SecretSight, StartSight, names};
use super::plan::{Decision, Plan};
use super::status::Outcome;
use super::{apply::Applied, plan, status, validate};
use crate::cache::Held;
use crate::condition::Conditions;
use crate::kind::Kind;
use crate::probe::{Health, Verdict};

pub(super) const NOW: i64 = 1_790_000_000;

pub(super) fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

pub(super) fn cell() -> Cell {
    serde_json::from_value(json!({
        "apiVersion": "steppe.host/v1alpha1",
        "kind": "Cell",
        "metadata": { "name": "cell" },
        "spec": {
            "zone": "ponds.test",
            "ingress": { "className": "door", "cidrs": ["10.244.0.1/32"] },
            "trustBundle": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
            "objectStore": { "endpoint": "http://10.244.0.1:7070", "bucket": "bundles", "cidrs": ["10.244.0.1/32"] },
            "networks": {
                "pods": ["10.244.0.0/16"],
                "services": ["10.96.0.0/16"],
                "nodes": ["192.0.2.0/24"],
                "dns": ["10.244.0.1/32"],
            },
            "storageClass": "shelf",
            "versions": [{ "flavour": "snac", "version": "2.75", "image": "registry.test/snac@sha256:0001" }],
        },
    }))
    .unwrap()
}

pub(super) fn instance() -> Instance {
    serde_json::from_value(json!({
        "apiVersion": "steppe.host/v1alpha1",
        "kind": "Instance",
        "metadata": {
            "name": "heron",
            "uid": "uid-heron",
            "generation": 1,
            "resourceVersion": "100",
            "creationTimestamp": "2026-09-21T00:00:00Z",
            "finalizers": [labels::KEEP_FINALIZER],
        },
        "spec": {
            "flavour": "snac",
            "version": "2.75",
            "size": "small",
            "hostname": "heron.ponds.test",
            "owner": { "handle": "ardea" },
            "settings": { "title": "Heron's pond" },
            "revision": 3,
        },
    }))
    .unwrap()
}

/// An instance that was just made.
pub(super) fn fresh() -> Observed {
    let mut instance = instance();
    instance.metadata.finalizers = None;
    observed(instance)
}

pub(super) fn observed(instance: Instance) -> Observed {
    Observed {
        instance: Arc::new(instance),
        cell: Some(Arc::new(cell())),
        now: now(),
        cluster_uid: Some("uid-cluster".to_owned()),
        image: "registry.test/operator@sha256:0002".to_owned(),
        holding_host: "steppe-holding.steppe-system.svc.cluster.local".to_owned(),
        operator: ("steppe-system".to_owned(), "steppe-operator".to_owned()),
        host_taken_by: None,
        has_room: true,
        namespace_name: "steppe-t-heron".to_owned(),
        namespace: NamespaceSight::Absent,
        owned: Vec::new(),
        exports: Vec::new(),
        secret: SecretSight::NotAsked,
        claim: DataSight::NotAsked,
        volume: DataSight::NotAsked,
        start: StartSight::NotAsked,
        health: Health::default(),
        volumes_grow: false,
    }
}

pub(super) fn held(kind: Kind, name: &str, extra: Value) -> Arc<Held> {
    let mut body = json!({ "metadata": {
        "name": name,
        "uid": format!("uid-{}-{name}", kind.as_str().to_lowercase()),
        "resourceVersion": "7",
        "labels": {
            labels::MANAGED_BY: labels::MANAGER,
            labels::INSTANCE: "heron",
            labels::INSTANCE_UID: "uid-heron",
        },
    }});
    if kind.is_namespaced() {
        body["metadata"]["namespace"] = json!("steppe-t-heron");
    }
    merge(&mut body, extra);
    Arc::new(Held::new(kind, serde_json::from_value(body).unwrap()))
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

#[allow(clippy::needless_pass_by_value)] // reads better with `json!` at the call
pub(super) fn pod(role: &str, status: Value) -> Arc<Held> {
    held(Kind::Pod, &format!("{role}-0"), json!({ "metadata": { "labels": { labels::ROLE: role } }, "status": status }))
}

pub(super) fn namespace() -> Arc<Held> {
    held(
        Kind::Namespace,
        "steppe-t-heron",
        json!({ "metadata": { "annotations": {
            validate::HOSTNAME: "heron.ponds.test",
            validate::FLAVOUR: "snac",
        }}}),
    )
}

pub(super) fn claim() -> Arc<Held> {
    held(
        Kind::PersistentVolumeClaim,
        names::DATA,
        json!({
            "spec": {
                "volumeName": "volume-1",
                "storageClassName": "older-shelf",
                "resources": { "requests": { "storage": "2Gi" } },
            },
            "status": { "phase": "Bound" },
        }),
    )
}

pub(super) fn volume() -> Arc<Held> {
    held(
        Kind::PersistentVolume,
        "volume-1",
        json!({ "spec": {
            "claimRef": { "uid": "uid-persistentvolumeclaim-data" },
            "persistentVolumeReclaimPolicy": "Retain",
        }}),
    )
}

pub(super) fn deployment(wanted: i64, current: i64, ready: i64) -> Arc<Held> {
    held(
        Kind::Deployment,
        names::SERVER,
        json!({
            "metadata": { "generation": 4 },
            "spec": {
                "replicas": wanted,
                "template": { "spec": { "containers": [{ "image": "registry.test/snac@sha256:0000" }] } },
            },
            "status": {
                "replicas": current,
                "readyReplicas": ready,
                "updatedReplicas": current,
                "observedGeneration": 4,
            },
        }),
    )
}

pub(super) fn ingress(backend: &str) -> Arc<Held> {
    held(
        Kind::Ingress,
        names::SERVER,
        json!({ "spec": { "rules": [{ "http": { "paths": [
            { "backend": { "service": { "name": backend } } },
        ]}}]}}),
    )
}

pub(super) fn identity() -> crd::Identity {
    crd::Identity {
        volume_claim_uid: "uid-persistentvolumeclaim-data".to_owned(),
        volume_name: "volume-1".to_owned(),
        secret_uid: "uid-secret".to_owned(),
        fingerprint: "f".repeat(64),
        born_at: Timestamp::from_second(NOW - 1000).unwrap(),
    }
}

/// An instance that was born, with these conditions; its server is down and there is no Deployment yet.
pub(super) fn born(conditions: &[(&str, bool, &str)]) -> Observed {
    let mut list = Conditions::new(Vec::new(), now(), Some(1));
    for (type_, truth, reason) in conditions {
        list.set(type_, *truth, reason, "");
    }
    let mut instance = instance();
    instance.status =
        Some(InstanceStatus { identity: Some(identity()), conditions: list.into_list(), ..InstanceStatus::default() });
    let space = namespace();
    Observed {
        namespace: NamespaceSight::Present {
            owner: Some("uid-heron".to_owned()),
            annotations: space.annotations.clone(),
        },
        owned: vec![space, claim(), volume()],
        secret: SecretSight::Present("uid-secret".to_owned()),
        claim: DataSight::Present(claim()),
        volume: DataSight::Present(volume()),
        ..observed(instance)
    }
}

/// An instance whose server is up and takes traffic.
pub(super) fn running() -> Observed {
    let mut seen = born(&[
        (condition::STOPPED, false, "Running"),
        (condition::SERVING, true, "Answers"),
        (condition::REACHABLE, true, "Answers"),
        (condition::READY, true, "Serving"),
    ]);
    seen.owned.push(deployment(1, 1, 1));
    seen.owned.push(ingress("server"));
    seen.owned.push(pod("server", json!({ "phase": "Running" })));
    seen.health = Health { serving: Verdict::Up, reachable: Verdict::Up };
    seen
}

pub(super) fn wish_mode(seen: &mut Observed, mode: Mode) {
    Arc::make_mut(&mut seen.instance).spec.mode = mode;
}

pub(super) fn export(name: &str, step: &str) -> Arc<Export> {
    Arc::new(
        serde_json::from_value(json!({
            "apiVersion": "steppe.host/v1alpha1",
            "kind": "Export",
            "metadata": { "name": name, "uid": format!("uid-{name}") },
            "spec": { "instanceRef": { "name": "heron", "uid": "uid-heron" } },
            "status": { "phase": "Running", "step": step },
        }))
        .unwrap(),
    )
}

pub(super) fn decide(seen: &Observed) -> Decision {
    plan::plan(seen, validate::validate(seen))
}

pub(super) fn carry(seen: &Observed) -> Plan {
    match decide(seen) {
        Decision::Carry(plan) => *plan,
        other @ (Decision::Paused(_) | Decision::Refused(_)) => panic!("nothing is carried out: {other}"),
    }
}

/// The status after the plan was carried out; `changed` says whether that wrote anything.
pub(super) fn status_after(seen: &Observed, changed: bool) -> InstanceStatus {
    match decide(seen) {
        Decision::Paused(by) => status::next(seen, &Outcome::Paused(by)),
        Decision::Refused(refusal) => status::next(seen, &Outcome::Refused(&refusal)),
        Decision::Carry(plan) => {
            let birth = match &plan.birth {
                plan::Birth::Wait { reason, message } => Some((*reason, message.clone())),
                plan::Birth::Begin(_) => Some(("BirthRunning", String::new())),
                plan::Birth::Again { message } => Some(("BirthRepeated", message.clone())),
                plan::Birth::Over | plan::Birth::Restore(_) | plan::Birth::Finish(_) => None,
            };
            let applied = Applied {
                held: None,
                record: plan.birth.record().cloned(),
                birth,
                changed,
                power: plan.power,
                missing: plan.missing,
                doubt: plan.doubt,
                wish: plan.wish,
            };
            status::next(seen, &Outcome::Carried(&applied))
        }
    }
}

/// Conditions as `Type=True/Reason`, in their order.
pub(super) fn conditions(status: &InstanceStatus) -> Vec<String> {
    status.conditions.iter().map(|one| format!("{}={}/{}", one.type_, one.status, one.reason)).collect()
}
