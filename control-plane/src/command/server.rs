//! `steppe server`.

use std::net::SocketAddr;

use anyhow::Context as _;
use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{config, log, platform, stop_on_signal};
use crate::{Given, migrate, router};

/// Connections to the database that a server keeps at most.
const CONNECTIONS: u32 = 20;

/// Serves until asked to stop; requests that have begun end first.
///
/// # Errors
/// When the configuration cannot be used, a port is taken, or the database is not what this version needs.
pub async fn run(given: Given) -> anyhow::Result<()> {
    log();
    let platform = platform(config(given)?, CONNECTIONS)?;
    migrate::require(&platform.pool).await?;
    let stop = stop_on_signal();
    let customers = listen(platform.config.listen).await?;
    let staff = listen(platform.config.staff_listen).await?;
    tracing::info!(address = %platform.config.listen, url = %platform.config.url, "serving customers");
    tracing::info!(address = %platform.config.staff_listen, url = %platform.config.staff_url, "serving staff");
    let (live, stopping) = (platform.live.clone(), stop.clone());
    // Streams to open pages would keep the process for as long as somebody looks.
    tokio::spawn(async move {
        stopping.cancelled().await;
        live.close();
    });
    tokio::try_join!(
        serve(customers, router::public(platform.clone()), stop.clone()),
        serve(staff, router::staff(platform), stop.clone()),
    )?;
    Ok(())
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))
}

async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) -> anyhow::Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(stop.cancelled_owned()).await.context("serving")
}
