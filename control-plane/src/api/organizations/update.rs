//! Renaming an organization.

use std::sync::Arc;

use axum::extract::State;
use domain::Right;
use domain::id::OrganizationId;
use domain::scope::Scope;

use super::{NameBody, OrganizationBody};
use crate::api::etag::IfMatch;
use crate::api::{Json, Path, Tagged, schema};
use crate::app::organization::rename;
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;

/// Rename an organization
///
/// Takes its `ETag`, as it was read.
#[utoipa::path(
    patch, path = "/organizations/{organization}", tag = "Organizations", operation_id = "organizations_update",
    params(("organization" = schema::OrganizationId, Path), ("If-Match" = schema::Tag, Header)),
    request_body = NameBody,
    responses((status = 200, description = "As it is now", body = OrganizationBody, headers(("ETag" = String)))),
    security(("token" = ["organization:write"]), ("session" = [])),
    extensions(("x-right" = json!("rename"))),
)]
pub async fn update(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(organization): Path<OrganizationId>,
    matched: IfMatch,
    Json(body): Json<NameBody>,
) -> Result<Tagged<OrganizationBody>, Problem> {
    let member = caller.demand(&platform, organization, Scope::OrganizationWrite, Right::Rename)?;
    rename(&platform, &member, Some(matched.0), &body.parse()?).await?;
    OrganizationBody::read(&platform, organization, member.role).await
}
