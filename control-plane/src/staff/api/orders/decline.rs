//! Declines an order: its place and its name are free.

use std::sync::Arc;

use axum::extract::State;
use domain::id::OrderId;

use super::{OrderBody, read};
use crate::api::Json;
use crate::app::order::decline as carry_out;
use crate::error::Problem;
use crate::pages::Path;
use crate::platform::Platform;
use crate::staff::api::Caller;
use crate::staff::api::body::ReasonBody;
use crate::staff::prose::prose;

/// Declines an order: its place and its name are free.
#[utoipa::path(
    post, path = "/orders/{order}/decline", tag = "orders", operation_id = "orders_decline",
    params(("order" = String, Path)), request_body = ReasonBody, 
    responses((status = 200, description = "As it stands now", body = OrderBody)),
    security(("token" = [])),
)]
pub async fn decline(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(id): Path<OrderId>,
    Json(input): Json<ReasonBody>,
) -> Result<Json<OrderBody>, Problem> {
    carry_out(&platform, &caller.actor(), id, &prose("reason", &input.reason)?).await?;
    Ok(Json(read(&platform, id).await?))
}
