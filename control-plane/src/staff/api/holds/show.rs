//! One hold.

use std::sync::Arc;

use axum::extract::State;
use domain::id::HoldId;

use super::{HoldBody, read};
use crate::error::Problem;
use crate::pages::Path;
use crate::platform::Platform;
use crate::staff::api::Caller;
use crate::staff::api::body::Tagged;

/// One hold
#[utoipa::path(
    get, path = "/holds/{hold}", tag = "holds", operation_id = "holds_show",
    params(("hold" = String, Path)),
    responses((status = 200, description = "It", headers(("ETag" = String)), body = HoldBody)),
    security(("token" = [])),
)]
pub async fn show(
    State(platform): State<Arc<Platform>>,
    _: Caller,
    Path(id): Path<HoldId>,
) -> Result<Tagged<HoldBody>, Problem> {
    read(&platform, id).await
}
