//! Ending a pause.

use std::sync::Arc;

use axum::extract::State;
use domain::Right;
use domain::id::InstanceId;
use domain::scope::Scope;

use super::find;
use crate::api::operations::{Accepted, OperationBody};
use crate::api::{Path, schema};
use crate::app::server::pause;
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;

/// End a pause
///
/// Holds of other kinds stay.
#[utoipa::path(
    post, path = "/instances/{instance}/resume", tag = "Servers", operation_id = "instances_resume",
    params(("instance" = schema::InstanceId, Path)),
    responses((status = 202, description = "The server is being told", body = OperationBody, headers(("Location" = String)))),
    security(("token" = ["instances:write"]), ("session" = [])),
    extensions(("x-right" = json!("pause"))),
)]
pub async fn resume(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(id): Path<InstanceId>,
) -> Result<Accepted, Problem> {
    find(&platform, &caller, id, Scope::InstancesWrite, Right::Pause).await?;
    Accepted::of(&platform, pause::resume(&platform, &caller.actor(), id).await?).await
}
