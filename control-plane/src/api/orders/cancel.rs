//! Giving an order up.

use std::sync::Arc;

use axum::extract::State;
use domain::Right;
use domain::id::OrderId;
use domain::scope::Scope;

use super::{OrderBody, find};
use crate::api::{Json, Path, schema};
use crate::app::order::cancel as carry_out;
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;

/// Cancel an order
///
/// Its place and its name are free again.
#[utoipa::path(
    post, path = "/orders/{order}/cancel", tag = "Orders", operation_id = "orders_cancel",
    params(("order" = schema::OrderId, Path)),
    responses((status = 200, description = "How it stands now", body = OrderBody)),
    security(("token" = ["orders:write"]), ("session" = [])),
    extensions(("x-right" = json!("order"))),
)]
pub async fn cancel(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(id): Path<OrderId>,
) -> Result<Json<OrderBody>, Problem> {
    find(&platform, &caller, id, Scope::OrdersWrite, Right::Order).await?;
    carry_out(&platform, &caller.actor(), id).await?;
    Ok(Json(OrderBody::read(&platform, id).await?))
}
