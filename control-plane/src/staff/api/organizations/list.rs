//! All organizations.

use std::sync::Arc;

use axum::extract::State;
use domain::id::OrganizationId;

use super::OrganizationBody;
use crate::api::cursor::Cursor;
use crate::api::{Json, Page};
use crate::error::Problem;
use crate::platform::Platform;
use crate::staff::api::Caller;
use crate::staff::api::filter::{Filter, Paged};
use crate::store;

/// All organizations.
#[utoipa::path(
    get, path = "/organizations", tag = "organizations", operation_id = "organizations_list",
    params(Paged, ("q" = Option<String>, Query, description = "Only those with this in their name or in the address of somebody in them")),
    responses((status = 200, description = "A page, newest first", body = Page<OrganizationBody>)),
    security(("token" = [])),
)]
pub async fn list(
    State(platform): State<Arc<Platform>>,
    _: Caller,
    cursor: Cursor<OrganizationId>,
    filter: Filter,
) -> Result<Json<Page<OrganizationBody>>, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let text = filter.text()?;
    let found = store::search::organizations(&mut connection, text, cursor.after, cursor.read()).await?;
    let data = found.into_iter().map(OrganizationBody::from).collect();
    Ok(Json(Page::new(data, cursor.limit)))
}
