//! All servers.

use std::sync::Arc;

use axum::extract::State;
use domain::id::InstanceId;

use super::{InstanceBody, bodies};
use crate::api::cursor::Cursor;
use crate::api::{Json, Page};
use crate::error::Problem;
use crate::platform::Platform;
use crate::staff::api::Caller;
use crate::staff::api::filter::{Filter, Paged};
use crate::store;

/// All servers.
#[utoipa::path(
    get, path = "/instances", tag = "instances", operation_id = "instances_list",
    params(Paged, ("q" = Option<String>, Query, description = "Only those with this in their name"), ("cell" = Option<String>, Query, description = "Only those in the cell of this name")),
    responses((status = 200, description = "A page, newest first", body = Page<InstanceBody>)),
    security(("token" = [])),
)]
pub async fn list(
    State(platform): State<Arc<Platform>>,
    _: Caller,
    cursor: Cursor<InstanceId>,
    filter: Filter,
) -> Result<Json<Page<InstanceBody>>, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let (text, cell) = (filter.text()?, filter.cell()?);
    let found = store::search::instances(&mut connection, text, cell, cursor.after, cursor.read()).await?;
    let instances = store::search::with_ids(&mut connection, &found).await?;
    let data = bodies(&platform, &mut connection, &instances).await?;
    Ok(Json(Page::new(data, cursor.limit)))
}
