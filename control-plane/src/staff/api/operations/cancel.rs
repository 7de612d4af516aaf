//! Gives an operation up; one that was given up is laid aside.

use std::sync::Arc;

use axum::extract::State;
use domain::id::OperationId;

use super::{OperationBody, read};
use crate::api::Json;
use crate::app::operation::staff;
use crate::error::Problem;
use crate::pages::Path;
use crate::platform::Platform;
use crate::staff::api::Caller;

/// Gives an operation up; one that was given up is laid aside.
#[utoipa::path(
    post, path = "/operations/{operation}/cancel", tag = "operations", operation_id = "operations_cancel",
    params(("operation" = String, Path)), 
    responses((status = 200, description = "As it stands now", body = OperationBody)),
    security(("token" = [])),
)]
pub async fn cancel(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(id): Path<OperationId>,
) -> Result<Json<OperationBody>, Problem> {
    staff::cancel(&platform, &caller.actor(), id).await?;
    Ok(Json(read(&platform, id).await?))
}
