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

/// Whether `steppe-lab`, asked as `cargo xtask test` asks it, lets this run use the cluster; what it says if not.
async fn allowed(named: &Named, kubeconfig: &Path, run: &str) -> Result<Result<(), String>> {
    let mut lab = Command::new(beside("steppe-lab")?);
    lab.args(["elsewhere", "--progress", "none"]).env("KUBECONFIG", kubeconfig).kill_on_drop(true);
    lab.env("STEPPE_TEST_CONTEXT", &named.context).env("STEPPE_TEST_REGISTRY", &named.registry);
    lab.env("STEPPE_TEST_PLACE", &named.place).env("STEPPE_TEST_RUN", run);
    let output = lab.output().await?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok(if output.status.success() { Ok(()) } else { Err(said) })
}

/// Somebody's namespace in the cluster: the tests must not touch it, nor make anything beside it.
async fn refused_where_somebody_is(ground: &Ground, named: &Named) -> Result<()> {
    let spaces: Api<Namespace> = Api::all(ground.client().await?);
    let theirs = serde_json::from_value(json!({ "metadata": { "name": "orchard" } }))?;
    spaces.create(&PostParams::default(), &theirs).await?;
    let asked = allowed(named, &ground.kubeconfig, &named.run).await?;
    ensure!(asked.as_ref().is_err_and(|said| said.contains("namespace orchard")), "{asked:?}");
    let used = named.cell(&cache()?, &mut Told).await.err().map(|error| format!("{error:#}"));
    ensure!(used.as_ref().is_some_and(|said| said.contains("namespace orchard")), "{used:?}");
    ensure!(spaces.get_opt(SYSTEM_NAMESPACE).await?.is_none(), "it was refused, and something was made there");
    ensure!(
        spaces.get("orchard").await?.metadata.deletion_timestamp.is_none(),
        "somebody's namespace is being deleted"
    );
    spaces.delete("orchard", &DeleteParams::default()).await?;
    wait::until("the namespace to be gone", Duration::from_secs(60), async || {
        Ok(spaces.get_opt("orchard").await?.is_none().then_some(()))
    })
    .await
}

async fn live(site: &Site) -> Result<()> {
    let order = site.order("abroad", "alice").await?;
    site.ready(&order, Duration::from_secs(240)).await?;
    let living = demo::log_in(site, order).await?;
    site.app(&living.order).post(&living.token, "far from home").await?;
    Ok(())
}

async fn journey(ground: &Ground) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let registry = registry::start(ground).await?;
    let named = Named {
        context: context(ground).await?,
        kubeconfig: Some(ground.kubeconfig.clone()),
        registry: registry.address.clone(),
        place: place(ground, &registry, folder.path()).await?,
        run: "first".to_owned(),
    };
    let unknown = Named { context: "no-such-cluster".to_owned(), ..named.clone() };
    let refused = unknown.cell(&cache()?, &mut Told).await.err().map(|error| format!("{error:#}"));
    ensure!(refused.as_ref().is_some_and(|text| text.contains("no-such-cluster")), "{refused:?}");
    refused_where_somebody_is(ground, &named).await?;

    let empty = allowed(&named, &ground.kubeconfig, "first").await?;
    ensure!(empty.is_ok(), "an empty cluster is refused: {empty:?}");
    let cell = named.cell(&cache()?, &mut Told).await?;
    live(&cell.site).await?;

    // The next test program of the same run finds the cell; another run must not.
    named.cell(&cache()?, &mut Told).await?;
    let other = allowed(&named, &ground.kubeconfig, "second").await?;
    ensure!(other.as_ref().is_err_and(|said| said.contains("namespace steppe-t-abroad")), "{other:?}");

    // The demo asks for no empty cluster.
    let demo = demo::Named {
        context: &named.context,
        kubeconfig: named.kubeconfig.as_deref(),
        registry: &named.registry,
        place: &named.place,
    };
    demo::elsewhere(&demo, &cache()?, &mut Told).await?;
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
