//! Places a hold on a server.

use std::sync::Arc;

use axum::extract::State;
use domain::id::InstanceId;

use crate::api::Json;
use crate::app::server::hold;
use crate::error::Problem;
use crate::pages::Path;
use crate::platform::Platform;
use crate::staff::api::Caller;
use crate::staff::api::body::{Made, Tagged};
use crate::staff::api::holds::{HoldBody, WishBody, read};

/// Places a hold on a server.
#[utoipa::path(
    post, path = "/instances/{instance}/holds", tag = "instances", operation_id = "instances_hold",
    params(("instance" = String, Path)), request_body = WishBody, 
    responses((status = 201, description = "The hold", body = HoldBody)),
    security(("token" = [])),
)]
pub async fn place(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(id): Path<InstanceId>,
    Json(input): Json<WishBody>,
) -> Result<Made<HoldBody>, Problem> {
    let hold = hold::place(&platform, &caller.actor(), id, &input.wish()?).await?;
    let Tagged(_, body) = read(&platform, hold).await?;
    Ok(Made(format!("/v1/staff/holds/{hold}"), body))
}
