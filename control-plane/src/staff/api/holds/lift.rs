//! Lifts a hold; others on the server stay.

use std::sync::Arc;

use axum::extract::State;
use domain::id::HoldId;

use super::{HoldBody, read};
use crate::app::server::hold;
use crate::error::Problem;
use crate::pages::Path;
use crate::platform::Platform;
use crate::staff::api::Caller;
use crate::staff::api::body::Tagged;

/// Lifts a hold; others on the server stay.
#[utoipa::path(
    post, path = "/holds/{hold}/lift", tag = "holds", operation_id = "holds_lift",
    params(("hold" = String, Path)), 
    responses((status = 200, description = "As it is now", body = HoldBody)),
    security(("token" = [])),
)]
pub async fn lift(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(id): Path<HoldId>,
) -> Result<Tagged<HoldBody>, Problem> {
    hold::lift(&platform, &caller.actor(), id, None).await?;
    read(&platform, id).await
}
