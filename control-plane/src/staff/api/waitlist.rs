//! Who waits for a place.

use std::sync::Arc;

use axum::extract::State;
use domain::id::{OrderId, OrganizationId};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::Caller;
use crate::api::{Json, Page};
use crate::error::Problem;
use crate::platform::Platform;
use crate::staff::waitlist::MOST;
use crate::store;
use crate::store::search::Waiting;

/// An order that waits.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StaffWaiting)]
pub struct WaitingBody {
    /// The order.
    #[schema(value_type = String)]
    order: OrderId,
    /// Whose it is.
    #[schema(value_type = String)]
    organization: OrganizationId,
    /// How large the server will be.
    size: String,
    /// Its public name.
    hostname: String,
    /// Since when it waits.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// At which place, among those who wait for this size; 1 is the next.
    position: i64,
}

impl From<Waiting> for WaitingBody {
    fn from(one: Waiting) -> Self {
        Self {
            order: one.order,
            organization: one.organization,
            size: one.size.to_string(),
            hostname: one.hostname,
            since: one.since,
            position: one.position,
        }
    }
}

/// Who waits for a place, in the order in which they get one
#[utoipa::path(
    get, path = "/waitlist", tag = "waitlist", operation_id = "waitlist_list",
    responses((status = 200, description = "The first 500", body = Page<WaitingBody>)),
    security(("token" = [])),
)]
pub async fn list(State(platform): State<Arc<Platform>>, _: Caller) -> Result<Json<Page<WaitingBody>>, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let found = store::search::waitlist(&mut connection, MOST + 1).await?;
    let data = found.into_iter().map(WaitingBody::from).collect();
    Ok(Json(Page::new(data, u16::try_from(MOST).unwrap_or(u16::MAX))))
}
