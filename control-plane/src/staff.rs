//! What staff see, on a listener of its own: pages, and JSON under `/v1/staff`.

mod home;
mod session;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::pages::assets;
use crate::platform::Platform;

/// All pages of staff, one line each.
pub fn pages() -> Router<Arc<Platform>> {
    Router::new()
        .route("/", get(home::show))
        .route("/log-in", get(session::log_in::show).post(session::log_in::submit))
        .route("/log-out", post(session::log_out::submit))
        .route("/static/{file}", get(assets::serve))
}

/// All of staff's API.
pub fn api() -> Router<Arc<Platform>> {
    Router::new().route("/token", post(session::token::create))
}
