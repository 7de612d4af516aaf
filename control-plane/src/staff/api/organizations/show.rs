//! One organization.

use std::sync::Arc;

use axum::extract::State;
use domain::id::OrganizationId;

use super::{OrganizationBody, read};
use crate::error::Problem;
use crate::pages::Path;
use crate::platform::Platform;
use crate::staff::api::Caller;
use crate::staff::api::body::Tagged;

/// One organization
#[utoipa::path(
    get, path = "/organizations/{organization}", tag = "organizations", operation_id = "organizations_show",
    params(("organization" = String, Path)),
    responses((status = 200, description = "It", headers(("ETag" = String)), body = OrganizationBody)),
    security(("token" = [])),
)]
pub async fn show(
    State(platform): State<Arc<Platform>>,
    _: Caller,
    Path(id): Path<OrganizationId>,
) -> Result<Tagged<OrganizationBody>, Problem> {
    read(&platform, id).await
}
