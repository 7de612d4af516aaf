//! Changes what is said about a hold.

use std::sync::Arc;

use axum::extract::State;
use domain::id::HoldId;
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{HoldBody, read};
use crate::api::Json;
use crate::api::etag::IfMatch;
use crate::app::server::hold;
use crate::error::Problem;
use crate::pages::Path;
use crate::platform::Platform;
use crate::staff::api::Caller;
use crate::staff::api::body::Tagged;
use crate::staff::prose::prose;

/// What is said about a hold: all of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeBody {
    /// Why, for the owner to read.
    #[schema(min_length = 1, max_length = 1000)]
    reason: String,
    /// When it ends by itself; without it, it does not.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
}

/// Changes what is said about a hold.
#[utoipa::path(
    patch, path = "/holds/{hold}", tag = "holds", operation_id = "holds_update",
    params(("hold" = String, Path), ("If-Match" = String, Header, description = "Its `ETag`, as it was read")), request_body = ChangeBody, 
    responses((status = 200, description = "As it is now", body = HoldBody)),
    security(("token" = [])),
)]
pub async fn update(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(id): Path<HoldId>,
    version: IfMatch,
    Json(input): Json<ChangeBody>,
) -> Result<Tagged<HoldBody>, Problem> {
    let reason = prose("reason", &input.reason)?;
    hold::change(&platform, &caller.actor(), id, version.0, &reason, input.until).await?;
    read(&platform, id).await
}
