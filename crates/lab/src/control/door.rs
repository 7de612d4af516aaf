//! HTTPS for the dashboard and for staff's pages: a Caddy of its own with certificates of the ground's authority. Not the
//! ingress's one: that restarts its listeners whenever a server comes or goes, which would cut the streams of open pages.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use super::{ControlPlane, HOST, STAFF_HOST};
use crate::node::Ground;
use crate::process::Spec;
use crate::tools::Tools;

/// The program's name on the ground.
pub const NAME: &str = "control-door";

/// Starts it, or finds it running.
///
/// # Errors
/// When its configuration cannot be written or the program is missing.
pub fn start(control: &ControlPlane, tools: &Tools) -> Result<()> {
    let folder = control.folder.join("door");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let boot = folder.join("boot.json");
    fs::write(
        &boot,
        serde_json::to_vec_pretty(&config(&control.ground, &folder.join("storage").display().to_string()))?,
    )
    .with_context(|| format!("cannot write {}", boot.display()))?;
    let path = folder.display().to_string();
    control.ground.processes().start(&Spec {
        name: NAME.into(),
        program: tools.program("caddy"),
        args: vec!["run".into(), "--config".into(), boot.display().to_string()],
        env: ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"].map(|name| (name.into(), path.clone())).into(),
        cwd: Some(folder),
    })?;
    Ok(())
}

fn config(ground: &Ground, storage: &str) -> Value {
    let ports = &ground.ports;
    let route = |host: &str, port: u16| {
        json!({ "match": [{ "host": [host] }], "terminal": true, "handle": [{
            "handler": "reverse_proxy", "upstreams": [{ "dial": format!("127.0.0.1:{port}") }],
        }] })
    };
    json!({
        "admin": { "disabled": true, "config": { "persist": false } },
        "storage": { "module": "file_system", "root": storage },
        "apps": {
            "http": { "http_port": ports.http, "https_port": ports.dashboard, "servers": { "door": {
                "listen": [format!("{}:{}", ground.addresses.node_ip, ports.dashboard)],
                "protocols": ["h1", "h2"],
                "automatic_https": { "disable_redirects": true },
                "routes": [route(HOST, ports.customers), route(STAFF_HOST, ports.staff)],
            } } },
            "pki": { "certificate_authorities": { "local": {
                "install_trust": false,
                "root": { "certificate": ground.root_crt, "private_key": ground.root_key, "format": "pem_file" },
            } } },
            "tls": {
                "certificates": { "automate": [HOST, STAFF_HOST] },
                "automation": { "policies": [{ "issuers": [{ "module": "internal", "ca": "local" }] }] },
            },
        },
    })
}

/// A client that finds and trusts the dashboard, follows nothing and keeps no cookies.
///
/// # Errors
/// When the ground has no authority.
pub fn client(ground: &Ground) -> Result<reqwest::Client> {
    let authority = fs::read(&ground.root_crt).with_context(|| format!("cannot read {}", ground.root_crt.display()))?;
    // Without a port of its own: that of the address counts.
    let at = SocketAddr::from((ground.addresses.node_ip, 0));
    let builder = reqwest::Client::builder().tls_certs_only([reqwest::Certificate::from_pem(&authority)?]);
    // Tests have a runtime each, and a connection that is kept belongs to one.
    let builder = builder.redirect(Policy::none()).pool_max_idle_per_host(0).timeout(Duration::from_secs(60));
    Ok(builder.resolve(HOST, at).resolve(STAFF_HOST, at).build()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn staff_have_a_name_of_their_own() {
        let ground = crate::dns::tests::ground();
        let config = config(&ground, "/s/control/door/storage");
        let routes = &config["apps"]["http"]["servers"]["door"]["routes"];
        let dial = |at: usize| routes[at]["handle"][0]["upstreams"][0]["dial"].as_str().unwrap().to_owned();
        assert_eq!((dial(0), dial(1)), ("127.0.0.1:8080".to_owned(), "127.0.0.1:8081".to_owned()));
        assert_eq!(routes[1]["match"][0]["host"][0], STAFF_HOST);
    }
}
