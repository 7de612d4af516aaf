//! Kubeconfigs with everything inside, so that they can be copied anywhere on the host.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::ground::Ground;
use super::pki::Pair;

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
