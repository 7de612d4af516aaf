//! `steppe worker`.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;

use super::{config, log, platform, stop_on_signal};
use crate::gateway::mail::{Mailer, SmtpMailer};
use crate::worker::{self, Worker, health};
use crate::{Given, migrate};

/// Connections to the database that a worker keeps at most, besides one for each cell it observes.
const CONNECTIONS: u32 = 20;

/// Works until asked to stop; what has begun comes to rest first, and another worker goes on with it.
///
/// # Errors
/// When the configuration cannot be used, the port is taken, or the database is not what this version needs.
pub async fn run(given: Given) -> anyhow::Result<()> {
    log();
    let platform = platform(config(given)?, CONNECTIONS)?;
    migrate::require(&platform.pool).await?;
    let mailer = platform.config.smtp.as_ref().map(SmtpMailer::new).transpose().context("smtp-url")?;
    let mailer = mailer.map(|mailer| Arc::new(mailer) as Arc<dyn Mailer>);
    let stop = stop_on_signal();
    let address = platform.config.worker_listen;
    let listener = TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))?;
    let worker = Worker { name: name(), version: env!("CARGO_PKG_VERSION") };
    tracing::info!(%address, worker = worker.name, "working");
    let pages = tokio::spawn(health::serve(listener, platform.clone(), stop.clone()));
    worker::run(platform, mailer, worker, stop).await;
    pages.await.context("the pages about this worker")?.context("the pages about this worker")
}

/// The host's name and the process's number: unique among those that run at once.
fn name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}-{}", host.trim(), std::process::id())
}
