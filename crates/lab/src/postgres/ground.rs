//! PostgreSQL on a ground, for the demo: it outlives the command that starts it, and its data stays with the ground's.
//! Nothing else of a ground needs it, so it is started only by those who want it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use nix::sys::signal::Signal;

use super::database::Naming;
use super::program::Program;
use super::server::{self, Setting};
use super::{Durability, Postgres, template};
use crate::cache::Cache;
use crate::node::Ground;
use crate::process::Spec;
use crate::wait;

const NAME: &str = "postgres";

/// Starts PostgreSQL at the node's address, or finds it running. Does nothing twice.
pub async fn on(ground: &Ground, cache: &Cache) -> Result<Postgres> {
    let program = Program::find()?;
    let template = template::ready(cache, &program).await?;
    let setting = Setting {
        folder: ground.state_dir.join(NAME),
        address: ground.addresses.node_ip.into(),
        port: ground.ports.postgres,
        durability: Durability::Kept,
        password: template.password.clone(),
    };
    let processes = ground.processes();
    if !setting.data().exists() {
        fs::create_dir_all(&setting.folder).with_context(|| format!("cannot create {}", setting.folder.display()))?;
        fs::set_permissions(&setting.folder, fs::Permissions::from_mode(0o700))?;
        program.own(&setting.folder)?;
        // Whole or not at all: what lies at its place is used.
        let fresh = setting.folder.join("data.new");
        if fresh.exists() {
            fs::remove_dir_all(&fresh).with_context(|| format!("cannot clear {}", fresh.display()))?;
        }
        template.copy(&fresh)?;
        fs::rename(&fresh, setting.data()).context("cannot move the data to its place")?;
    }
    let mut words = program.wrapper();
    let first = PathBuf::from(words.remove(0));
    words.extend(["--".to_owned(), program.path("postgres").display().to_string()]);
    words.extend(setting.args());
    let cwd = Some(setting.folder.clone());
    processes.start(&Spec { name: NAME.into(), program: first, args: words, cwd, ..Spec::default() })?;
    let url = setting.url()?;
    server::answers(&url, || processes.must_run(NAME)).await?;
    Ok(Postgres::at(url, Naming::Plain))
}

/// Kills PostgreSQL where it stands. Its data stays, and is recovered by the next start.
///
/// # Errors
/// When the kernel refuses.
pub fn kill(ground: &Ground) -> Result<()> {
    ground.processes().kill(NAME)
}

/// Stops PostgreSQL without waiting for those who are connected, which it would when asked like other programs. Its data
/// stays.
pub async fn stop(ground: &Ground) -> Result<()> {
    let processes = ground.processes();
    if let Some(identity) = processes.identity(NAME) {
        identity.signal(Signal::SIGINT)?;
        let gone = async || Ok((!identity.lives()).then_some(()));
        // One that does not end in time is ended by what follows.
        let _ = wait::until("PostgreSQL to end", Duration::from_secs(20), gone).await;
    }
    processes.stop(NAME, Duration::from_secs(1)).await
}
