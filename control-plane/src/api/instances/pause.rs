//! Pausing a server.

use std::sync::Arc;

use axum::extract::State;
use domain::Right;
use domain::id::InstanceId;
use domain::scope::Scope;
use serde::Deserialize;
use utoipa::ToSchema;

use super::find;
use crate::api::operations::{Accepted, OperationBody};
use crate::api::{Json, Path, schema};
use crate::app::server::pause as app;
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;

/// Why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PauseBody {
    /// For the others in the organization to read: at most 300 characters.
    #[serde(default)]
    #[schema(max_length = 300, example = "We move house.")]
    reason: String,
}

/// Pause a server
///
/// It stops until it is resumed; nothing is lost, but posts from elsewhere are after two days.
#[utoipa::path(
    post, path = "/instances/{instance}/pause", tag = "Servers", operation_id = "instances_pause",
    params(("instance" = schema::InstanceId, Path)),
    request_body = PauseBody,
    responses((status = 202, description = "The server is being told", body = OperationBody, headers(("Location" = String)))),
    security(("token" = ["instances:write"]), ("session" = [])),
    extensions(("x-right" = json!("pause"))),
)]
pub async fn pause(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(id): Path<InstanceId>,
    Json(body): Json<PauseBody>,
) -> Result<Accepted, Problem> {
    find(&platform, &caller, id, Scope::InstancesWrite, Right::Pause).await?;
    let reason = app::reason(&body.reason).map_err(|code| Problem::field("reason", code))?;
    Accepted::of(&platform, app::pause(&platform, &caller.actor(), id, reason).await?).await
}
