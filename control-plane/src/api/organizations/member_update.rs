//! Changing what a member is.

use std::sync::Arc;

use axum::extract::State;
use domain::Right;
use domain::id::{AccountId, OrganizationId};
use domain::scope::Scope;
use serde::Deserialize;
use utoipa::ToSchema;

use super::members::MemberBody;
use super::role;
use crate::api::{Json, Path, schema};
use crate::app::organization::people::set_role;
use crate::auth::caller::Caller;
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::store;

/// What they are to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleBody {
    /// Below that of whoever gives it.
    #[schema(value_type = schema::Role)]
    role: String,
}

/// Change a member's role
///
/// That of somebody below the caller's own, to one below it. It is one word, so that it is set without an `If-Match`.
#[utoipa::path(
    patch, path = "/organizations/{organization}/members/{account}", tag = "Organizations",
    operation_id = "members_update",
    params(("organization" = schema::OrganizationId, Path), ("account" = schema::AccountId, Path)),
    request_body = RoleBody,
    responses((status = 200, description = "As they are now", body = MemberBody)),
    security(("token" = ["organization:write"]), ("session" = [])),
    extensions(("x-right" = json!("members"))),
)]
pub async fn update(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path((organization, account)): Path<(OrganizationId, AccountId)>,
    Json(body): Json<RoleBody>,
) -> Result<Json<MemberBody>, Problem> {
    let member = caller.demand(&platform, organization, Scope::OrganizationWrite, Right::Members)?;
    set_role(&platform, &member, account, role(&body.role)?).await?;
    let mut connection = platform.pool.acquire().await?;
    let people = store::membership::of_organization(&mut connection, organization).await?;
    let now = people.into_iter().find(|person| person.account == account).ok_or(Problem::new(Code::NotFound))?;
    Ok(Json(now.into()))
}
