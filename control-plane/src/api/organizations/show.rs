//! One organization.

use std::sync::Arc;

use axum::extract::State;
use domain::Right;
use domain::id::OrganizationId;
use domain::scope::Scope;

use super::OrganizationBody;
use crate::api::{Path, Tagged, schema};
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;

/// Show an organization
#[utoipa::path(
    get, path = "/organizations/{organization}", tag = "Organizations", operation_id = "organizations_show",
    params(("organization" = schema::OrganizationId, Path)),
    responses((
        status = 200, description = "The organization", body = OrganizationBody,
        headers(("ETag" = String, description = "Its version, for `If-Match` when it is changed")),
    )),
    security(("token" = ["organization:read"]), ("session" = [])),
    extensions(("x-right" = json!("see-members"))),
)]
pub async fn show(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(organization): Path<OrganizationId>,
) -> Result<Tagged<OrganizationBody>, Problem> {
    let member = caller.demand(&platform, organization, Scope::OrganizationRead, Right::SeeMembers)?;
    OrganizationBody::read(&platform, organization, member.role).await
}
