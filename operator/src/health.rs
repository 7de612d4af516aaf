//! The operator's own HTTP pages: `/healthz` (the process runs), `/readyz` (it knows the cluster) and `/metrics`.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::cache::Caches;
use crate::metrics::Metrics;

#[derive(Clone)]
struct Pages {
    caches: Caches,
    metrics: Metrics,
}

/// Serves the pages on a listener until `stop`.
///
/// # Errors
/// When the listener breaks.
pub async fn serve(
    listener: TcpListener,
    caches: Caches,
    metrics: Metrics,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let pages = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics_text))
        .with_state(Pages { caches, metrics });
    axum::serve(listener, pages).with_graceful_shutdown(stop.cancelled_owned()).await
}

/// Opens the port.
///
/// # Errors
/// When it is taken or may not be opened; the error says which.
pub async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .map_err(|error| std::io::Error::new(error.kind(), format!("listening on {address}: {error}")))
}

async fn ready(State(pages): State<Pages>) -> (StatusCode, &'static str) {
    if pages.caches.is_ready() {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the first lists from the API server are not complete\n")
    }
}

async fn metrics_text(State(pages): State<Pages>) -> axum::response::Response {
    match pages.metrics.text() {
        Ok(text) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
