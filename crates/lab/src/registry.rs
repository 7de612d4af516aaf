//! A registry on the node, to try the way that images take to a cluster of one's own: Debian's docker-registry with
//! TLS by a CA of its own. Nothing else of a ground needs it, so it is started only by those who want it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd};

use crate::node::Ground;
use crate::node::pki;
use crate::process::Spec;
use crate::wait;

const NAME: &str = "registry";
const PORT: u16 = 5000;

/// A registry that runs.
#[derive(Clone, Debug)]
pub struct Registry {
    /// `host:port`, for pods' images and for the host alike.
    pub address: String,
    /// A folder with its CA as `ca.crt`, as buildah wants it.
    pub certificates: PathBuf,
}

/// Starts the registry and tells the node's containerd how to trust it; returns when it answers. Does nothing twice.
pub async fn start(ground: &Ground) -> Result<Registry> {
    let folder = ground.state_dir.join("registry");
    let certificates = folder.join("certificates");
    let address = format!("{}:{PORT}", ground.addresses.node_ip);
    let trust = trust_folder(ground).join(&address);
    for folder in [&certificates, &trust] {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    certify(ground, &folder, &certificates)?;
    let ca = certificates.join("ca.crt");
    let hosts = format!("[host.\"https://{address}\"]\n  ca = \"{}\"\n", ca.display());
    pki::file(&trust, "hosts.toml", &hosts)?;
    let data = folder.join("data").display().to_string();
    let config = serde_json::json!({
        "version": "0.1",
        "log": {"level": "warn"},
        "storage": {"filesystem": {"rootdirectory": data}},
        "http": {
            "addr": address,
            "tls": {"certificate": folder.join("registry.crt"), "key": folder.join("registry.key")},
        },
    });
    // JSON is YAML.
    pki::file(&folder, "config.yml", &config.to_string())?;
    let processes = ground.processes();
    processes.start(&Spec {
        name: NAME.into(),
        program: "docker-registry".into(),
        args: vec!["serve".into(), folder.join("config.yml").display().to_string()],
        ..Spec::default()
    })?;
    wait::until("the registry to listen", Duration::from_secs(20), async || {
        processes.must_run(NAME)?;
        tokio::net::TcpStream::connect(&address).await?;
        Ok(Some(()))
    })
    .await?;
    Ok(Registry { address, certificates })
}

/// Stops the registry. Its images stay.
pub async fn stop(ground: &Ground) -> Result<()> {
    ground.processes().stop(NAME, Duration::from_secs(5)).await
}

/// Where the node's containerd looks for registries' certificates (`config_path`).
pub fn trust_folder(ground: &Ground) -> PathBuf {
    ground.state_dir.join("certs.d")
}

/// A CA of the registry's own and a certificate by it for the node's address, unless they are there.
fn certify(ground: &Ground, folder: &Path, certificates: &Path) -> Result<()> {
    if certificates.join("ca.crt").exists() {
        return Ok(());
    }
    let params = |names: Vec<String>| {
        let mut params = CertificateParams::new(names)?;
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2050, 1, 1);
        anyhow::Ok(params)
    };
    let mut authority = params(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority_key = KeyPair::generate()?;
    let root = authority.self_signed(&authority_key)?.pem();
    let key = KeyPair::generate()?;
    let leaf = params(vec![ground.addresses.node_ip.to_string()])?;
    let leaf = leaf.signed_by(&key, &Issuer::new(authority, authority_key))?;
    pki::file(folder, "registry.key", &key.serialize_pem())?;
    pki::file(folder, "registry.crt", &leaf.pem())?;
    pki::file(certificates, "ca.crt", &root)
}
