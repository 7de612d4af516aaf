//! When a ground counts as up.

use std::time::Duration;

use anyhow::Result;
use k8s_openapi::api::core::v1::{Node, ServiceAccount};
use kube::{Api, Client};

use super::ground::Ground;
use crate::wait;

/// Waits until the API server says it is ready, and gives a client.
pub async fn apiserver(ground: &Ground) -> Result<Client> {
    let processes = ground.processes();
    let client = ground.client().await?;
    wait::until("the API server to be ready", Duration::from_secs(60), async || {
        processes.must_run("etcd")?;
        processes.must_run("kube-apiserver")?;
        Ok((readyz(&client).await? == "ok").then_some(()))
    })
    .await?;
    Ok(client)
}

/// What the API server says of itself.
pub async fn readyz(client: &Client) -> Result<String> {
    let request = http::Request::get("/readyz").body(Vec::new())?;
    Ok(client.request_text(request).await?)
}

/// Whether the node's condition Ready is true.
pub async fn node_is_ready(ground: &Ground, client: &Client) -> Result<bool> {
    let node = Api::<Node>::all(client.clone()).get_opt(&ground.node_name).await?;
    let conditions = node.and_then(|node| node.status?.conditions).unwrap_or_default();
    Ok(conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True"))
}

/// Waits until a pod can be made and would run.
pub async fn node(ground: &Ground, client: &Client) -> Result<()> {
    let processes = ground.processes();
    wait::until("the node to be Ready", Duration::from_secs(60), async || {
        for name in ["containerd", "kubelet", "kube-proxy", "kube-controller-manager", "kube-scheduler"] {
            processes.must_run(name)?;
        }
        Ok(node_is_ready(ground, client).await?.then_some(()))
    })
    .await?;
    wait::until("the default service account", Duration::from_secs(30), async || {
        Ok(Api::<ServiceAccount>::namespaced(client.clone(), "default").get_opt("default").await?.map(drop))
    })
    .await
}
