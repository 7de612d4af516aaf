//! Closes a report; nothing is done to the server.

use std::sync::Arc;

use axum::extract::State;
use domain::id::ReportId;

use super::{DismissBody, ReportBody, answer as text, read};
use crate::api::Json;
use crate::app::report;
use crate::error::Problem;
use crate::pages::Path;
use crate::platform::Platform;
use crate::staff::api::Caller;

/// Closes a report; nothing is done to the server.
#[utoipa::path(
    post, path = "/reports/{report}/dismiss", tag = "reports", operation_id = "reports_dismiss",
    params(("report" = String, Path)), request_body = DismissBody, 
    responses((status = 200, description = "As it stands now", body = ReportBody)),
    security(("token" = [])),
)]
pub async fn dismiss(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(id): Path<ReportId>,
    Json(input): Json<DismissBody>,
) -> Result<Json<ReportBody>, Problem> {
    let text = text(input.answer.as_deref())?;
    report::dismiss(&platform, &caller.actor(), id, text.as_ref()).await?;
    Ok(Json(read(&platform, id).await?))
}
