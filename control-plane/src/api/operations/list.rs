//! What is or was done in an organization.

use std::sync::Arc;

use axum::extract::State;
use domain::Right;
use domain::id::{OperationId, OrganizationId};
use domain::scope::Scope;

use super::OperationBody;
use crate::api::cursor::Cursor;
use crate::api::{Json, Page, Path, schema};
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;
use crate::store;

/// List operations
///
/// Newest first. Those that ended long ago are not kept.
#[utoipa::path(
    get, path = "/organizations/{organization}/operations", tag = "Operations", operation_id = "operations_list",
    params(
        ("organization" = schema::OrganizationId, Path),
        ("limit" = schema::Limit, Query),
        ("starting_after" = schema::OperationId, Query, description = "The last one of the page before"),
    ),
    responses((status = 200, description = "A page of them", body = Page<OperationBody>)),
    security(("token" = ["instances:read"]), ("session" = [])),
    extensions(("x-right" = json!("see"))),
)]
pub async fn list(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(organization): Path<OrganizationId>,
    cursor: Cursor<OperationId>,
) -> Result<Json<Page<OperationBody>>, Problem> {
    caller.demand(&platform, organization, Scope::InstancesRead, Right::See)?;
    let mut connection = platform.pool.acquire().await?;
    let found = store::operation::of_organization(&mut connection, organization, cursor.after, cursor.read()).await?;
    Ok(Json(Page::new(found.iter().map(|one| OperationBody::of(&platform, one)).collect(), cursor.limit)))
}
