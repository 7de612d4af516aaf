//! Staff's API: JSON under `/v1/staff`, with a token that lasts ten minutes and no longer than the log-in it belongs to.

mod audit;
mod body;
mod caller;
mod cells;
mod filter;
mod holds;
mod instances;
mod openapi;
mod operations;
mod orders;
mod organizations;
mod outbox;
mod reports;
mod waitlist;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use caller::Caller;
pub use openapi::{document, text};

use super::session;
use crate::api::{etag, idempotency};
use crate::auth::staff::StaffSigned;
use crate::platform::Platform;

/// All endpoints, one line for each path.
fn endpoints() -> OpenApiRouter<Arc<Platform>> {
    OpenApiRouter::with_openapi(openapi::head())
        .routes(routes!(session::token::create))
        .routes(routes!(orders::list::list))
        .routes(routes!(orders::show::show))
        .routes(routes!(orders::approve::approve))
        .routes(routes!(orders::decline::decline))
        .routes(routes!(waitlist::list))
        .routes(routes!(organizations::list::list))
        .routes(routes!(organizations::show::show, organizations::update::update))
        .routes(routes!(instances::list::list))
        .routes(routes!(instances::show::show))
        .routes(routes!(instances::hold::place))
        .routes(routes!(holds::list::list))
        .routes(routes!(holds::show::show, holds::update::update))
        .routes(routes!(holds::lift::lift))
        .routes(routes!(cells::list::list, cells::add::add))
        .routes(routes!(cells::show::show))
        .routes(routes!(cells::open::set))
        .routes(routes!(cells::room::set))
        .routes(routes!(operations::list::list))
        .routes(routes!(operations::show::show))
        .routes(routes!(operations::retry::retry))
        .routes(routes!(operations::cancel::cancel))
        .routes(routes!(outbox::show))
        .routes(routes!(audit::list))
        .routes(routes!(reports::list::list))
        .routes(routes!(reports::show::show))
        .routes(routes!(reports::answer::answer))
        .routes(routes!(reports::dismiss::dismiss))
        .routes(routes!(reports::hold::hold))
        .routes(routes!(reports::reopen::reopen))
}

/// Staff's part of the router: endpoints with what each request to them goes through.
pub fn router(platform: &Arc<Platform>) -> Router<Arc<Platform>> {
    let (endpoints, _) = endpoints().split_for_parts();
    let served = Router::new().route("/openapi.json", get(openapi::serve));
    let endpoints = endpoints.layer(from_fn(etag::conditional));
    endpoints.layer(from_fn_with_state(platform.clone(), idempotency::remember::<StaffSigned>)).merge(served)
}
