//! How a ground is.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;

use super::ground::Ground;
use super::namespace::Namespace;
use super::ready;

/// How a ground is now.
#[derive(Debug, Serialize)]
pub struct Status {
    /// What it is.
    #[serde(flatten)]
    pub ground: Ground,
    /// Whether the node is Ready and all programs run.
    pub up: bool,
    /// Whether the API server answers and the node's condition is Ready.
    pub ready: bool,
    /// Its programs: process ids, or none for those that have ended.
    pub programs: BTreeMap<String, Option<i32>>,
}

/// Looks at the programs and asks the API server.
pub async fn status(ground: Ground) -> Result<Status> {
    let processes = ground.processes();
    let one = |name: String| {
        let pid = processes.identity(&name).map(|identity| identity.pid);
        (name, pid)
    };
    let programs: BTreeMap<_, _> = processes.names().into_iter().map(one).collect();
    let ready = Namespace::at(&ground.netns).exists()? && node(&ground).await.unwrap_or(false);
    let up = ready && programs.values().all(Option::is_some);
    Ok(Status { ground, up, ready, programs })
}

async fn node(ground: &Ground) -> Result<bool> {
    let client = ground.client().await?;
    let limit = std::time::Duration::from_secs(5);
    tokio::time::timeout(limit, ready::node_is_ready(ground, &client)).await?
}

impl Status {
    /// For people: a line for each thing they may want to know.
    pub fn text(&self) -> String {
        let ground = &self.ground;
        let ended: Vec<&str> =
            self.programs.iter().filter(|(_, pid)| pid.is_none()).map(|(name, _)| name.as_str()).collect();
        let word = match (self.up, self.ready) {
            (true, _) => "up".to_owned(),
            (false, true) => format!("Ready, but these have ended: {} (`up` starts them again)", ended.join(" ")),
            (false, false) => "down, with data kept (`up --keep` goes on with it, `down` removes it)".to_owned(),
        };
        format!(
            "{name}: {word}
  node          {node}
  kubeconfig    {kubeconfig}
  zone          *.{zone} -> {ingress}, TLS by the CA {ca}
  object store  {s3}, keys in {keys}
  logs          {logs}",
            name = ground.name,
            node = ground.addresses.node_ip,
            kubeconfig = ground.kubeconfig.display(),
            zone = ground.zone,
            ingress = ground.ingress_ip,
            ca = ground.root_crt.display(),
            s3 = ground.s3_endpoint,
            keys = ground.s3_admin_keys.display(),
            logs = ground.state_dir.join("logs").display(),
        )
    }
}
