//! Adding an account to a server.

use std::sync::Arc;

use axum::extract::State;
use domain::Right;
use domain::id::InstanceId;
use names::Handle;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{asked, here};
use crate::api::operations::{Accepted, OperationBody};
use crate::api::{Json, Path, schema};
use crate::app::server::user;
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;
use crate::store::account_change::Action;

/// A new account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddBody {
    #[schema(value_type = schema::Handle)]
    handle: String,
}

/// Add an account
///
/// The operation names the change; when it is done, the password can be claimed there, once.
#[utoipa::path(
    post, path = "/instances/{instance}/users", tag = "Users", operation_id = "users_add",
    params(("instance" = schema::InstanceId, Path)),
    request_body = AddBody,
    responses((status = 202, description = "It is being made", body = OperationBody, headers(("Location" = String)))),
    security(("token" = ["instances:write"]), ("session" = [])),
    extensions(("x-right" = json!("add-users"))),
)]
pub async fn add(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(id): Path<InstanceId>,
    Json(body): Json<AddBody>,
) -> Result<Accepted, Problem> {
    let instance = here(&platform, &caller, id, Right::AddUsers).await?;
    let handle: Handle = body.handle.parse().map_err(|_| Problem::field("handle", "handle-form"))?;
    if handle == instance.owner_handle {
        return Err(Problem::field("handle", "handle-owner"));
    }
    asked(&platform, user::change(&platform, &caller.actor(), id, Action::Add, &handle).await?).await
}
