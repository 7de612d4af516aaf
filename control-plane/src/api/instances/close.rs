//! Closing a server.

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
use crate::app::server::closing;
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;

/// That it is really meant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseBody {
    /// The server's public name.
    #[schema(example = "birds.servers.example")]
    hostname: String,
}

/// Close a server
///
/// It stops, its final bundle is made, and after a while its data are destroyed. Until then that can be taken back. The
/// password must have been entered again: no token can do this.
#[utoipa::path(
    post, path = "/instances/{instance}/close", tag = "Servers", operation_id = "instances_close",
    params(("instance" = schema::InstanceId, Path)),
    request_body = CloseBody,
    responses((status = 202, description = "It is being closed", body = OperationBody, headers(("Location" = String)))),
    security(("session" = [])),
    extensions(("x-right" = json!("close"))),
)]
pub async fn close(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(id): Path<InstanceId>,
    Json(body): Json<CloseBody>,
) -> Result<Accepted, Problem> {
    find(&platform, &caller, id, Scope::InstancesWrite, Right::Close).await?;
    let done = closing::close(&platform, &caller.actor(), id, &body.hostname).await;
    let operation = done.map_err(|problem| match problem.of("typed") {
        Some(code) => Problem::field("hostname", code),
        None => problem,
    })?;
    Accepted::of(&platform, operation).await
}
