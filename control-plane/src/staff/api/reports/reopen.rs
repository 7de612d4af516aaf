//! Takes a closed report up again; a hold that it led to stays.

use std::sync::Arc;

use axum::extract::State;
use domain::id::ReportId;

use super::{ReportBody, read};
use crate::api::Json;
use crate::app::report;
use crate::error::Problem;
use crate::pages::Path;
use crate::platform::Platform;
use crate::staff::api::Caller;

/// Takes a closed report up again; a hold that it led to stays.
#[utoipa::path(
    post, path = "/reports/{report}/reopen", tag = "reports", operation_id = "reports_reopen",
    params(("report" = String, Path)), 
    responses((status = 200, description = "As it stands now", body = ReportBody)),
    security(("token" = [])),
)]
pub async fn reopen(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(id): Path<ReportId>,
) -> Result<Json<ReportBody>, Problem> {
    report::reopen(&platform, &caller.actor(), id).await?;
    Ok(Json(read(&platform, id).await?))
}
