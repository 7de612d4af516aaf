//! The dashboard: HTML pages that work without script. A handler parses, calls a use case, and shows a page or sends on.

mod account;
pub mod assets;
mod form;
mod page;
mod render;
mod servers;
mod session;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

pub use form::Form;
pub use page::{Page, html, see_other};
pub use render::render;

use crate::platform::Platform;

/// All pages of customers, one line each.
pub fn router() -> Router<Arc<Platform>> {
    Router::new()
        .route("/", get(servers::list::show))
        .route("/sign-up", get(account::sign_up::show).post(account::sign_up::submit))
        .route("/confirm/{secret}", get(account::confirm::show).post(account::confirm::submit))
        .route("/log-in", get(session::log_in::show).post(session::log_in::submit))
        .route("/log-out", axum::routing::post(session::log_out::submit))
        .route("/static/{file}", get(assets::serve))
}
