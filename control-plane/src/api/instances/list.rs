//! The servers of an organization.

use std::sync::Arc;

use axum::extract::State;
use domain::Right;
use domain::id::{InstanceId, OrganizationId};
use domain::scope::Scope;

use super::InstanceBody;
use crate::api::cursor::Cursor;
use crate::api::{Json, Page, Path, schema};
use crate::app::server::standing::facts;
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;
use crate::store;

/// List servers
///
/// Newest first. Those whose data were destroyed are not among them.
#[utoipa::path(
    get, path = "/organizations/{organization}/instances", tag = "Servers", operation_id = "instances_list",
    params(
        ("organization" = schema::OrganizationId, Path),
        ("limit" = schema::Limit, Query),
        ("starting_after" = schema::InstanceId, Query, description = "The last one of the page before"),
    ),
    responses((status = 200, description = "A page of them", body = Page<InstanceBody>)),
    security(("token" = ["instances:read"]), ("session" = [])),
    extensions(("x-right" = json!("see"))),
)]
pub async fn list(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(organization): Path<OrganizationId>,
    cursor: Cursor<InstanceId>,
) -> Result<Json<Page<InstanceBody>>, Problem> {
    caller.demand(&platform, organization, Scope::InstancesRead, Right::See)?;
    let mut connection = platform.pool.acquire().await?;
    let found = store::instance::of_organization(&mut connection, organization, cursor.after, cursor.read()).await?;
    let known = facts(&mut connection, &found, platform.now()).await?;
    let bodies = found.into_iter().zip(&known).map(|(instance, known)| InstanceBody::of(instance, known));
    Ok(Json(Page::new(bodies.collect(), cursor.limit)))
}
