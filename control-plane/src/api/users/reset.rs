//! A new password for an account on a server.

use std::sync::Arc;

use axum::extract::State;
use domain::Right;
use domain::id::InstanceId;
use domain::scope::Scope;
use names::Handle;

use super::{asked, here};
use crate::api::operations::{Accepted, OperationBody};
use crate::api::{Path, schema};
use crate::app::server::user;
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;
use crate::store::account_change::Action;

/// Reset an account's log-in
///
/// The operation names the change; when it is done, the new password can be claimed there, once. That of the owner is not for a token.
#[utoipa::path(
    post, path = "/instances/{instance}/users/{handle}/reset", tag = "Users", operation_id = "users_reset",
    params(("instance" = schema::InstanceId, Path), ("handle" = schema::Handle, Path)),
    responses((status = 202, description = "It is being done", body = OperationBody, headers(("Location" = String)))),
    security(("token" = ["instances:write"]), ("session" = [])),
    extensions(("x-right" = json!("add-users"))),
)]
pub async fn reset(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path((id, handle)): Path<(InstanceId, Handle)>,
) -> Result<Accepted, Problem> {
    let instance = here(&platform, &caller, id, Right::AddUsers).await?;
    // What needs more than that needs more than that.
    let right = user::right(&instance, Action::Reset, &handle);
    caller.demand(&platform, instance.organization, Scope::InstancesWrite, right)?;
    asked(&platform, user::change(&platform, &caller.actor(), id, Action::Reset, &handle).await?).await
}
