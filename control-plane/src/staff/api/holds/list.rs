//! All holds that were not lifted.

use std::sync::Arc;

use axum::extract::State;
use domain::id::HoldId;

use super::HoldBody;
use crate::api::cursor::Cursor;
use crate::api::{Json, Page};
use crate::error::Problem;
use crate::platform::Platform;
use crate::staff::api::Caller;
use crate::staff::api::filter::Paged;
use crate::store;

/// All holds that were not lifted.
#[utoipa::path(
    get, path = "/holds", tag = "holds", operation_id = "holds_list",
    params(Paged),
    responses((status = 200, description = "A page, newest first", body = Page<HoldBody>)),
    security(("token" = [])),
)]
pub async fn list(
    State(platform): State<Arc<Platform>>,
    _: Caller,
    cursor: Cursor<HoldId>,
) -> Result<Json<Page<HoldBody>>, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let found = store::hold::list(&mut connection, cursor.after, cursor.read()).await?;
    let now = platform.now();
    let data = found.into_iter().map(|entry| HoldBody::of(entry, now)).collect();
    Ok(Json(Page::new(data, cursor.limit)))
}
