//! What was done to accounts on a server.

use std::sync::Arc;

use axum::extract::State;
use domain::Right;
use domain::id::{AccountChangeId, InstanceId};
use domain::scope::Scope;

use super::ChangeBody;
use crate::api::cursor::Cursor;
use crate::api::{Json, Page, Path, instances, schema};
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;
use crate::store;

/// List changes to accounts
///
/// Newest first.
#[utoipa::path(
    get, path = "/instances/{instance}/user-changes", tag = "Users", operation_id = "user_changes_list",
    params(
        ("instance" = schema::InstanceId, Path),
        ("limit" = schema::Limit, Query),
        ("starting_after" = schema::ChangeId, Query, description = "The last one of the page before"),
    ),
    responses((status = 200, description = "A page of them", body = Page<ChangeBody>)),
    security(("token" = ["instances:write"]), ("session" = [])),
    extensions(("x-right" = json!("add-users"))),
)]
pub async fn list(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(id): Path<InstanceId>,
    cursor: Cursor<AccountChangeId>,
) -> Result<Json<Page<ChangeBody>>, Problem> {
    instances::find(&platform, &caller, id, Scope::InstancesWrite, Right::AddUsers).await?;
    let mut connection = platform.pool.acquire().await?;
    let found = store::account_change::page_of(&mut connection, id, cursor.after, cursor.read()).await?;
    Ok(Json(Page::new(found.iter().map(ChangeBody::from).collect(), cursor.limit)))
}
