//! The organizations a caller is in.

use std::sync::Arc;

use axum::extract::State;
use domain::Right;
use domain::id::OrganizationId;
use domain::scope::Scope;

use super::OrganizationBody;
use crate::api::cursor::Cursor;
use crate::api::{Json, Page, schema};
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;

/// List organizations
///
/// A token acts in one organization, and sees that.
#[utoipa::path(
    get, path = "/organizations", tag = "Organizations", operation_id = "organizations_list",
    params(
        ("limit" = schema::Limit, Query),
        ("starting_after" = schema::OrganizationId, Query, description = "The last one of the page before"),
    ),
    responses((status = 200, description = "A page of them", body = Page<OrganizationBody>)),
    security(("token" = ["organization:read"]), ("session" = [])),
    extensions(("x-right" = json!("see-members"))),
)]
pub async fn list(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    cursor: Cursor<OrganizationId>,
) -> Result<Json<Page<OrganizationBody>>, Problem> {
    let mut seen = Vec::new();
    for membership in caller.memberships() {
        caller.demand(&platform, membership.organization, Scope::OrganizationRead, Right::SeeMembers)?;
        seen.push(OrganizationBody::from(membership));
    }
    Ok(Json(cursor.page_of(seen.into_iter(), |one| &one.id)))
}
