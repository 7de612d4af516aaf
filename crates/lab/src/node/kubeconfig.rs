//! Kubeconfigs with everything inside, so that they can be copied anywhere on the host.

use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::ground::Ground;
use super::pki::Pair;

/// A client with the rights of a kubeconfig's current user.
pub async fn client(path: &Path) -> Result<kube::Client> {
    // No harm when the program's main has done so already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let file = kube::config::Kubeconfig::read_from(path).with_context(|| format!("cannot read {}", path.display()))?;
    let config = kube::Config::from_custom_kubeconfig(file, &kube::config::KubeConfigOptions::default()).await?;
    Ok(kube::Client::try_from(config)?)
}

/// The ground's kubeconfig for somebody who has a token (JSON, which is YAML too).
///
/// # Errors
/// When the administrator's own, which names the server and its authority, cannot be read.
pub fn with_token(ground: &Ground, user: &str, token: &str) -> Result<String> {
    let path = &ground.kubeconfig;
    let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut file: Value = serde_json::from_slice(&text).with_context(|| format!("{} is no JSON", path.display()))?;
    file["users"] = json!([{"name": user, "user": {"token": token}}]);
    file["contexts"][0]["context"]["user"] = user.into();
    Ok(file.to_string())
}

/// The kubeconfig of one user (JSON, which is YAML too).
pub fn text(ground: &Ground, authority: &str, user: &str, pair: &Pair) -> String {
    let name = format!("steppe-{}", ground.name);
    let server = format!("https://{}:{}", ground.addresses.node_ip, ground.ports.apiserver);
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": {
            "server": server,
            "certificate-authority-data": STANDARD.encode(authority),
        }}],
        "users": [{"name": user, "user": {
            "client-certificate-data": STANDARD.encode(&pair.certificate),
            "client-key-data": STANDARD.encode(&pair.key),
        }}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
    })
    .to_string()
}
