//! All reports.

use std::sync::Arc;

use axum::extract::State;
use domain::id::ReportId;

use super::ReportBody;
use crate::api::cursor::Cursor;
use crate::api::{Json, Page};
use crate::error::Problem;
use crate::platform::Platform;
use crate::staff::api::Caller;
use crate::staff::api::filter::{Filter, Paged};
use crate::staff::reports::STATES;
use crate::store;

/// All reports.
#[utoipa::path(
    get, path = "/reports", tag = "reports", operation_id = "reports_list",
    params(Paged, ("state" = Option<String>, Query, description = "Only those in this state")),
    responses((status = 200, description = "A page, newest first", body = Page<ReportBody>)),
    security(("token" = [])),
)]
pub async fn list(
    State(platform): State<Arc<Platform>>,
    _: Caller,
    cursor: Cursor<ReportId>,
    filter: Filter,
) -> Result<Json<Page<ReportBody>>, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let state = filter.state(STATES)?;
    let found = store::report::list(&mut connection, state, cursor.after, cursor.read()).await?;
    let data = found.into_iter().map(ReportBody::from).collect();
    Ok(Json(Page::new(data, cursor.limit)))
}
