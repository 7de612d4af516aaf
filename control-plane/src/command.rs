//! What `steppe` does for each of its commands.

pub mod admin;
pub mod config;
pub mod doctor;
pub mod migrate;
pub mod openapi;
pub mod server;
pub mod worker;

use std::future::Future;
use std::io::Write as _;
use std::sync::Arc;

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use tokio_util::sync::CancellationToken;

use crate::auth::password::Passwords;
use crate::auth::staff_token::StaffKeys;
use crate::gateway::cells::Cells;
use crate::gateway::clock::{Random as _, SystemClock, SystemRandom};
use crate::gateway::objects::Stores;
use crate::live::Live;
use crate::platform::{self, Platform};
use crate::seal::Seal;
use crate::{Config, Given};

/// Runs a command on a new runtime.
///
/// # Errors
/// The command's.
pub fn block_on(command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting the runtime")?;
    runtime.block_on(command)
}

/// Says why a command failed, on standard error.
pub fn complain(error: &anyhow::Error) {
    let _ = writeln!(std::io::stderr().lock(), "steppe: {error:#}");
}

/// Says something to whoever runs a command, on standard output.
///
/// # Errors
/// When standard output is closed.
pub fn say(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout().lock(), "{line}")?)
}

/// The environment variable with the filter of the log: `info` without it.
pub const LOG_FILTER: &str = tracing_subscriber::EnvFilter::DEFAULT_ENV;

/// Begins to log: one JSON object a line, on standard error.
pub fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env(LOG_FILTER)
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(filter).with_writer(std::io::stderr).init();
}

/// Everything a program of ours works with.
///
/// # Errors
/// When the key cannot be read or the database's address is none.
pub fn platform(config: Config, connections: u32) -> anyhow::Result<Arc<Platform>> {
    let random = SystemRandom;
    let mut salt = [0; 16];
    random.fill(&mut salt).context("the system has no randomness to give")?;
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    Ok(Arc::new(Platform {
        pool: platform::pool(config.database_url.expose_secret(), connections).context("database-url")?,
        clock: Arc::new(SystemClock),
        random: Arc::new(random),
        seal: Seal::parse(config.key.expose_secret()).context("key-file")?,
        passwords: Passwords::new(cores, salt)?,
        staff_keys: staff_keys(&config)?,
        stores: Arc::new(Stores::in_folder(config.cells_dir.clone())),
        live: Live::default(),
        cells: Arc::new(Cells::in_folder(config.cells_dir.clone())),
        config: Arc::new(config),
    }))
}

fn staff_keys(config: &Config) -> anyhow::Result<StaffKeys> {
    let folder = config.staff_keys_dir.as_deref();
    folder.map_or_else(|| Ok(StaffKeys::default()), StaffKeys::read).context("staff-keys-dir")
}

/// A token that is cancelled when the process is asked to stop.
#[must_use]
pub fn stop_on_signal() -> CancellationToken {
    let stop = CancellationToken::new();
    let asked = stop.clone();
    tokio::spawn(async move {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = tokio::signal::ctrl_c() => {}
                }
                tracing::info!("stopping: what has begun ends first");
            }
            Err(error) => tracing::error!(%error, "signals cannot be received"),
        }
        asked.cancel();
    });
    stop
}

/// Reads and checks the configuration.
///
/// # Errors
/// What is missing or wrong.
pub fn config(given: Given) -> anyhow::Result<Config> {
    given.check().context("the configuration cannot be used")
}
