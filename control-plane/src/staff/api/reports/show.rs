//! One report.

use std::sync::Arc;

use axum::extract::State;
use domain::id::ReportId;

use super::{ReportBody, read};
use crate::api::Json;
use crate::error::Problem;
use crate::pages::Path;
use crate::platform::Platform;
use crate::staff::api::Caller;

/// One report
#[utoipa::path(
    get, path = "/reports/{report}", tag = "reports", operation_id = "reports_show",
    params(("report" = String, Path)),
    responses((status = 200, description = "It", body = ReportBody)),
    security(("token" = [])),
)]
pub async fn show(
    State(platform): State<Arc<Platform>>,
    _: Caller,
    Path(id): Path<ReportId>,
) -> Result<Json<ReportBody>, Problem> {
    Ok(Json(read(&platform, id).await?))
}
