//! The endpoint at which export jobs obtain presigned URLs for their parts.
//!
//! Every replica serves it, over TLS with a certificate that the operator makes for itself. A request counts only with a
//! token that the API server says is of a pod of this very export, while that export is being copied; see [`gate`].
//! What is agreed on goes into the object store, so that it does not matter which replica is asked.

mod certificate;
mod gate;
mod handlers;
mod listener;
mod refusal;
pub mod wire;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use tokio_util::sync::CancellationToken;

use crate::context::Context;

pub use certificate::{Certificate, certificate};
pub use gate::AUDIENCE;

/// A bundle of 2 TiB has a manifest of about 40 MiB; nothing that is sent here is longer.
const LONGEST_BODY: usize = 64 << 20;

/// Serves the endpoint until `stop`.
///
/// # Errors
/// When the certificate or the port cannot be had.
pub async fn serve(context: Arc<Context>, stop: CancellationToken) -> std::io::Result<()> {
    let certificate = loop {
        match certificate(&context).await {
            Ok(certificate) => break certificate,
            Err(error) => {
                tracing::warn!(error = error.chain(), "the grants endpoint has no certificate yet; trying again");
            }
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(std::time::Duration::from_secs(5)) => {}
        }
    };
    let listener = listener::Tls::bind(context.config.grants_listen, &certificate).await?;
    tracing::info!(address = %listener.address(), "serving grants");
    axum::serve(listener, router(context)).with_graceful_shutdown(stop.cancelled_owned()).await
}

/// Serves the endpoint with this certificate in the background, and says where.
#[cfg(test)]
pub(crate) async fn listen_on(
    context: Arc<Context>,
    certificate: &Certificate,
    stop: CancellationToken,
) -> std::io::Result<std::net::SocketAddr> {
    let listener = listener::Tls::bind(context.config.grants_listen, certificate).await?;
    let address = listener.address();
    tokio::spawn(axum::serve(listener, router(context)).with_graceful_shutdown(stop.cancelled_owned()).into_future());
    Ok(address)
}

/// The endpoint without its transport.
pub fn router(context: Arc<Context>) -> Router {
    Router::new()
        .route("/v1/exports/{uid}", get(handlers::task))
        .route("/v1/exports/{uid}/parts", post(handlers::part))
        .route("/v1/exports/{uid}/segments", post(handlers::segment))
        .route("/v1/exports/{uid}/finish", post(handlers::finish))
        .route("/v1/exports/{uid}/log", post(handlers::log))
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .with_state(context)
}
