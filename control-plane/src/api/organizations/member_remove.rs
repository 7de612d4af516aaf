//! Taking a member out.

use std::sync::Arc;

use axum::extract::State;
use domain::Right;
use domain::id::{AccountId, OrganizationId};
use domain::scope::Scope;
use http::StatusCode;

use crate::api::{Path, schema};
use crate::app::organization::people::remove as carry_out;
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;

/// Remove a member
///
/// Somebody below the caller's own role, and with them the tokens they made there.
#[utoipa::path(
    delete, path = "/organizations/{organization}/members/{account}", tag = "Organizations",
    operation_id = "members_remove",
    params(("organization" = schema::OrganizationId, Path), ("account" = schema::AccountId, Path)),
    responses((status = 204, description = "They are out")),
    security(("token" = ["organization:write"]), ("session" = [])),
    extensions(("x-right" = json!("members"))),
)]
pub async fn remove(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path((organization, account)): Path<(OrganizationId, AccountId)>,
) -> Result<StatusCode, Problem> {
    let member = caller.demand(&platform, organization, Scope::OrganizationWrite, Right::Members)?;
    carry_out(&platform, &member, account).await?;
    Ok(StatusCode::NO_CONTENT)
}
