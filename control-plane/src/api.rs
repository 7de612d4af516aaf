//! The API: JSON under `/v1`, described by OpenAPI, for customers' own programs.
//!
//! Conventions: errors are RFC 9457 problems with a stable `code`; lists are paged by cursor; a POST may carry an
//! `Idempotency-Key`; what takes time is answered `202` with an operation; updates need `If-Match`; each answer says how many
//! requests are left. A browser that is logged in may call it as well as a program with a token; what asks for the password
//! again is for browsers alone.

mod account;
mod allowance;
mod body;
pub mod cursor;
pub mod etag;
mod exports;
pub mod idempotency;
mod instances;
mod offers;
mod openapi;
mod operations;
mod orders;
mod organizations;
mod problem;
mod schema;
mod users;

use std::sync::Arc;

use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use allowance::Allowance;
pub use body::{Created, Json, Page, Tagged};
pub(crate) use openapi::tell_conditional;
pub use openapi::{document, text};
pub(crate) use problem::words;
pub use problem::{ProblemBody, render};

use crate::auth::caller::Caller;
use crate::pages::Path;
use crate::platform::Platform;

/// Where the API begins.
pub const BASE: &str = "/v1";

/// All endpoints, one line for each path.
fn endpoints() -> OpenApiRouter<Arc<Platform>> {
    OpenApiRouter::with_openapi(openapi::head())
        .routes(routes!(account::show::show))
        .routes(routes!(organizations::list::list, organizations::create::create))
        .routes(routes!(organizations::show::show, organizations::update::update))
        .routes(routes!(organizations::members::list))
        .routes(routes!(organizations::member_update::update, organizations::member_remove::remove))
        .routes(routes!(organizations::invitations::list, organizations::invite::invite))
        .routes(routes!(organizations::invitation_revoke::revoke))
        .routes(routes!(organizations::hand_over::hand_over))
        .routes(routes!(organizations::audit::list))
        .routes(routes!(offers::list::list))
        .routes(routes!(orders::list::list, orders::place::place))
        .routes(routes!(orders::show::show, orders::update::update))
        .routes(routes!(orders::accept::accept))
        .routes(routes!(orders::cancel::cancel))
        .routes(routes!(orders::retry::retry))
        .routes(routes!(instances::list::list))
        .routes(routes!(instances::show::show, instances::update::update))
        .routes(routes!(instances::pause::pause))
        .routes(routes!(instances::resume::resume))
        .routes(routes!(instances::close::close))
        .routes(routes!(instances::reopen::reopen))
        .routes(routes!(instances::owner_reset::reset))
        .routes(routes!(instances::owner_claim::claim))
        .routes(routes!(users::add::add))
        .routes(routes!(users::remove::remove))
        .routes(routes!(users::reset::reset))
        .routes(routes!(users::changes::list))
        .routes(routes!(users::change::show))
        .routes(routes!(users::claim::claim))
        .routes(routes!(exports::list::list, exports::start::start))
        .routes(routes!(exports::show::show))
        .routes(routes!(exports::recipient::set))
        .routes(routes!(exports::download::allow))
        .routes(routes!(exports::key_ask::ask))
        .routes(routes!(exports::key_claim::claim))
        .routes(routes!(operations::list::list))
        .routes(routes!(operations::show::show))
        .routes(routes!(operations::retry::retry))
        .routes(routes!(operations::cancel::cancel))
}

/// The API's part of the router: endpoints with what each request to them goes through.
pub fn router(platform: &Arc<Platform>) -> axum::Router<Arc<Platform>> {
    let (endpoints, _) = endpoints().split_for_parts();
    let served = axum::Router::new().route("/openapi.json", get(openapi::serve));
    let endpoints = endpoints
        .layer(from_fn(etag::conditional))
        .layer(from_fn_with_state(platform.clone(), idempotency::remember::<Caller>))
        .layer(from_fn(allowance::tell));
    endpoints.merge(served)
}
