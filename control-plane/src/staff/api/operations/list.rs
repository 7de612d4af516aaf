//! All operations.

use std::sync::Arc;

use axum::extract::State;
use domain::id::OperationId;

use super::OperationBody;
use crate::api::cursor::Cursor;
use crate::api::{Json, Page};
use crate::error::Problem;
use crate::platform::Platform;
use crate::staff::api::Caller;
use crate::staff::api::filter::{Filter, Paged};
use crate::staff::operations::STATES;
use crate::store;

/// All operations.
#[utoipa::path(
    get, path = "/operations", tag = "operations", operation_id = "operations_list",
    params(Paged, ("state" = Option<String>, Query, description = "Only those in this state; `failed` ones were given up, `open` ones have not ended")),
    responses((status = 200, description = "A page, newest first", body = Page<OperationBody>)),
    security(("token" = [])),
)]
pub async fn list(
    State(platform): State<Arc<Platform>>,
    _: Caller,
    cursor: Cursor<OperationId>,
    filter: Filter,
) -> Result<Json<Page<OperationBody>>, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let state = filter.state(STATES)?;
    let found = store::search::operations(&mut connection, state, cursor.after, cursor.read()).await?;
    let data = found.into_iter().map(OperationBody::from).collect();
    Ok(Json(Page::new(data, cursor.limit)))
}
