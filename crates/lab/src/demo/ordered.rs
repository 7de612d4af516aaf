//! A server's life as its owner sees it: ordered at the dashboard, posted from, taken away, started elsewhere.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;
use tokio::time::Instant;

use super::life::{self, Dashboard, rounded, timed};
use super::raise::Cell;
use crate::cache::Cache;
use crate::client::App;
use crate::control::{Account, ControlPlane, Customer, HOST, password};

/// What the owner posts.
const WORDS: &str = "ordered, and here";
/// The owner's account on the server.
const HANDLE: &str = "robin";

/// A server that was ordered, and its owner.
pub struct Ordered {
    /// The owner at the dashboard.
    pub customer: Customer,
    /// The page of the server.
    pub page: String,
    /// Its public name.
    pub host: String,
    /// The owner's log-in on the server.
    pub owner: Account,
    /// A token of the owner's app there.
    pub token: String,
    /// The owner's app.
    pub app: App,
}

/// From the form of sign-up to the first post.
///
/// # Errors
/// When any step fails; the error says which and why.
pub async fn order(control: &ControlPlane, cell: &Cell, name: &str, seconds: &mut Dashboard) -> Result<Ordered> {
    let account = Account { email: format!("{name}@mail.test"), password: password()? };
    let mut customer = timed(&mut seconds.sign_up, control.dashboard.sign_up(&account, "Robin")).await?;
    let begun = Instant::now();
    let order = customer.order(name, HANDLE, &account.email).await?;
    seconds.order = rounded(begun.elapsed());
    let page = customer.ready(&order).await?;
    seconds.ready_from_order = rounded(begun.elapsed());
    let begun = Instant::now();
    let password = customer.owner_password(&page).await?;
    let host = format!("{name}.{}", cell.site.zone);
    let app = cell.site.app_of(&host);
    let token = app.login(HANDLE, &password).await?.token;
    seconds.order_login = rounded(begun.elapsed());
    app.post(&token, WORDS).await?;
    app.home_with(&token, WORDS, 10).await?;
    Ok(Ordered { customer, page, host, owner: Account { email: account.email, password }, token, app })
}

/// From the wish for a bundle to the same server on a plain Debian.
///
/// # Errors
/// When any step fails; the error says which and why.
pub async fn leave(
    control: &ControlPlane,
    cell: &Cell,
    cache: &Cache,
    ordered: &mut Ordered,
    work: &Path,
    seconds: &mut Dashboard,
) -> Result<()> {
    let Ordered { customer, page, host, token, app, .. } = ordered;
    let export = timed(&mut seconds.order_export, customer.export(page)).await?;
    let begun = Instant::now();
    let key = customer.key(&export).await?;
    let script = customer.script(&export).await?;
    std::fs::write(work.join("key.txt"), key)?;
    fetch(control, &script, work).await?;
    seconds.order_download = rounded(begun.elapsed());
    let begun = Instant::now();
    let served = life::boot(cache, work, host, &cell.public_key).await?;
    // It stood still for the copy.
    customer.running(page).await?;
    let elsewhere = cell.site.library.app(&served.base).as_host(host);
    let (here, there) = (app.verify(token).await?, elsewhere.verify(token).await.context("the old token elsewhere")?);
    ensure!(here == there, "here the account is {here:?}, elsewhere {there:?}");
    elsewhere.home_with(token, WORDS, 5).await?;
    seconds.order_restore = rounded(begun.elapsed());
    Ok(())
}

/// Runs the script that the dashboard gave out, as its reader would; the bundle is then in `work/bundle`.
///
/// # Errors
/// When it fails; the error holds what it said.
pub async fn fetch(control: &ControlPlane, script: &str, work: &Path) -> Result<()> {
    let home = work.join("fetch");
    std::fs::create_dir_all(&home)?;
    // What a name server and the system's trust would do elsewhere.
    let (ground, port) = (&control.ground, control.ground.ports.dashboard);
    let (address, root) = (ground.addresses.node_ip, ground.root_crt.display());
    std::fs::write(home.join(".curlrc"), format!("resolve = \"{HOST}:{port}:{address}\"\ncacert = \"{root}\"\n"))?;
    std::fs::write(home.join("fetch.sh"), script)?;
    let mut command = Command::new("sh");
    command.arg("fetch.sh").current_dir(&home).env_clear().env("HOME", &home).env("PATH", "/usr/bin:/bin");
    let output = command.kill_on_drop(true).output().await?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    ensure!(output.status.success(), "the script to fetch the bundle: {}\n{}", output.status, said.trim());
    let folders: Vec<PathBuf> = std::fs::read_dir(&home)?.flatten().map(|entry| entry.path()).collect();
    let folder = folders.into_iter().find(|path| path.is_dir()).context("the script made no folder")?;
    Ok(std::fs::rename(folder, work.join("bundle"))?)
}
