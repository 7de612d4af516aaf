//! The long-lived part of ingress and network policies: one process that follows the cluster's objects.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::node::Ground;
use crate::process::Spec;
use crate::{ingress, policy};

const NAME: &str = "watchers";

/// Runs the watchers until cancelled: the body of `steppe-lab watch --ground NAME`. Ends only with an error.
pub async fn run(ground: &Ground) -> Result<()> {
    // Nobody else in this process writes; a second call finds it set.
    let _ = tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::stderr).try_init();
    let client = ground.client().await?;
    tokio::try_join!(ingress::watch::run(ground, client.clone()), policy::watch::run(ground, client))?;
    Ok(())
}

/// Starts the watchers as a process of the node. `program` is `steppe-lab`. Does nothing twice.
pub fn start(ground: &Ground, program: &Path) -> Result<()> {
    ground.processes().start(&Spec {
        name: NAME.into(),
        program: program.into(),
        args: vec!["watch".into(), "--ground".into(), ground.name.clone()],
        ..Spec::default()
    })?;
    Ok(())
}

/// Stops the watchers and removes the policies they loaded.
pub async fn stop(ground: &Ground) -> Result<()> {
    ground.processes().stop(NAME, Duration::from_secs(5)).await?;
    policy::remove(ground).await
}
