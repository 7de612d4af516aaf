//! Taking a closing back.

use std::sync::Arc;

use axum::extract::State;
use domain::Right;
use domain::id::InstanceId;
use domain::scope::Scope;

use super::find;
use crate::api::operations::{Accepted, OperationBody};
use crate::api::{Path, schema};
use crate::app::server::closing;
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;

/// Take a closing back
///
/// As long as the server's data are there.
#[utoipa::path(
    post, path = "/instances/{instance}/reopen", tag = "Servers", operation_id = "instances_reopen",
    params(("instance" = schema::InstanceId, Path)),
    responses((status = 202, description = "The server is being told", body = OperationBody, headers(("Location" = String)))),
    security(("token" = ["instances:write"]), ("session" = [])),
    extensions(("x-right" = json!("undo-close"))),
)]
pub async fn reopen(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(id): Path<InstanceId>,
) -> Result<Accepted, Problem> {
    find(&platform, &caller, id, Scope::InstancesWrite, Right::UndoClose).await?;
    Accepted::of(&platform, closing::reopen(&platform, &caller.actor(), id).await?).await
}
