//! Stops the server that a report is about, and closes the report.

use std::sync::Arc;

use axum::extract::State;
use domain::id::ReportId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{ReportBody, answer as text, read};
use crate::api::Json;
use crate::app::report;
use crate::error::Problem;
use crate::pages::Path;
use crate::platform::Platform;
use crate::staff::api::Caller;
use crate::staff::api::holds::WishBody;

/// How the server is stopped, and what is written to who reported.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = StaffReportHold)]
#[serde(deny_unknown_fields)]
pub struct HoldBody {
    /// The hold.
    hold: WishBody,
    /// What is written to who reported.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 10_000)]
    answer: Option<String>,
}

/// Stops the server that a report is about, and closes the report.
#[utoipa::path(
    post, path = "/reports/{report}/hold", tag = "reports", operation_id = "reports_hold",
    params(("report" = String, Path)), request_body = HoldBody, 
    responses((status = 200, description = "As it stands now", body = ReportBody)),
    security(("token" = [])),
)]
pub async fn hold(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(id): Path<ReportId>,
    Json(input): Json<HoldBody>,
) -> Result<Json<ReportBody>, Problem> {
    let text = text(input.answer.as_deref())?;
    report::hold(&platform, &caller.actor(), id, &input.hold.wish()?, text.as_ref()).await?;
    Ok(Json(read(&platform, id).await?))
}
