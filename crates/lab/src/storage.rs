//! Volumes: folders of this machine, made by Rancher's local path provisioner as a process of the node.
//!
//! Its volumes are of type hostPath: fsGroup is not applied, so the top folder is 0777 and a pod makes its own folder
//! below; the size is only a word, and the kubelet has no figures of their use.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, ServiceAccount};
use k8s_openapi::api::storage::v1::StorageClass;
use kube::{Api, Client};
use serde_json::json;

use crate::node::Ground;
use crate::objects;
use crate::process::Spec;
use crate::tools::Tools;

/// The StorageClass for tenants' volumes. Its volumes stay when their claim is deleted, and are made where the first
/// pod that uses them runs.
pub const CLASS: &str = "steppe";

const NAME: &str = "local-path-provisioner";
/// Where its helper pods run.
pub const NAMESPACE: &str = "local-path-storage";
const ACCOUNT: &str = "local-path-provisioner-service-account";

/// Starts the provisioner and makes the StorageClass. `helper_image` has a shell; short-lived pods of it make and
/// remove the folders. Does nothing twice.
pub async fn start(ground: &Ground, tools: &Tools, client: &Client, helper_image: &str) -> Result<()> {
    let folder = ground.state_dir.join("storage");
    let volumes = ground.state_dir.join("volumes");
    for folder in [&folder, &volumes] {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let config =
        json!({"nodePathMap": [{"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": [volumes]}]}).to_string();
    let pod = helper_pod(helper_image);
    for (name, text) in [("config.json", &config), ("helperPod.yaml", &pod)] {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    objects(client, &config, &pod).await?;
    let file = |name: &str| folder.join(name).display().to_string();
    ground.processes().start(&Spec {
        name: NAME.into(),
        program: tools.program("local-path-provisioner"),
        args: [
            "start".into(),
            format!("--kubeconfig={}", ground.kubeconfig.display()),
            format!("--config={}", file("config.json")),
            format!("--helper-pod-file={}", file("helperPod.yaml")),
            format!("--helper-image={helper_image}"),
        ]
        .into(),
        ..Spec::default()
    })?;
    Ok(())
}

/// Stops the provisioner. Volumes stay.
pub async fn stop(ground: &Ground) -> Result<()> {
    ground.processes().stop(NAME, Duration::from_secs(10)).await
}

/// The pod that makes and removes a volume's folder. JSON is YAML.
fn helper_pod(image: &str) -> String {
    let container = json!({"name": "helper-pod", "image": image, "imagePullPolicy": "IfNotPresent"});
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "helper-pod"}, "spec": {"containers": [container]}})
        .to_string()
}

/// The provisioner's helper pods read their scripts from a ConfigMap and run under an account without rights, in a
/// namespace that allows host paths.
async fn objects(client: &Client, config: &str, pod: &str) -> Result<()> {
    let namespaces = Api::<Namespace>::all(client.clone());
    let labels = json!({"pod-security.kubernetes.io/enforce": "privileged"});
    objects::apply(&namespaces, json!({"metadata": {"name": NAMESPACE, "labels": labels}})).await?;
    let accounts = Api::<ServiceAccount>::namespaced(client.clone(), NAMESPACE);
    let account = json!({"metadata": {"name": ACCOUNT}, "automountServiceAccountToken": false});
    objects::apply(&accounts, account).await?;
    let maps = Api::<ConfigMap>::namespaced(client.clone(), NAMESPACE);
    let data = json!({
        "config.json": config,
        "helperPod.yaml": pod,
        "setup": "#!/bin/sh\nset -eu\nmkdir -m 0777 -p \"$VOL_DIR\"\n",
        "teardown": "#!/bin/sh\nset -eu\nrm -rf \"$VOL_DIR\"\n",
    });
    objects::apply(&maps, json!({"metadata": {"name": "local-path-config"}, "data": data})).await?;
    let classes = Api::<StorageClass>::all(client.clone());
    let class = json!({
        "metadata": {"name": CLASS},
        "provisioner": "rancher.io/local-path",
        "volumeBindingMode": "WaitForFirstConsumer",
        "reclaimPolicy": "Retain",
    });
    objects::apply(&classes, class).await?;
    Ok(())
}
