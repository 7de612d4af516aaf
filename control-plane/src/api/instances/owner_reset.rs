//! A new password for a server's owner.

use std::sync::Arc;

use axum::extract::State;
use domain::Right;
use domain::id::InstanceId;
use domain::scope::Scope;

use super::find;
use crate::api::operations::{Accepted, OperationBody};
use crate::api::users::asked;
use crate::api::{Path, schema};
use crate::app::server::user;
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;
use crate::store::account_change::Action;

/// Reset the owner's log-in
///
/// The operation names the change; when it is done, the new password can be claimed there, once. The password must have been
/// entered again: no token can do this.
#[utoipa::path(
    post, path = "/instances/{instance}/owner-login/reset", tag = "Servers", operation_id = "owner_login_reset",
    params(("instance" = schema::InstanceId, Path)),
    responses((status = 202, description = "The password is being made", body = OperationBody, headers(("Location" = String)))),
    security(("session" = [])),
    extensions(("x-right" = json!("reset-owner-login"))),
)]
pub async fn reset(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(id): Path<InstanceId>,
) -> Result<Accepted, Problem> {
    let instance = find(&platform, &caller, id, Scope::InstancesWrite, Right::ResetOwnerLogin).await?;
    let change = user::change(&platform, &caller.actor(), id, Action::Reset, &instance.owner_handle).await?;
    asked(&platform, change).await
}
