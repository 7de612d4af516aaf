//! A cluster of one's own: named by its context, images from a registry. The cluster is a ground of ours that has been
//! given none of our images.
#![cfg(test)]

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use crd::labels::SYSTEM_NAMESPACE;
use e2e::node::named::Named;
use e2e::node::{Told, cache};
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use lab::demo;
use lab::journey::Site;
use lab::node::{Config, Ground};
use lab::process::beside;
use lab::{registry, store, tools, wait};
use serde_json::json;
use tokio::process::Command;

const GROUND: &str = "away";

/// What the owner of that cluster would write down.
async fn place(ground: &Ground, registry: &registry::Registry, folder: &std::path::Path) -> Result<std::path::PathBuf> {
    let services = tools::services(&cache()?, &mut Told).await?;
    let bucket = store::bucket(ground, &services, "theirs").await?;
    let (keys, purger_keys) = (&bucket.keys, &bucket.purger_keys);
    let file = |name: &str, content: &str| -> Result<std::path::PathBuf> {
        std::fs::write(folder.join(name), content)?;
        Ok(folder.join(name))
    };
    let node = format!("{}/32", ground.addresses.node_ip);
    let place = json!({
        "cell": {
            "zone": ground.zone,
            "ingress": { "className": lab::ingress::CLASS, "cidrs": [node] },
            "trustBundle": std::fs::read_to_string(&ground.root_crt)?,
            "objectStore": { "endpoint": bucket.endpoint, "bucket": bucket.name, "cidrs": [node] },
            "networks": {
                "pods": [ground.addresses.pod_cidr.to_string()],
                "services": [ground.addresses.service_cidr.to_string()],
                "nodes": [node, format!("{}/32", ground.addresses.host_ip)],
                "dns": [node],
            },
            "storageClass": lab::storage::CLASS,
        },
        "address": ground.ingress_ip.to_string(),
        "authority": ground.root_crt,
        "accessKeyFile": file("access", &keys.access_key)?,
        "secretKeyFile": file("secret", &keys.secret_key)?,
        "purgerAccessKeyFile": file("purger-access", &purger_keys.access_key)?,
        "purgerSecretKeyFile": file("purger-secret", &purger_keys.secret_key)?,
        "registryCertificates": registry.certificates,
        "systemNamespaces": [lab::storage::NAMESPACE, lab::policy::STAND_IN_NAMESPACE],
    });
    let file = folder.join("place.json");
    std::fs::write(&file, place.to_string())?;
    Ok(file)
}

async fn context(ground: &Ground) -> Result<String> {
    let file = kube::config::Kubeconfig::read_from(&ground.kubeconfig)?;
    Ok(file.current_context.unwrap_or_default())
}

async fn journey(ground: &Ground) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let registry = registry::start(ground).await?;
    let place = place(ground, &registry, folder.path()).await?;
    for n in 0..2 {
        let mut x = Command::new("cargo");
        x.args(["xtask", "test", "--only", "node"]).current_dir("/root/clones/bench");
        if n == 1 { x.arg("frozen"); }
        x.env("KUBECONFIG", &ground.kubeconfig).env("STEPPE_TEST_CONTEXT", context(ground).await?);
        x.env("STEPPE_TEST_REGISTRY", &registry.address).env("STEPPE_TEST_PLACE", &place);
        let status = x.status().await?;
        eprintln!("run {n}: {status}");
    }
    registry::stop(ground).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_cluster_is_used_when_it_is_empty_and_gets_its_images_from_a_registry() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let config = Config::named(GROUND).expect("a name");
    let cache = cache().expect("a cache folder");
    let ground = lab::node::up(&config, &cache, &mut Told).await.expect("the ground");
    let result = journey(&ground).await;
    lab::node::down(&config, &cache, &mut Told).await.expect("the ground goes");
    result.expect("the journey");
}
