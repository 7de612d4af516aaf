//! The first password of a server's owner, for the one time that it is shown.

use std::sync::Arc;

use axum::extract::State;
use domain::Right;
use domain::id::InstanceId;
use domain::scope::Scope;
use http::StatusCode;

use super::find;
use crate::api::body::Once;
use crate::api::users::LoginBody;
use crate::api::{Path, schema};
use crate::app::server::claim;
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;

/// Claim the owner's log-in
///
/// The first password is in this answer and nowhere else any more, whatever `Idempotency-Key` it was asked for with. The
/// password of the account here must have been entered again: no token can do this.
#[utoipa::path(
    post, path = "/instances/{instance}/owner-login/claim", tag = "Servers", operation_id = "owner_login_claim",
    params(("instance" = schema::InstanceId, Path)),
    responses(
        (status = 200, description = "The log-in", body = LoginBody),
        (status = 410, description = "`shown-once`: it was shown"),
    ),
    security(("session" = [])),
    extensions(("x-right" = json!("see-claim"))),
)]
pub async fn claim(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(id): Path<InstanceId>,
) -> Result<Once<LoginBody>, Problem> {
    let instance = find(&platform, &caller, id, Scope::InstancesWrite, Right::SeeClaim).await?;
    let password = claim::show(&platform, &caller.actor(), id).await?;
    Ok(Once(StatusCode::OK, LoginBody::new(&instance.owner_handle, &password)))
}
