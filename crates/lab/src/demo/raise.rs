//! A cell ready for customers: images, keys, object store, chart.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use crd::CellSpec;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use serde_json::json;
use tokio::process::Command;

use crate::cache::Cache;
use crate::client::Library;
use crate::images::{self, Images};
use crate::install::{ChartValues, Installer};
use crate::journey::Site;
use crate::kubectl::Kubectl;
use crate::node::Ground;
use crate::process::beside;
use crate::store::{self, Bucket};
use crate::tools::{self, Progress};
use crate::wait;

/// The Secret with the platform's keys, as the chart's default values name it.
const KEYS: &str = "steppe-operator-keys";
/// The bucket for bundles, escrow and logs.
const BUCKET: &str = "steppe";

/// A cell with the chart installed.
pub struct Cell {
    /// As its customers see it.
    pub site: Site,
    /// Its bucket, with the keys that open it.
    pub bucket: Bucket,
    /// The public key that bundles are signed with, PEM.
    pub public_key: String,
    /// kubectl for its cluster.
    pub kubectl: Kubectl,
    /// What to tell somebody who wants to look at it.
    pub how_to_look: String,
}

/// The folder of the chart, in the repository that this program was built from.
#[must_use]
pub fn chart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts/operator")
}

/// Makes a ground a cell: loads images, makes the bucket and keys, installs the chart, waits until its programs are
/// ready. Does nothing twice.
///
/// # Errors
/// When an image cannot be made or the chart's programs do not come up.
pub async fn on_ground(ground: &Ground, cache: &Cache, progress: &mut dyn Progress) -> Result<Cell> {
    let services = tools::services(cache, progress).await?;
    let images = images::build(cache, &services, progress).await?;
    let program = beside("steppe-operator")?;
    let operator = images::operator(cache, &program, progress).await?;
    progress.step("Loading the images");
    for image in [&images.snac, &images.caddy, &images.probe, &operator] {
        images::import(ground, image).await?;
    }
    let bucket = store::bucket(ground, &services, BUCKET).await?;
    let library = Library::prepare(cache).await?;
    let client = ground.client().await?;

    progress.step("Installing Steppe's chart");
    let installer = Installer::new(cache, &chart(), progress).await?;
    let cell = cell(ground, &images, &bucket)?;
    let values = ChartValues::of_ground(&operator.pinned(), &images.caddy.pinned(), cell);
    let public_key = install(&installer, &client, &ground.kubeconfig, &program, &bucket, &values).await?;
    progress.step("Waiting for Steppe's programs");
    programs_ready(&client).await?;
    let site = Site {
        client,
        zone: ground.zone.clone(),
        address: ground.ingress_ip.to_string(),
        ca: ground.root_crt.clone(),
        library,
    };
    Ok(Cell { site, bucket, public_key, kubectl: Kubectl::of(ground), how_to_look: how_to_look(ground) })
}

/// What the names mean on a ground.
fn cell(ground: &Ground, images: &Images, bucket: &Bucket) -> Result<CellSpec> {
    let node = format!("{}/32", ground.addresses.node_ip);
    let host = format!("{}/32", ground.addresses.host_ip);
    let trust = std::fs::read_to_string(&ground.root_crt)?;
    let spec = json!({
        "zone": ground.zone,
        "ingress": { "className": crate::ingress::CLASS, "tls": "Wildcard", "cidrs": [node] },
        "trustBundle": trust,
        "objectStore": {
            "endpoint": bucket.endpoint, "bucket": bucket.name, "region": bucket.region, "cidrs": [node],
        },
        "networks": {
            "pods": [ground.addresses.pod_cidr.to_string()],
            "services": [ground.addresses.service_cidr.to_string()],
            "nodes": [node, host],
            "dns": [node],
        },
        "storageClass": crate::storage::CLASS,
        "versions": [{ "flavour": "snac", "version": "2.75", "image": images.snac.pinned() }],
    });
    Ok(serde_json::from_value(spec)?)
}

/// Secrets first, because the programs need them to start; then the chart. Returns the public signing key, PEM.
pub(super) async fn install(
    installer: &Installer,
    client: &Client,
    kubeconfig: &Path,
    program: &Path,
    bucket: &Bucket,
    values: &ChartValues,
) -> Result<String> {
    let namespace = json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": crd::labels::SYSTEM_NAMESPACE },
    });
    installer.apply(kubeconfig, &namespace.to_string()).await?;
    for (name, keys) in [("steppe-object-store", &bucket.keys), ("steppe-purger-object-store", &bucket.purger_keys)] {
        let content =
            BTreeMap::from([("access-key", keys.access_key.clone()), ("secret-key", keys.secret_key.clone())]);
        installer.secret(kubeconfig, name, &content).await?;
    }
    let public_key = platform_keys(installer, client, kubeconfig, program).await?;
    installer.install(kubeconfig, values).await?;
    Ok(public_key)
}

/// The platform's keys: those that are there, or new ones. They are never made twice, because bundles hang on them.
async fn platform_keys(installer: &Installer, client: &Client, kubeconfig: &Path, program: &Path) -> Result<String> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), crd::labels::SYSTEM_NAMESPACE);
    if secrets.get_opt(KEYS).await?.is_none() {
        let output = Command::new(program).args(["keys", "generate"]).output().await?;
        ensure!(output.status.success(), "keys generate: {}", String::from_utf8_lossy(&output.stderr).trim());
        installer.apply(kubeconfig, &String::from_utf8(output.stdout)?).await?;
    }
    let data = secrets.get(KEYS).await?.data.unwrap_or_default();
    let public = data.get("signing.pub.pem").with_context(|| format!("Secret {KEYS} has no signing.pub.pem"))?;
    Ok(String::from_utf8(public.0.clone())?)
}

pub(super) async fn programs_ready(client: &Client) -> Result<()> {
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), crd::labels::SYSTEM_NAMESPACE);
    wait::until("Steppe's programs", Duration::from_secs(180), async || {
        let all = deployments.list(&kube::api::ListParams::default()).await?;
        ensure!(!all.items.is_empty(), "the chart made no Deployment");
        let waiting: Vec<String> =
            all.items.iter().filter(|one| !is_ready(one)).map(kube::ResourceExt::name_any).collect();
        if waiting.is_empty() { Ok(Some(())) } else { bail!("not ready: {}", waiting.join(", ")) }
    })
    .await
}

fn is_ready(deployment: &Deployment) -> bool {
    let wished = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let status = deployment.status.clone().unwrap_or_default();
    let current = status.observed_generation >= deployment.metadata.generation;
    current && status.updated_replicas.unwrap_or(0) == wished && status.available_replicas.unwrap_or(0) == wished
}

fn how_to_look(ground: &Ground) -> String {
    let (ip, zone, root, domain) = (ground.ingress_ip, &ground.zone, ground.root_crt.display(), crate::control::DOMAIN);
    format!(
        "In a browser on this machine (changes nothing on it):\n\
         \x20 chromium --user-data-dir=$(mktemp -d) --ignore-certificate-errors --host-resolver-rules=\"MAP *.{zone} {ip},MAP *.{domain} {ip}\"\n\
         By command:\n\
         \x20 curl --cacert {root} --resolve NAME.{zone}:443:{ip} https://NAME.{zone}/\n\
         The cluster:\n\
         \x20 export KUBECONFIG={}; kubectl get instances,exports\n\
         All of it goes away by:\n\
         \x20 cargo xtask cluster down\n",
        ground.kubeconfig.display()
    )
}
