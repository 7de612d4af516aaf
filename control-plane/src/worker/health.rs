//! A worker's own HTTP pages: `/healthz` (the process runs), `/readyz` (the database answers) and `/metrics` (what is to be done,
//! for all workers together).

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{StatusCode, header};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::platform::Platform;
use crate::store;
use crate::store::backlog::Backlog;

/// Serves the pages until `stop`.
///
/// # Errors
/// When the listener breaks.
pub async fn serve(listener: TcpListener, platform: Arc<Platform>, stop: CancellationToken) -> std::io::Result<()> {
    let pages = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(platform);
    axum::serve(listener, pages).with_graceful_shutdown(stop.cancelled_owned()).await
}

async fn backlog(platform: &Platform) -> store::Result<Backlog> {
    let mut connection = platform.pool.acquire().await?;
    store::backlog::read(&mut connection, platform.now()).await
}

async fn ready(State(platform): State<Arc<Platform>>) -> Response {
    match crate::migrate::require(&platform.pool).await {
        Ok(()) => "ok\n".into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

async fn metrics(State(platform): State<Arc<Platform>>) -> Response {
    let text = match backlog(&platform).await {
        Ok(backlog) => text(&backlog),
        Err(error) => return (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    };
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match text {
        Ok(text) => ([(header::CONTENT_TYPE, kind)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

/// What is to be done, as Prometheus reads it.
fn text(backlog: &Backlog) -> Result<String, std::fmt::Error> {
    let mut registry = Registry::with_prefix("steppe");
    let operations = Family::<Vec<(String, String)>, Gauge>::default();
    for (state, count) in &backlog.operations {
        operations.get_or_create(&vec![("state".to_owned(), state.clone())]).set(*count);
    }
    registry.register("operations", "Operations that have not ended, and failed ones, by state", operations);
    let mut gauge = |name: &str, help: &str, value: i64| {
        let gauge = Gauge::<i64>::default();
        gauge.set(value);
        registry.register(name, help, gauge);
    };
    gauge("oldest_operation_seconds", "Age of the oldest operation that has not ended", backlog.oldest_operation);
    gauge("mails_waiting", "Mails that wait to be sent", backlog.mails);
    gauge("cells_unreachable", "Cells that cannot be reached", backlog.cells_unreachable);
    gauge("cells_refused", "Cells to which nothing is written until a person has looked", backlog.cells_refused);
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_prometheus_reads() {
        let backlog = Backlog {
            operations: vec![("failed".to_owned(), 1), ("waiting".to_owned(), 3)],
            oldest_operation: 77,
            mails: 2,
            cells_unreachable: 1,
            cells_refused: 0,
        };
        let text = text(&backlog).unwrap();
        for line in [
            "steppe_operations{state=\"waiting\"} 3",
            "steppe_operations{state=\"failed\"} 1",
            "steppe_oldest_operation_seconds 77",
            "steppe_mails_waiting 2",
            "steppe_cells_unreachable 1",
            "# EOF",
        ] {
            assert!(text.lines().any(|one| one == line), "{line} is missing in:\n{text}");
        }
    }
}
