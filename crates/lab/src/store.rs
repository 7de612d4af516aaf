//! The object store: versitygw, an S3 gateway in front of a folder. Each bucket has users of its own, who see nothing
//! else: one reads, writes and lists, one deletes as well, one only reads. A policy of the bucket says so, and the store keeps it.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use object_store::aws::{AwsAuthorizer, AwsCredential};
use object_store::client::HttpRequest;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
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

/// A bucket and the only keys (but the administrator's) that open it.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// Where it is, for pods and host alike; addressed path-style.
    pub endpoint: String,
    /// The region to sign for.
    pub region: String,
    /// Its name.
    pub name: String,
    /// The key that reads, writes and lists, and deletes nothing: the operator's.
    pub keys: Keys,
    /// The key that deletes as well: the purger's.
    pub purger_keys: Keys,
}

impl Bucket {
    /// Where it is, as the control plane reads it from a cell's `store.toml`.
    #[must_use]
    pub fn place(&self) -> String {
        let Self { endpoint, region, name, .. } = self;
        format!("endpoint = \"{endpoint}\"\nbucket = \"{name}\"\nregion = \"{region}\"\n")
    }
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

/// The bucket `name`, made if it is missing, with the keys that were made for it the first time. They are written down
/// before the store hears of them and all else is done again, so a run that was cut off is finished by the next.
pub async fn bucket(ground: &Ground, tools: &Tools, name: &str) -> Result<Bucket> {
    let purger = format!("{name}-purger");
    let kept = |user: &str| kept(ground, user);
    let bucket = Bucket {
        endpoint: ground.s3_endpoint.clone(),
        region: REGION.into(),
        name: name.into(),
        keys: kept(name)?,
        purger_keys: kept(&purger)?,
    };
    let reader = reader(ground, name)?;
    for Keys { access_key, secret_key } in [&bucket.keys, &bucket.purger_keys, &reader] {
        let user = ["create-user", "--access", access_key, "--secret", secret_key, "--role", "user"];
        allow(admin(ground, tools, &user).await, &["already exists", "UserAlreadyExists"])?;
    }
    // Neither of them owns it, so neither of them can change who may do what.
    allow(put(ground, name, String::new()).await, &["BucketAlreadyOwnedByYou", "BucketAlreadyExists"])?;
    put(ground, &format!("{name}?policy"), policy(&bucket, &reader)).await?;
    Ok(bucket)
}

/// The key that reads and lists a bucket and nothing else: the control plane's.
pub fn reader(ground: &Ground, name: &str) -> Result<Keys> {
    kept(ground, &format!("{name}-reader"))
}

fn kept(ground: &Ground, user: &str) -> Result<Keys> {
    keys(&folder(ground).join(format!("keys/{user}.json")), user)
}

/// Who may do what in the bucket. What is not said is refused.
fn policy(bucket: &Bucket, reader: &Keys) -> String {
    let (writer, purger) = (&bucket.keys.access_key, &bucket.purger_keys.access_key);
    let all = format!("arn:aws:s3:::{}", bucket.name);
    let all = [all.clone(), format!("{all}/*")];
    let allow = |who: &[&String], what: &[&str]| json!({ "Effect": "Allow", "Principal": { "AWS": who }, "Action": what, "Resource": all });
    let statements = [
        allow(&[writer, purger], &["s3:GetObject", "s3:PutObject", "s3:ListBucket"]),
        allow(&[purger], &["s3:DeleteObject"]),
        allow(&[&reader.access_key], &["s3:GetObject", "s3:ListBucket"]),
    ];
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
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

/// Puts something about a bucket, as the administrator. `versitygw admin` has no word for policies.
async fn put(ground: &Ground, path: &str, body: String) -> Result<()> {
    let keys: Keys = read(&ground.s3_admin_keys)?;
    let credential = AwsCredential { key_id: keys.access_key, secret_key: keys.secret_key, token: None };
    let url = format!("{}/{path}", ground.s3_endpoint);
    let mut request: HttpRequest = http::Request::put(&url).body(body.clone().into())?;
    AwsAuthorizer::new(&credential, "s3", REGION).try_authorize(&mut request, None)?;
    let headers = std::mem::take(request.headers_mut());
    let answer = reqwest::Client::new().put(&url).headers(headers).body(body).send().await?;
    let status = answer.status();
    if !status.is_success() {
        bail!("the object store answers {status} to PUT {path}: {}", answer.text().await.unwrap_or_default());
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
