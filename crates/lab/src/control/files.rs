//! What the control plane is told: its configuration, its keys, the way to the cell, the offers.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use age::secrecy::ExposeSecret as _;
use anyhow::{Context as _, Result};
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::PostParams;
use kube::{Api, Client};

use super::{CELL, ControlPlane, HOST};
use crate::node::kubeconfig;
use crate::store::{Bucket, Keys};

/// How long the control plane may go on with one token of the cell.
const TOKEN_DAYS: i64 = 30;
/// The chart's ServiceAccount for it.
const ACCOUNT: &str = "steppe-control-plane";

/// A small offer that is free, and a larger one that staff approve.
pub const OFFERS: &str = r#"[[offer]]
slug = "snac-small"
flavour = "snac"
software-version = "2.75"
size = "small"
price-minor = 0
currency = "EUR"
tax = "inclusive"
period = "month"
approval = "none"
name = { en = "Small", de = "Klein" }
description = { en = "For you, friends and family: up to about ten people.", de = "Für dich, Freunde und Familie: bis etwa zehn Menschen." }

[[offer]]
slug = "snac-medium"
flavour = "snac"
software-version = "2.75"
size = "medium"
price-minor = 600
currency = "EUR"
tax = "inclusive"
period = "month"
approval = "staff"
name = { en = "Medium", de = "Mittel" }
description = { en = "For a club or a neighbourhood: up to about fifty people.", de = "Für einen Verein oder ein Viertel: bis etwa fünfzig Menschen." }
"#;

/// Writes everything; keys that are there stay.
///
/// # Errors
/// When a file cannot be written, or the cell gives no token.
pub async fn write(control: &ControlPlane, client: &Client, bucket: &Bucket, reader: &Keys) -> Result<()> {
    let folder = &control.folder;
    let (cell, keys) = (folder.join("cells").join(CELL), folder.join("staff-keys"));
    for path in [&cell, &keys] {
        fs::create_dir_all(path).with_context(|| format!("cannot create {}", path.display()))?;
    }
    once(&folder.join("key"), || Ok(age::x25519::Identity::generate().to_string().expose_secret().to_owned()))?;
    once(&keys.join("1.pem"), || Ok(rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519)?.serialize_pem()))?;
    let token = token(client).await?;
    secret(&cell.join("kubeconfig"), &kubeconfig::with_token(&control.ground, ACCOUNT, &token)?)?;
    secret(&cell.join("store.toml"), &bucket.place())?;
    secret(&cell.join("access-key"), &reader.access_key)?;
    secret(&cell.join("secret-key"), &reader.secret_key)?;
    secret(&folder.join("offers.toml"), OFFERS)?;
    secret(&control.configuration(), &configuration(control))
}

/// A token of the cell with the control plane's rights.
async fn token(client: &Client) -> Result<String> {
    let spec = TokenRequestSpec { expiration_seconds: Some(TOKEN_DAYS * 24 * 3600), ..TokenRequestSpec::default() };
    let request = TokenRequest { spec, ..TokenRequest::default() };
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), crd::labels::SYSTEM_NAMESPACE);
    let answer = accounts.create_token_request(ACCOUNT, &PostParams::default(), &request).await;
    let answer = answer.with_context(|| format!("no token for ServiceAccount {ACCOUNT}"))?;
    Ok(answer.status.with_context(|| format!("an empty token for {ACCOUNT}"))?.token)
}

fn configuration(control: &ControlPlane) -> String {
    let ControlPlane { ground, dashboard, staff_url, database, folder, .. } = control;
    let (node, ports) = (ground.addresses.node_ip, &ground.ports);
    let path = |name: &str| folder.join(name).display().to_string();
    let lines = [
        ("database-url", database.clone()),
        ("key-file", path("key")),
        ("cells-dir", path("cells")),
        ("staff-keys-dir", path("staff-keys")),
        ("url", dashboard.url.clone()),
        ("staff-url", staff_url.clone()),
        ("listen", format!("127.0.0.1:{}", ports.customers)),
        ("staff-listen", format!("127.0.0.1:{}", ports.staff)),
        ("worker-listen", format!("{node}:{}", ports.worker)),
        ("smtp-url", format!("smtp://{node}:{}", ports.smtp)),
        ("mail-from", format!("steppe@{HOST}")),
        ("support", format!("help@{HOST}")),
        ("operator", "Steppe Demo Hosting;Weir Lane 1;1000 Demoville".to_owned()),
    ];
    let lines: String = lines.iter().map(|(name, value)| format!("{name} = {value:?}\n")).collect();
    format!("{lines}proxies = 1\n")
}

/// A file that is made the first time and stays.
fn once(path: &Path, make: impl FnOnce() -> Result<String>) -> Result<()> {
    if path.exists() { Ok(()) } else { secret(path, &make()?) }
}

/// Writes a file whole or not at all, readable by its owner only.
pub fn secret(path: &Path, text: &str) -> Result<()> {
    let mut fresh = PathBuf::from(path);
    fresh.as_mut_os_string().push(".new");
    let file = fs::OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&fresh);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&fresh, path))
        .with_context(|| format!("cannot write {}", path.display()))
}
