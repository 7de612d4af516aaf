//! One change to an account on a server.

use std::sync::Arc;

use axum::extract::State;
use domain::id::{AccountChangeId, InstanceId};

use super::{ChangeBody, find};
use crate::api::{Json, Path, schema};
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;

/// Show a change to an account
#[utoipa::path(
    get, path = "/instances/{instance}/user-changes/{change}", tag = "Users", operation_id = "user_changes_show",
    params(("instance" = schema::InstanceId, Path), ("change" = schema::ChangeId, Path)),
    responses((status = 200, description = "How it stands", body = ChangeBody)),
    security(("token" = ["instances:write"]), ("session" = [])),
    extensions(("x-right" = json!("add-users"))),
)]
pub async fn show(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path((id, change)): Path<(InstanceId, AccountChangeId)>,
) -> Result<Json<ChangeBody>, Problem> {
    Ok(Json(ChangeBody::from(&find(&platform, &caller, id, change).await?)))
}
