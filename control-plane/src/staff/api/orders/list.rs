//! All orders.

use std::sync::Arc;

use axum::extract::State;
use domain::id::OrderId;

use super::OrderBody;
use crate::api::cursor::Cursor;
use crate::api::{Json, Page};
use crate::error::Problem;
use crate::platform::Platform;
use crate::staff::api::Caller;
use crate::staff::api::filter::{Filter, Paged};
use crate::staff::orders::STATES;
use crate::store;

/// All orders.
#[utoipa::path(
    get, path = "/orders", tag = "orders", operation_id = "orders_list",
    params(Paged, ("state" = Option<String>, Query, description = "Only those in this state")),
    responses((status = 200, description = "A page, newest first", body = Page<OrderBody>)),
    security(("token" = [])),
)]
pub async fn list(
    State(platform): State<Arc<Platform>>,
    _: Caller,
    cursor: Cursor<OrderId>,
    filter: Filter,
) -> Result<Json<Page<OrderBody>>, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let state = filter.state(STATES)?;
    let found = store::order::list(&mut connection, state, cursor.after, cursor.read()).await?;
    let data = found.into_iter().map(OrderBody::from).collect();
    Ok(Json(Page::new(data, cursor.limit)))
}
