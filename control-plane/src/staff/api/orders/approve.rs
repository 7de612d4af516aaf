//! Agrees to an order: its server is begun.

use std::sync::Arc;

use axum::extract::State;
use domain::id::OrderId;

use super::{OrderBody, read};
use crate::app::order::approve as carry_out;
use crate::error::Problem;
use crate::pages::Path;
use crate::platform::Platform;
use crate::staff::api::Caller;
use crate::staff::api::body::Begun;

/// Agrees to an order: its server is begun.
#[utoipa::path(
    post, path = "/orders/{order}/approve", tag = "orders", operation_id = "orders_approve",
    params(("order" = String, Path)), 
    responses((status = 202, description = "As it stands now", body = OrderBody)),
    security(("token" = [])),
)]
pub async fn approve(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(id): Path<OrderId>,
) -> Result<Begun<OrderBody>, Problem> {
    carry_out(&platform, &caller.actor(), id).await?;
    Ok(Begun(read(&platform, id).await?))
}
