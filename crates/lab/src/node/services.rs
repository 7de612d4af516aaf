//! The services a cell needs around its node: DNS, volumes, object store, ingress, policies, and the images.

use std::path::Path;

use anyhow::Result;
use kube::Client;

use super::ground::Ground;
use crate::cache::Cache;
use crate::images::{self, Images};
use crate::tools::{self, Progress, Tools};
use crate::{dns, ingress, storage, store, watchers};

/// What the services are made of.
pub struct Parts {
    tools: Tools,
    images: Images,
}

/// Builds what is missing of the services' programs and images.
pub async fn build(cache: &Cache, progress: &mut dyn Progress) -> Result<Parts> {
    let tools = tools::services(cache, progress).await?;
    let images = images::build(cache, &tools, progress).await?;
    Ok(Parts { tools, images })
}

/// Starts what does not run, and gives the node the images it lacks. `lab` is the program `steppe-lab`.
pub async fn start(
    ground: &Ground,
    parts: &Parts,
    lab: &Path,
    client: &Client,
    progress: &mut dyn Progress,
) -> Result<()> {
    let Parts { tools, images } = parts;
    progress.step("Starting DNS, object store and ingress");
    tokio::try_join!(
        dns::start(ground, tools, client),
        store::start(ground, tools),
        ingress::start(ground, tools, client),
    )?;
    watchers::start(ground, lab)?;
    progress.step("Loading the images, starting volumes");
    for image in [&images.busybox, &images.snac, &images.caddy, &images.probe] {
        images::import(ground, image).await?;
    }
    storage::start(ground, tools, client, &images.busybox.tagged()).await
}
