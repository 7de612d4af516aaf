//! All cells.

use std::sync::Arc;

use axum::extract::State;

use super::CellBody;
use crate::api::{Json, Page};
use crate::error::Problem;
use crate::platform::Platform;
use crate::staff::api::Caller;
use crate::store;

/// All cells, by name
#[utoipa::path(
    get, path = "/cells", tag = "cells", operation_id = "cells_list",
    responses((status = 200, description = "All of them", body = Page<CellBody>)),
    security(("token" = [])),
)]
pub async fn list(State(platform): State<Arc<Platform>>, _: Caller) -> Result<Json<Page<CellBody>>, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let rooms = store::cell::rooms(&mut connection).await?;
    let cells = store::cell::all(&mut connection).await?;
    let data = cells.into_iter().map(|cell| CellBody::of(cell, &rooms)).collect();
    Ok(Json(Page { data, has_more: false }))
}
