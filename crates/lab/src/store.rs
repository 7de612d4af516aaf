//! The object store: versitygw, an S3 gateway in front of a folder. Each bucket has a user of its own, who sees and
//! writes nothing else.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::process::Command;

use crate::node::Ground;
use crate::process::Spec;
use crate::tools::Tools;
use crate::wait;

/// The region that requests are signed for.
pub const REGION: &str = "us-east-1";
const NAME: &str = "versitygw";

/// An access key.
#[derive(Clone, Serialize, Deserialize)]
pub struct Keys {
    /// The public half.
    pub access_key: String,
    /// The secret half.
    pub secret_key: String,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

/// A bucket and the only key (but the administrator's) that opens it.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// Where it is, for pods and host alike; addressed path-style.
    pub endpoint: String,
    /// The region to sign for.
    pub region: String,
    /// Its name.
    pub name: String,
    /// Its owner's key.
    pub keys: Keys,
}

/// Starts the object store; returns when it answers. Does nothing twice.
pub async fn start(ground: &Ground, tools: &Tools) -> Result<()> {
    let folder = folder(ground);
    for name in ["data", "versions", "iam", "keys"] {
        let path = folder.join(name);
        fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
    }
    let admin = keys(&ground.s3_admin_keys, "admin")?;
    let (node, ports) = (ground.addresses.node_ip, &ground.ports);
    let below = |name: &str| folder.join(name).display().to_string();
    let mut args: Vec<String> = ["--health", "/health", "--region", REGION, "--quiet"].map(String::from).into();
    args.extend(["--port".into(), format!("{node}:{}", ports.s3)]);
    args.extend(["--admin-port".into(), format!("{node}:{}", ports.s3_admin)]);
    // The folders must be absolute, or it takes the data folder to be inside itself.
    args.extend(["--iam-dir".into(), below("iam"), "posix".into()]);
    args.extend(["--versioning-dir".into(), below("versions"), below("data")]);
    let processes = ground.processes();
    processes.start(&Spec {
        name: NAME.into(),
        program: tools.program("versitygw"),
        args,
        env: [("ROOT_ACCESS_KEY".into(), admin.access_key), ("ROOT_SECRET_KEY".into(), admin.secret_key)].into(),
        cwd: Some(folder),
    })?;
    let health = format!("{}/health", ground.s3_endpoint);
    wait::until("the object store to answer", Duration::from_secs(20), async || {
        processes.must_run(NAME)?;
        Ok(reqwest::get(&health).await?.status().is_success().then_some(()))
    })
    .await
}

/// Stops the object store. What is in it stays.
pub async fn stop(ground: &Ground) -> Result<()> {
    ground.processes().stop(NAME, Duration::from_secs(10)).await
}

/// The bucket `name`, made if it is missing, with the key that was made for it the first time. A run that was cut off
/// is finished by the next: the key is written down before the store hears of it.
pub async fn bucket(ground: &Ground, tools: &Tools, name: &str) -> Result<Bucket> {
    let done = folder(ground).join(format!("keys/{name}.json"));
    let begun = done.with_extension("begun");
    let bucket = |keys| Bucket { endpoint: ground.s3_endpoint.clone(), region: REGION.into(), name: name.into(), keys };
    if done.exists() {
        return Ok(bucket(read(&done)?));
    }
    let keys = keys(&begun, name)?;
    let (access, secret) = (keys.access_key.as_str(), keys.secret_key.as_str());
    let user = ["--access", access, "--secret", secret, "--role", "user"];
    let created = admin(ground, tools, &[&["create-user"], &user[..]].concat()).await;
    allow(created, &["already exists", "UserAlreadyExists"])?;
    let created = admin(ground, tools, &["create-bucket", "--bucket", name, "--owner", access]).await;
    allow(created, &["BucketAlreadyOwnedByYou", "BucketAlreadyExists"])?;
    fs::rename(&begun, &done).with_context(|| format!("cannot write {}", done.display()))?;
    Ok(bucket(keys))
}

fn folder(ground: &Ground) -> PathBuf {
    ground.state_dir.join("store")
}

/// The key kept at `path`; a new one for `name` if there is none. Readable by its owner only.
fn keys(path: &Path, name: &str) -> Result<Keys> {
    if path.exists() {
        return read(path);
    }
    let mut random = [0; 24];
    let source = fs::File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut random));
    source.context("cannot read /dev/urandom")?;
    let keys = Keys { access_key: name.into(), secret_key: hex::encode(random) };
    let fresh = path.with_extension("new");
    let file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&fresh);
    file.and_then(|mut file| file.write_all(&serde_json::to_vec(&keys)?))
        .and_then(|()| fs::rename(&fresh, path))
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(keys)
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} does not hold what it should", path.display()))
}

/// Takes an error whose text has one of `words` for success.
fn allow(result: Result<()>, words: &[&str]) -> Result<()> {
    match result {
        Err(error) if words.iter().any(|word| error.to_string().contains(word)) => Ok(()),
        other => other,
    }
}

async fn admin(ground: &Ground, tools: &Tools, args: &[&str]) -> Result<()> {
    let keys: Keys = read(&ground.s3_admin_keys)?;
    let mut command = Command::new(tools.program("versitygw"));
    command.arg("admin").args(["--region", REGION, "--endpoint-url", &ground.s3_admin_endpoint]).args(args);
    // Not as arguments: those are everybody's to read.
    command.env("ADMIN_ACCESS_KEY_ID", &keys.access_key).env("ADMIN_SECRET_ACCESS_KEY", &keys.secret_key);
    let output = command.output().await.context("cannot run versitygw admin")?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        bail!("versitygw admin {}: {}", args[0], String::from_utf8_lossy(&said).trim());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k.json");
        let first = keys(&path, "bundles").unwrap();
        assert_eq!(first.secret_key.len(), 48);
        assert_eq!(keys(&path, "bundles").unwrap().secret_key, first.secret_key);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!format!("{first:?}").contains(&first.secret_key));
    }
}
