//! One order.

use std::sync::Arc;

use axum::extract::State;
use domain::id::OrderId;

use super::{OrderBody, read};
use crate::api::Json;
use crate::error::Problem;
use crate::pages::Path;
use crate::platform::Platform;
use crate::staff::api::Caller;

/// One order
#[utoipa::path(
    get, path = "/orders/{order}", tag = "orders", operation_id = "orders_show",
    params(("order" = String, Path)),
    responses((status = 200, description = "It", body = OrderBody)),
    security(("token" = [])),
)]
pub async fn show(
    State(platform): State<Arc<Platform>>,
    _: Caller,
    Path(id): Path<OrderId>,
) -> Result<Json<OrderBody>, Problem> {
    Ok(Json(read(&platform, id).await?))
}
