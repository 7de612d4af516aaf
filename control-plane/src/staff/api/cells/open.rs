//! Changes whether new servers are placed in a cell.

use std::sync::Arc;

use axum::extract::State;
use domain::id::CellId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{CellBody, read};
use crate::api::Json;
use crate::api::etag::IfMatch;
use crate::app::cell;
use crate::error::Problem;
use crate::pages::Path;
use crate::platform::Platform;
use crate::staff::api::Caller;
use crate::staff::api::body::Tagged;

/// Whether new servers are placed there.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenBody {
    /// Whether new servers are placed there.
    open: bool,
}

/// Changes whether new servers are placed in a cell.
#[utoipa::path(
    put, path = "/cells/{cell}/open", tag = "cells", operation_id = "cells_set_open",
    params(("cell" = String, Path), ("If-Match" = String, Header, description = "Its `ETag`, as it was read")), request_body = OpenBody, 
    responses((status = 200, description = "As it is now", body = CellBody)),
    security(("token" = [])),
)]
pub async fn set(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(id): Path<CellId>,
    version: IfMatch,
    Json(input): Json<OpenBody>,
) -> Result<Tagged<CellBody>, Problem> {
    cell::set_open(&platform, &caller.actor(), id, version.0, input.open).await?;
    read(&platform, id).await
}
