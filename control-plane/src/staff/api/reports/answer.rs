//! Answers who reported it, by mail.

use std::sync::Arc;

use axum::extract::State;
use domain::id::ReportId;

use super::{AnswerBody, ReportBody, read};
use crate::api::Json;
use crate::app::report;
use crate::error::Problem;
use crate::pages::Path;
use crate::platform::Platform;
use crate::staff::api::Caller;
use crate::staff::prose::prose;

/// Answers who reported it, by mail.
#[utoipa::path(
    post, path = "/reports/{report}/answer", tag = "reports", operation_id = "reports_answer",
    params(("report" = String, Path)), request_body = AnswerBody, 
    responses((status = 200, description = "As it stands now", body = ReportBody)),
    security(("token" = [])),
)]
pub async fn answer(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(id): Path<ReportId>,
    Json(input): Json<AnswerBody>,
) -> Result<Json<ReportBody>, Problem> {
    report::answer(&platform, &caller.actor(), id, &prose("answer", &input.answer)?).await?;
    Ok(Json(read(&platform, id).await?))
}
