//! One instance.

use std::sync::Arc;

use axum::extract::State;
use domain::id::InstanceId;

use super::{InstanceBody, read};
use crate::api::Json;
use crate::error::Problem;
use crate::pages::Path;
use crate::platform::Platform;
use crate::staff::api::Caller;

/// One instance
#[utoipa::path(
    get, path = "/instances/{instance}", tag = "instances", operation_id = "instances_show",
    params(("instance" = String, Path)),
    responses((status = 200, description = "It", body = InstanceBody)),
    security(("token" = [])),
)]
pub async fn show(
    State(platform): State<Arc<Platform>>,
    _: Caller,
    Path(id): Path<InstanceId>,
) -> Result<Json<InstanceBody>, Problem> {
    Ok(Json(read(&platform, id).await?))
}
