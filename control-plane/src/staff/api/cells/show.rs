//! One cell.

use std::sync::Arc;

use axum::extract::State;
use domain::id::CellId;

use super::{CellBody, read};
use crate::error::Problem;
use crate::pages::Path;
use crate::platform::Platform;
use crate::staff::api::Caller;
use crate::staff::api::body::Tagged;

/// One cell
#[utoipa::path(
    get, path = "/cells/{cell}", tag = "cells", operation_id = "cells_show",
    params(("cell" = String, Path)),
    responses((status = 200, description = "It", headers(("ETag" = String)), body = CellBody)),
    security(("token" = [])),
)]
pub async fn show(
    State(platform): State<Arc<Platform>>,
    _: Caller,
    Path(id): Path<CellId>,
) -> Result<Tagged<CellBody>, Problem> {
    read(&platform, id).await
}
