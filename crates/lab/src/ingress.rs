//! Ingress: Caddy as a process of the node, told what to serve by a watcher ([`watch`]) that follows Ingress objects of
//! the class [`CLASS`]. No ingress controller can be had as a Go module; on another cluster its own takes this place.
//!
//! All TLS comes from the ground's private CA. One wildcard certificate serves the whole zone, so a new name is live as
//! soon as its route is; other names get a certificate each. `spec.tls[].secretName` is not looked at.

pub mod admin;
pub mod boot;
pub mod routes;
pub mod watch;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::networking::v1::IngressClass;
use kube::{Api, Client};
use serde_json::json;

use crate::node::Ground;
use crate::objects;
use crate::policy::STAND_IN_NAMESPACE;
use crate::process::Spec;
use crate::tools::Tools;
use crate::wait;

/// The class of Ingress objects that are served.
pub const CLASS: &str = "steppe-lab";
const NAME: &str = "caddy";
/// A unix socket's path must fit `sockaddr_un`.
const LONGEST_SOCKET: usize = 107;

/// Starts Caddy and makes the IngressClass; returns when Caddy answers. Does nothing twice.
pub async fn start(ground: &Ground, tools: &Tools, client: &Client) -> Result<()> {
    let folder = folder(ground);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let socket = socket(ground);
    ensure!(socket.as_os_str().len() <= LONGEST_SOCKET, "{} is too long for a socket", socket.display());
    let boot = folder.join("boot.json");
    fs::write(&boot, serde_json::to_vec_pretty(&boot::config(ground))?)
        .with_context(|| format!("cannot write {}", boot.display()))?;
    let processes = ground.processes();
    if !processes.running(NAME) {
        // What a killed Caddy left.
        let _ = fs::remove_file(&socket);
    }
    let path = folder.display().to_string();
    processes.start(&Spec {
        name: NAME.into(),
        program: tools.program("caddy"),
        args: vec!["run".into(), "--config".into(), boot.display().to_string()],
        // Nothing of it is written outside the ground.
        env: ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"].map(|name| (name.into(), path.clone())).into(),
        cwd: Some(folder),
    })?;
    let namespaces = Api::<Namespace>::all(client.clone());
    objects::apply(&namespaces, json!({"metadata": {"name": STAND_IN_NAMESPACE}})).await?;
    let classes = Api::<IngressClass>::all(client.clone());
    let class = json!({"metadata": {"name": CLASS}, "spec": {"controller": "steppe.host/lab-ingress"}});
    objects::apply(&classes, class).await?;
    let admin = admin::Admin::at(&socket)?;
    wait::until("Caddy to answer", Duration::from_secs(20), async || {
        processes.must_run(NAME)?;
        admin.routes().await.map(Some)
    })
    .await?;
    Ok(())
}

/// Stops Caddy. Requests under way have five seconds.
pub async fn stop(ground: &Ground) -> Result<()> {
    ground.processes().stop(NAME, Duration::from_secs(10)).await
}

fn folder(ground: &Ground) -> PathBuf {
    ground.state_dir.join("ingress")
}

/// Caddy's admin socket.
pub fn socket(ground: &Ground) -> PathBuf {
    folder(ground).join("admin.sock")
}
