//! Who waits for a place.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use crate::auth::staff::StaffSigned;
use crate::error::Problem;
use crate::pages::{Page, html};
use crate::platform::Platform;
use crate::store;
use crate::store::order::Order;
use crate::store::search::Waiting;

/// How many are shown.
pub const MOST: i64 = 500;

#[derive(Template)]
#[template(path = "staff/waitlist.html")]
struct WaitlistPage<'a> {
    page: &'a Page,
    rows: Vec<Waiting>,
    offered: Vec<Order>,
}

/// Who waits, in the order in which they get a place, and to whom one is offered.
///
/// # Errors
/// When the database refuses.
pub async fn show(State(platform): State<Arc<Platform>>, signed: StaffSigned) -> Result<Response, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let rows = store::search::waitlist(&mut connection, MOST).await?;
    let offered = store::order::list(&mut connection, Some("offered"), None, MOST).await?;
    html(StatusCode::OK, &WaitlistPage { page: &Page::to_staff(&signed), rows, offered })
}
