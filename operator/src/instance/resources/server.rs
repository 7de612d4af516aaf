//! The server itself: its Deployment and its Services.

use crd::labels;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::pod::{OPERATOR, container_security, pod_security, resources};
use super::{Wish, object, pod_labels};
use crate::apply::Object;
use crate::instance::observe::names;
use crate::kind::Kind;

/// On the Deployment: why it has no pod. It changes with every new reason, and with it the object's version, so that a
/// start that was decided before cannot come through after.
pub const STOPPED_FOR: &str = "steppe.host/stopped-for";
/// On pods: a digest of the certificates they trust; a mounted file does not follow its ConfigMap.
const TRUSTED: &str = "steppe.host/trusted";

/// How a server is to be run now.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// The fingerprint that the status records; compared with the volume before each start.
    pub fingerprint: &'a str,
    /// The operator's image.
    pub operator_image: &'a str,
    /// Why there is no pod; none when there should be one.
    pub stopped_for: Option<&'a str>,
}

/// The Deployment.
#[must_use]
pub fn deployment(wish: &Wish, run: Run<'_>) -> Object {
    let mut annotations = json!({});
    if let Some(bundle) = &wish.cell.trust_bundle {
        annotations[TRUSTED] = json!(&hex::encode(Sha256::digest(bundle.as_bytes()))[..16]);
    }
    let rest = json!({ "spec": {
        "replicas": i32::from(run.stopped_for.is_none()),
        // Two servers must never have the same data open.
        "strategy": { "type": "Recreate" },
        "revisionHistoryLimit": 0,
        "selector": { "matchLabels": {
            labels::INSTANCE: wish.id,
            labels::ROLE: "server",
        }},
        "template": {
            "metadata": { "labels": pod_labels(wish, "server"), "annotations": annotations },
            "spec": pod(wish, run),
        },
    }});
    let deployment = object(wish, Kind::Deployment, names::SERVER, rest);
    match run.stopped_for {
        Some(reason) => deployment.annotated(STOPPED_FOR, reason),
        None => deployment,
    }
}

fn pod(wish: &Wish, run: Run<'_>) -> Value {
    let mut init = vec![prepare(wish, run)];
    if let Some(upgrade) = wish.software.upgrade {
        init.push(container(wish, "upgrade", upgrade));
    }
    let mut volumes = vec![
        json!({ "name": "data", "persistentVolumeClaim": { "claimName": names::DATA } }),
        json!({ "name": "identity", "secret": { "secretName": names::IDENTITY } }),
        json!({ "name": "tmp", "emptyDir": { "sizeLimit": "256Mi" } }),
    ];
    if wish.cell.trust_bundle.is_some() {
        volumes.push(json!({ "name": "trust", "configMap": { "name": names::TRUST } }));
    }
    json!({
        "serviceAccountName": names::SERVER,
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "terminationGracePeriodSeconds": wish.software.grace,
        "securityContext": pod_security(wish.software),
        "initContainers": init,
        "containers": [server(wish)],
        "volumes": volumes,
    })
}

/// The last look before a start: is this what the server was born with? And the owner's settings.
fn prepare(wish: &Wish, run: Run<'_>) -> Value {
    json!({
        "name": "prepare",
        "image": run.operator_image,
        "command": [
            OPERATOR,
            "job",
            "prepare",
            format!("--flavour={}", wish.software.flavour),
            "--data=/data",
            format!("--fingerprint={}", run.fingerprint),
            format!("--settings={}", json!(wish.settings)),
        ],
        "securityContext": container_security(),
        "resources": limits(wish),
        "volumeMounts": [
            { "name": "data", "mountPath": "/data" },
            { "name": "identity", "mountPath": "/identity", "readOnly": true },
            { "name": "tmp", "mountPath": "/tmp" },
        ],
    })
}

fn server(wish: &Wish) -> Value {
    let software = wish.software;
    let probe = |period: u32, failures: u32| {
        json!({
            "httpGet": {
                "path": software.health,
                "port": software.port,
                "httpHeaders": [{ "name": "Host", "value": wish.hostname }],
            },
            "periodSeconds": period,
            "timeoutSeconds": 5,
            "failureThreshold": failures,
        })
    };
    let mut server = container(wish, "server", software.serve);
    server["ports"] = json!([{ "name": "http", "containerPort": software.port, "protocol": "TCP" }]);
    server["startupProbe"] = probe(1, 300);
    server["readinessProbe"] = probe(10, 3);
    server["livenessProbe"] = probe(30, 5);
    if let Some(drain) = software.drain {
        server["lifecycle"] = json!({ "preStop": { "exec": { "command": drain } } });
    }
    server
}

fn container(wish: &Wish, name: &str, command: &[&str]) -> Value {
    let mut mounts =
        vec![json!({ "name": "data", "mountPath": "/data" }), json!({ "name": "tmp", "mountPath": "/tmp" })];
    if wish.cell.trust_bundle.is_some() {
        // Where programs on Debian look; some of them look nowhere else.
        mounts.push(json!({
            "name": "trust",
            "mountPath": "/etc/ssl/certs/ca-certificates.crt",
            "subPath": "ca-certificates.crt",
            "readOnly": true,
        }));
    }
    json!({
        "name": name,
        "image": wish.image,
        "command": command,
        "securityContext": container_security(),
        "resources": limits(wish),
        "volumeMounts": mounts,
    })
}

fn limits(wish: &Wish) -> Value {
    let room = (wish.software.room)(wish.size);
    resources(room.cpu_request, room.cpu_limit, room.memory_request, room.memory_limit)
}

/// The Service of the server.
#[must_use]
pub fn service(wish: &Wish) -> Object {
    let rest = json!({ "spec": {
        "type": "ClusterIP",
        "selector": { labels::INSTANCE: wish.id, labels::ROLE: "server" },
        "ports": [{
            "name": "http",
            "protocol": "TCP",
            "port": 80,
            "targetPort": wish.software.port,
        }],
    }});
    object(wish, Kind::Service, names::SERVER, rest)
}

/// The Service that leads to the cell's 503 page.
#[must_use]
pub fn holding(wish: &Wish, host: &str) -> Object {
    let rest = json!({ "spec": {
        "type": "ExternalName",
        "externalName": host,
        "ports": [{ "name": "http", "protocol": "TCP", "port": 80, "targetPort": 80 }],
    }});
    object(wish, Kind::Service, names::HOLDING, rest)
}
