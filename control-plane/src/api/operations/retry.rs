//! Another round of tries.

use std::sync::Arc;

use axum::extract::State;
use domain::Right;
use domain::id::OperationId;
use domain::scope::Scope;

use super::{Accepted, find};
use crate::api::{Path, schema};
use crate::app::operation::retry as carry_out;
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;

/// Retry an operation
///
/// Another round of tries for one that was given up.
#[utoipa::path(
    post, path = "/operations/{operation}/retry", tag = "Operations", operation_id = "operations_retry",
    params(("operation" = schema::OperationId, Path)),
    responses((status = 202, description = "How it stands now", body = super::OperationBody, headers(("Location" = String)))),
    security(("token" = ["instances:write"]), ("session" = [])),
    extensions(("x-right" = json!("settings"))),
)]
pub async fn retry(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(id): Path<OperationId>,
) -> Result<Accepted, Problem> {
    find(&platform, &caller, id, Scope::InstancesWrite, Right::Settings).await?;
    carry_out(&platform, &caller.actor(), id).await?;
    Accepted::of(&platform, id).await
}
