//! One operation.

use std::sync::Arc;

use axum::extract::State;
use domain::id::OperationId;

use super::{OperationBody, read};
use crate::api::Json;
use crate::error::Problem;
use crate::pages::Path;
use crate::platform::Platform;
use crate::staff::api::Caller;

/// One operation
#[utoipa::path(
    get, path = "/operations/{operation}", tag = "operations", operation_id = "operations_show",
    params(("operation" = String, Path)),
    responses((status = 200, description = "It", body = OperationBody)),
    security(("token" = [])),
)]
pub async fn show(
    State(platform): State<Arc<Platform>>,
    _: Caller,
    Path(id): Path<OperationId>,
) -> Result<Json<OperationBody>, Problem> {
    Ok(Json(read(&platform, id).await?))
}
