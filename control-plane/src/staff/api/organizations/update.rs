//! Changes how many servers an organization may have.

use std::sync::Arc;

use axum::extract::State;
use domain::id::OrganizationId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{OrganizationBody, read};
use crate::api::Json;
use crate::api::etag::IfMatch;
use crate::app::organization::limit;
use crate::error::Problem;
use crate::pages::Path;
use crate::platform::Platform;
use crate::staff::api::Caller;
use crate::staff::api::body::Tagged;

/// How many servers an organization may have.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitBody {
    /// How many servers it may have; those that are there stay.
    #[schema(maximum = 10000)]
    server_limit: u32,
}

/// Changes how many servers an organization may have.
#[utoipa::path(
    patch, path = "/organizations/{organization}", tag = "organizations", operation_id = "organizations_update",
    params(("organization" = String, Path), ("If-Match" = String, Header, description = "Its `ETag`, as it was read")), request_body = LimitBody, 
    responses((status = 200, description = "As it is now", body = OrganizationBody)),
    security(("token" = [])),
)]
pub async fn update(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(id): Path<OrganizationId>,
    version: IfMatch,
    Json(input): Json<LimitBody>,
) -> Result<Tagged<OrganizationBody>, Problem> {
    limit::set(&platform, &caller.actor(), id, version.0, input.server_limit).await?;
    read(&platform, id).await
}
