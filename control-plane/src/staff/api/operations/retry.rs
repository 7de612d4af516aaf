//! Tries again what was given up.

use std::sync::Arc;

use axum::extract::State;
use domain::id::OperationId;

use super::{OperationBody, read};
use crate::app::operation::staff;
use crate::error::Problem;
use crate::pages::Path;
use crate::platform::Platform;
use crate::staff::api::Caller;
use crate::staff::api::body::Begun;

/// Tries again what was given up.
#[utoipa::path(
    post, path = "/operations/{operation}/retry", tag = "operations", operation_id = "operations_retry",
    params(("operation" = String, Path)), 
    responses((status = 202, description = "As it stands now", body = OperationBody)),
    security(("token" = [])),
)]
pub async fn retry(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(id): Path<OperationId>,
) -> Result<Begun<OperationBody>, Problem> {
    staff::retry(&platform, &caller.actor(), id).await?;
    Ok(Begun(read(&platform, id).await?))
}
