//! Changes how much room a cell is granted; with more, those who wait longest are offered places.

use std::sync::Arc;

use axum::extract::State;
use domain::id::CellId;
use names::Size;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{CellBody, read};
use crate::api::Json;
use crate::api::etag::IfMatch;
use crate::app::cell;
use crate::error::{Code, Problem};
use crate::pages::Path;
use crate::platform::Platform;
use crate::staff::api::Caller;
use crate::staff::api::body::Tagged;

/// How much room is granted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantBody {
    /// How many places; null for as many as the cell says.
    #[schema(maximum = 999_999)]
    granted: Option<u32>,
}

/// Changes how much room a cell is granted; with more, those who wait longest are offered places.
#[utoipa::path(
    put, path = "/cells/{cell}/room/{size}", tag = "cells", operation_id = "cells_set_room",
    params(("cell" = String, Path), ("size" = String, Path), ("If-Match" = String, Header, description = "Its `ETag`, as it was read")), request_body = GrantBody, 
    responses((status = 200, description = "As it is now", body = CellBody)),
    security(("token" = [])),
)]
pub async fn set(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path((id, size)): Path<(CellId, String)>,
    version: IfMatch,
    Json(input): Json<GrantBody>,
) -> Result<Tagged<CellBody>, Problem> {
    let size: Size = size.parse().map_err(|_| Problem::new(Code::NotFound))?;
    cell::set_room(&platform, &caller.actor(), id, version.0, size, input.granted).await?;
    read(&platform, id).await
}
