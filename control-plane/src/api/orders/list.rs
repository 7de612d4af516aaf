//! The orders of an organization.

use std::sync::Arc;

use axum::extract::State;
use domain::Right;
use domain::id::{OrderId, OrganizationId};
use domain::scope::Scope;

use super::OrderBody;
use crate::api::cursor::Cursor;
use crate::api::{Json, Page, Path, schema};
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;
use crate::store;

/// List orders
///
/// Newest first.
#[utoipa::path(
    get, path = "/organizations/{organization}/orders", tag = "Orders", operation_id = "orders_list",
    params(
        ("organization" = schema::OrganizationId, Path),
        ("limit" = schema::Limit, Query),
        ("starting_after" = schema::OrderId, Query, description = "The last one of the page before"),
    ),
    responses((status = 200, description = "A page of them", body = Page<OrderBody>)),
    security(("token" = ["orders:read"]), ("session" = [])),
    extensions(("x-right" = json!("see"))),
)]
pub async fn list(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(organization): Path<OrganizationId>,
    cursor: Cursor<OrderId>,
) -> Result<Json<Page<OrderBody>>, Problem> {
    caller.demand(&platform, organization, Scope::OrdersRead, Right::See)?;
    let mut connection = platform.pool.acquire().await?;
    let found = store::order::of_organization(&mut connection, organization, cursor.after, cursor.read()).await?;
    let mut bodies = Vec::with_capacity(found.len());
    for order in found {
        bodies.push(OrderBody::of(&platform, &mut connection, order).await?);
    }
    Ok(Json(Page::new(bodies, cursor.limit)))
}
