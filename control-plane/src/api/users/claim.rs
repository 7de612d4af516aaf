//! A new password of an account on a server, for the one time that it is shown.

use std::sync::Arc;

use axum::extract::State;
use domain::id::{AccountChangeId, InstanceId};
use http::StatusCode;

use super::{LoginBody, find};
use crate::api::body::Once;
use crate::api::{Path, schema};
use crate::app::server::user;
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;

/// Claim a new log-in
///
/// The password is in this answer and nowhere else any more, whatever `Idempotency-Key` it was asked for with. That of the
/// server's owner is not for a token.
#[utoipa::path(
    post, path = "/instances/{instance}/user-changes/{change}/claim", tag = "Users", operation_id = "user_changes_claim",
    params(("instance" = schema::InstanceId, Path), ("change" = schema::ChangeId, Path)),
    responses(
        (status = 200, description = "The log-in", body = LoginBody),
        (status = 410, description = "`shown-once`: it was shown"),
    ),
    security(("token" = ["instances:write"]), ("session" = [])),
    extensions(("x-right" = json!("add-users"))),
)]
pub async fn claim(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path((id, change)): Path<(InstanceId, AccountChangeId)>,
) -> Result<Once<LoginBody>, Problem> {
    let change = find(&platform, &caller, id, change).await?;
    let password = user::show(&platform, &caller.actor(), &change).await?;
    Ok(Once(StatusCode::OK, LoginBody::new(&change.handle, &password)))
}
