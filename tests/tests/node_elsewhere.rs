//! A cluster of one's own: named by its context, images from a registry. The cluster is a ground of ours that has been
//! given none of our images.
#![cfg(test)]

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::node::{Told, cache};
use lab::demo::{self, Named};
use lab::node::{Config, Ground};
use lab::{registry, store, tools};
use serde_json::json;

const GROUND: &str = "elsewhere";

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
    let context = context(ground).await?;
    let named =
        Named { context: &context, kubeconfig: Some(&ground.kubeconfig), registry: &registry.address, place: &place };
    let unknown = Named { context: "no-such-cluster", ..named.clone() };
    let refused = demo::elsewhere(&unknown, &cache()?, &mut Told).await.err().map(|error| format!("{error:#}"));
    ensure!(refused.as_ref().is_some_and(|text| text.contains("no-such-cluster")), "{refused:?}");

    let cell = demo::elsewhere(&named, &cache()?, &mut Told).await?;
    let order = cell.site.order("abroad", "alice").await?;
    cell.site.ready(&order, Duration::from_secs(240)).await?;
    let living = demo::log_in(&cell.site, order).await?;
    cell.site.app(&living.order).post(&living.token, "far from home").await?;
    registry::stop(ground).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_cluster_gets_its_images_from_a_registry() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let config = Config::named(GROUND).expect("a name");
    let cache = cache().expect("a cache folder");
    let ground = lab::node::up(&config, &cache, &mut Told).await.expect("the ground");
    let result = journey(&ground).await;
    lab::node::down(&config, &cache, &mut Told).await.expect("the ground goes");
    result.expect("the journey");
}
