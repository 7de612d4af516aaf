//! One order.

use std::sync::Arc;

use axum::extract::State;
use domain::Right;
use domain::id::OrderId;
use domain::scope::Scope;

use super::{OrderBody, find};
use crate::api::{Path, Tagged, schema};
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;

/// Show an order
#[utoipa::path(
    get, path = "/orders/{order}", tag = "Orders", operation_id = "orders_show",
    params(("order" = schema::OrderId, Path)),
    responses((
        status = 200, description = "How it stands", body = OrderBody,
        headers(("ETag" = String, description = "Its version, for `If-Match` when it is changed")),
    )),
    security(("token" = ["orders:read"]), ("session" = [])),
    extensions(("x-right" = json!("see"))),
)]
pub async fn show(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(id): Path<OrderId>,
) -> Result<Tagged<OrderBody>, Problem> {
    find(&platform, &caller, id, Scope::OrdersRead, Right::See).await?;
    OrderBody::tagged(&platform, id).await
}
