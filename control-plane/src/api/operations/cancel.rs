//! Giving an operation up.

use std::sync::Arc;

use axum::extract::State;
use domain::Right;
use domain::id::OperationId;
use domain::scope::Scope;

use super::{Accepted, find};
use crate::api::{Path, schema};
use crate::app::operation::cancel as carry_out;
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;

/// Cancel an operation
///
/// Gives it up, where that can be done.
#[utoipa::path(
    post, path = "/operations/{operation}/cancel", tag = "Operations", operation_id = "operations_cancel",
    params(("operation" = schema::OperationId, Path)),
    responses((status = 202, description = "How it stands now", body = super::OperationBody, headers(("Location" = String)))),
    security(("token" = ["instances:write"]), ("session" = [])),
    extensions(("x-right" = json!("settings"))),
)]
pub async fn cancel(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(id): Path<OperationId>,
) -> Result<Accepted, Problem> {
    find(&platform, &caller, id, Scope::InstancesWrite, Right::Settings).await?;
    carry_out(&platform, &caller.actor(), id).await?;
    Accepted::of(&platform, id).await
}
