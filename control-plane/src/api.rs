//! The API: JSON under `/v1`, described by OpenAPI, for customers' own programs.
//!
//! Conventions: errors are RFC 9457 problems with a stable `code`; lists are paged by cursor; a POST may carry an
//! `Idempotency-Key`; what takes time is answered `202` with an operation; updates need `If-Match`.

mod body;
pub mod cursor;
pub mod etag;
pub mod idempotency;
mod openapi;
mod problem;

use std::sync::Arc;

use axum::middleware::from_fn_with_state;
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;

pub use body::{Json, Page};
pub use openapi::document;
pub(crate) use problem::words;
pub use problem::{ProblemBody, render};

use crate::platform::Platform;

/// Where the API begins.
pub const BASE: &str = "/v1";

/// All endpoints, one line each.
fn endpoints() -> OpenApiRouter<Arc<Platform>> {
    OpenApiRouter::with_openapi(openapi::head())
}

/// The API's part of the router: endpoints with what each request to them goes through.
pub fn router(platform: &Arc<Platform>) -> axum::Router<Arc<Platform>> {
    let (endpoints, _) = endpoints().split_for_parts();
    let served = axum::Router::new().route("/openapi.json", get(openapi::serve));
    endpoints.merge(served).layer(from_fn_with_state(platform.clone(), idempotency::remember))
}
