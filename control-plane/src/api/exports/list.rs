//! The bundles of a server.

use std::sync::Arc;

use axum::extract::State;
use domain::Right;
use domain::id::{ExportId, InstanceId};
use domain::scope::Scope;

use super::ExportBody;
use crate::api::cursor::Cursor;
use crate::api::{Json, Page, Path, instances, schema};
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;
use crate::store;

/// List bundles
///
/// Newest first, nightly ones among them.
#[utoipa::path(
    get, path = "/instances/{instance}/exports", tag = "Exports", operation_id = "exports_list",
    params(
        ("instance" = schema::InstanceId, Path),
        ("limit" = schema::Limit, Query),
        ("starting_after" = schema::ExportId, Query, description = "The last one of the page before"),
    ),
    responses((status = 200, description = "A page of them", body = Page<ExportBody>)),
    security(("token" = ["exports:read"]), ("session" = [])),
    extensions(("x-right" = json!("see"))),
)]
pub async fn list(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(id): Path<InstanceId>,
    cursor: Cursor<ExportId>,
) -> Result<Json<Page<ExportBody>>, Problem> {
    instances::find(&platform, &caller, id, Scope::ExportsRead, Right::See).await?;
    let mut connection = platform.pool.acquire().await?;
    let found = store::export::page_of(&mut connection, id, cursor.after, cursor.read()).await?;
    Ok(Json(Page::new(found.iter().map(ExportBody::from).collect(), cursor.limit)))
}
