//! A server's whole life, with a stopwatch: ordered, logged in to, federated, taken away, restored elsewhere.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use crd::Export;
use serde::Serialize;
use tokio::time::Instant;

use crate::cache::Cache;
use crate::claim::Claim;
use crate::download;
use crate::journey::{Order, Site};
use crate::restore::{PlainDebian, Served};
use crate::store::Bucket;
use crate::tools::Progress;
use crate::{client, wait};

/// How long each step took, in seconds. What `demo --once --json` prints.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Seconds {
    /// Until the cluster and everything a cell needs was up.
    pub cluster: f64,
    /// From the order to ready.
    pub ready: f64,
    /// The owner's log-in with a client app: app, authorize form, token.
    pub login: f64,
    /// A post and its way back in the timeline; a picture and its way back.
    pub post: f64,
    /// From a second server's follow to the first server's post in its timeline.
    pub federate: f64,
    /// From the wish to the complete bundle.
    pub export: f64,
    /// For how long of that the server stood still, as told by its status.
    pub export_stopped: u32,
    /// From the download to an old token's answer on a plain Debian.
    pub restore: f64,
    /// What was seen through the dashboard; nothing without a control plane.
    #[serde(flatten)]
    pub dashboard: Option<Dashboard>,
}

/// How long each step took a customer, in seconds.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Dashboard {
    /// Until the control plane was up beside the cell.
    pub control_plane: f64,
    /// From the form of sign-up, by way of the mail, to the first log-in.
    pub sign_up: f64,
    /// From the order's form to the page of the order.
    pub order: f64,
    /// From the order's form to the page that says ready.
    pub ready_from_order: f64,
    /// The owner's password shown, and the log-in with a client app.
    pub order_login: f64,
    /// From the wish to the bundle on its page.
    pub order_export: f64,
    /// The bundle's key and all its files, by the script from its page.
    pub order_download: f64,
    /// From the files to the old token's answer on a plain Debian.
    pub order_restore: f64,
}

/// A server whose owner is logged in.
pub struct Living {
    /// What was ordered.
    pub order: Order,
    /// The owner's password.
    pub password: String,
    /// An access token of the owner's app.
    pub token: String,
}

impl Living {
    /// The owner's address, `user@host`.
    #[must_use]
    pub fn account(&self) -> String {
        format!("{}@{}", self.order.handle, self.order.host)
    }
}

/// Runs `step` and writes down how long it took.
pub(super) async fn timed<T>(seconds: &mut f64, step: impl Future<Output = Result<T>>) -> Result<T> {
    let begun = Instant::now();
    let result = step.await?;
    *seconds = rounded(begun.elapsed());
    Ok(result)
}

/// Seconds with two decimals.
pub(super) fn rounded(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 100.0).round() / 100.0
}

/// Two servers from order to post and follow. Returns the first one and the second one.
///
/// # Errors
/// When any step fails; the error says which and why.
pub async fn two_servers(
    site: &Site,
    names: [&str; 2],
    work: &Path,
    seconds: &mut Seconds,
    progress: &mut dyn Progress,
) -> Result<[Living; 2]> {
    progress.step(&format!("Ordering two servers: {} and {}", names[0], names[1]));
    let begun = Instant::now();
    let first = site.order(names[0], "alice").await?;
    let second = site.order(names[1], "bob").await?;
    site.ready(&first, Duration::from_secs(180)).await?;
    seconds.ready = rounded(begun.elapsed());
    site.ready(&second, Duration::from_secs(180)).await?;

    progress.step("Logging in with a client app");
    let first = timed(&mut seconds.login, log_in(site, first)).await?;
    let second = log_in(site, second).await?;

    progress.step("Posting a text and a picture");
    timed(&mut seconds.post, post(site, &first, work)).await?;

    progress.step(&format!("Following {} from {}", first.order.host, second.order.host));
    timed(&mut seconds.federate, federate(site, &first, &second)).await?;
    Ok([first, second])
}

/// Logs the owner in with the password that came up sealed.
///
/// # Errors
/// When the password has not come up or the server does not take it.
pub async fn log_in(site: &Site, order: Order) -> Result<Living> {
    let password = site.password(&order).await?;
    let login = site.app(&order).login(&order.handle, &password).await?;
    let account = site.app(&order).verify(&login.token).await?;
    ensure!(account.account == order.handle, "the token belongs to {}, not to {}", account.account, order.handle);
    Ok(Living { order, password, token: login.token })
}

async fn post(site: &Site, living: &Living, work: &Path) -> Result<()> {
    let app = site.app(&living.order);
    app.post(&living.token, "the steppe is wide").await?;
    app.home_with(&living.token, "the steppe is wide", 10).await?;
    let picture = work.join(format!("picture-{}.png", living.order.name));
    std::fs::write(&picture, PICTURE)?;
    let upload = app.upload(&living.token, &picture).await?;
    ensure!(upload.same, "{} does not give back the bytes that were uploaded", upload.url);
    Ok(())
}

/// The second server's owner follows the first one's; a post of the first arrives at the second.
///
/// # Errors
/// When the follow is not accepted or the post does not arrive within a minute each.
pub async fn federate(site: &Site, first: &Living, second: &Living) -> Result<()> {
    let (app, other) = (site.app(&first.order), site.app(&second.order));
    let id = other.find(&second.token, &first.account()).await?;
    other.follow(&second.token, &id).await?;
    wait::until("the follow to be accepted", Duration::from_secs(60), async || {
        Ok(other.relation(&second.token, &id).await?.following.then_some(()))
    })
    .await?;
    app.post(&first.token, "a post for those who follow").await?;
    other.home_with(&second.token, "a post for those who follow", 60).await?;
    Ok(())
}

/// What was taken away, as it lies on a disk of the customer's.
pub struct Taken {
    /// The export.
    pub export: Export,
    /// The folder with the bundle's files.
    pub bundle: PathBuf,
    /// The customer's key.
    pub key: Claim,
}

/// Exports a server to a key of the customer's and downloads the bundle.
///
/// # Errors
/// When the export fails or an object cannot be read.
pub async fn take(site: &Site, living: &Living, bucket: &Bucket, work: &Path, seconds: &mut Seconds) -> Result<Taken> {
    let key = Claim::new();
    let name = format!("{}-away", living.order.name);
    let limit = Duration::from_secs(300);
    let export = timed(&mut seconds.export, site.export(&living.order, &name, Some(key.recipient()), limit)).await?;
    let made = export.status.as_ref().and_then(|status| status.bundle.as_ref());
    let made = made.context("the export succeeded without a bundle")?;
    seconds.export_stopped = made.stopped_seconds;
    let bundle = work.join("bundle");
    download::folder(bucket, &made.prefix, &bundle).await?;
    // It stood still for the copy, and is asked again soon.
    site.ready(&living.order, Duration::from_secs(120)).await.context("after the export")?;
    Ok(Taken { export, bundle, key })
}

/// Restores what was taken on a plain Debian and asks with the old token who it is. `follower` (`user@host`) must follow it
/// there as it does here.
///
/// # Errors
/// When the bundle does not verify, does not boot, or the server is not the same.
pub async fn restore(
    site: &Site,
    cache: &Cache,
    living: &Living,
    follower: &str,
    taken: &Taken,
    work: &Path,
    public_key: &str,
) -> Result<client::Account> {
    std::fs::write(work.join("key.txt"), taken.key.identity_file())?;
    let served = boot(cache, work, &living.order.host, public_key).await?;
    let app = site.library.app(&served.base).as_host(&living.order.host);
    let account = app.verify(&living.token).await.context("the old token on the restored server")?;
    app.home_with(&living.token, "the steppe is wide", 5).await?;
    let here = site.app(&living.order);
    let id = here.find(&living.token, follower).await?;
    let (before, after) = (here.relation(&living.token, &id).await?, app.relation(&living.token, &id).await?);
    ensure!(before.followed_by && before == after, "relation to {follower} before {before:?}, after {after:?}");
    Ok(account)
}

/// Brings up, on a plain Debian, the bundle in `work/bundle` that `work/key.txt` opens.
///
/// # Errors
/// When it does not verify or does not boot.
pub async fn boot(cache: &Cache, work: &Path, host: &str, public_key: &str) -> Result<Served> {
    let machine = PlainDebian::prepare(cache).await?;
    let port = free_port()?;
    std::fs::write(work.join("host.pem"), public_key)?;
    let script =
        format!("sh /mnt/bundle/restore.sh -k /mnt/host.pem -i /mnt/key.txt -t /mnt/data -a 127.0.0.1 -p {port}");
    machine.run(work, &script).await?;
    machine.serve(work, host, port).await
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// One grey pixel.
const PICTURE: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0, 0, 1, 8, 0,
    0, 0, 0, 0x3a, 0x7e, 0x9b, 0x55, 0, 0, 0, 10, b'I', b'D', b'A', b'T', 0x78, 0x9c, 0x63, 0x68, 0x00, 0x00, 0x00,
    0x82, 0x00, 0x81, 0x77, 0xcd, 0x72, 0xb6, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82,
];
