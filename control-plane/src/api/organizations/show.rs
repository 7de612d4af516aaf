//! One organization.

use std::sync::Arc;

use axum::extract::State;
use domain::Right;
use domain::id::OrganizationId;
use domain::scope::Scope;

use super::OrganizationBody;
use crate::api::{Json, Path, schema};
use crate::auth::caller::Caller;
use crate::error::{Code, Problem};
use crate::platform::Platform;

/// Show an organization
#[utoipa::path(
    get, path = "/organizations/{organization}", tag = "Organizations", operation_id = "organizations_show",
    params(("organization" = schema::OrganizationId, Path)),
    responses((status = 200, description = "The organization", body = OrganizationBody)),
    security(("token" = ["organization:read"]), ("session" = [])),
    extensions(("x-right" = json!("see-members"))),
)]
pub async fn show(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(organization): Path<OrganizationId>,
) -> Result<Json<OrganizationBody>, Problem> {
    caller.demand(&platform, organization, Scope::OrganizationRead, Right::SeeMembers)?;
    let membership = caller.memberships().iter().find(|one| one.organization == organization);
    Ok(Json(membership.ok_or(Problem::new(Code::NotFound))?.into()))
}
