//! What staff see, on a listener of its own: pages, and JSON under `/v1/staff`.

pub mod api;
mod audit;
mod cells;
pub mod hold_form;
mod holds;
mod home;
mod instances;
pub mod list;
mod operations;
mod orders;
mod organizations;
mod problem;
mod prose;
mod reports;
mod session;
mod trail;
mod waitlist;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

pub use problem::render;

use crate::pages::{assets, language};
use crate::platform::Platform;

/// The parts of staff's pages, in the order of the navigation: address and name.
pub const SECTIONS: [(&str, &str); 10] = [
    ("/", "staff-start"),
    ("/orders", "staff-orders"),
    ("/waitlist", "staff-waitlist"),
    ("/organizations", "nav-organizations"),
    ("/instances", "nav-servers"),
    ("/holds", "staff-holds"),
    ("/reports", "staff-reports"),
    ("/operations", "staff-operations"),
    ("/cells", "staff-cells"),
    ("/audit", "staff-audit"),
];

/// All pages of staff, one line each.
pub fn pages() -> Router<Arc<Platform>> {
    Router::new()
        .route("/", get(home::show))
        .route("/log-in", get(session::log_in::show).post(session::log_in::submit))
        .route("/log-out", post(session::log_out::submit))
        .route("/language", post(language::submit))
        .route("/static/{file}", get(assets::serve))
        .route("/orders", get(orders::show))
        .route("/orders/{order}", get(orders::one))
        .route("/orders/{order}/approve", post(orders::approve))
        .route("/orders/{order}/decline", post(orders::decline))
        .route("/waitlist", get(waitlist::show))
        .route("/organizations", get(organizations::show))
        .route("/organizations/{org}", get(organizations::one))
        .route("/organizations/{org}/limit", post(organizations::set_limit))
        .route("/instances", get(instances::show))
        .route("/instances/{server}", get(instances::one))
        .route("/instances/{server}/holds", post(instances::place))
        .route("/holds", get(holds::show))
        .route("/holds/{hold}", get(holds::one).post(holds::change))
        .route("/holds/{hold}/lift", post(holds::lift))
        .route("/cells", get(cells::show))
        .route("/cells/{cell}/room", post(cells::room))
        .route("/cells/{cell}/open", post(cells::open))
        .route("/operations", get(operations::show))
        .route("/operations/{operation}", get(operations::one))
        .route("/operations/{operation}/retry", post(operations::retry))
        .route("/operations/{operation}/cancel", post(operations::cancel))
        .route("/audit", get(audit::show))
        .route("/reports", get(reports::show))
        .route("/reports/{report}", get(reports::one))
        .route("/reports/{report}/answer", post(reports::answer))
        .route("/reports/{report}/dismiss", post(reports::dismiss))
        .route("/reports/{report}/hold", post(reports::hold))
        .route("/reports/{report}/reopen", post(reports::reopen))
}
