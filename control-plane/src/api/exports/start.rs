//! Asking for a bundle.

use std::sync::Arc;

use axum::extract::State;
use domain::Right;
use domain::id::InstanceId;
use domain::scope::Scope;

use crate::api::operations::{Accepted, OperationBody};
use crate::api::{Path, instances, schema};
use crate::app::export::start as carry_out;
use crate::auth::caller::Caller;
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::store;

/// Start an export
///
/// In whatever mode the server is. It is stopped for a moment while it is copied. The operation names the bundle.
#[utoipa::path(
    post, path = "/instances/{instance}/exports", tag = "Exports", operation_id = "exports_start",
    params(("instance" = schema::InstanceId, Path)),
    responses((status = 202, description = "It is being made", body = OperationBody, headers(("Location" = String)))),
    security(("token" = ["exports:write"]), ("session" = [])),
    extensions(("x-right" = json!("export"))),
)]
pub async fn start(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(id): Path<InstanceId>,
) -> Result<Accepted, Problem> {
    instances::find(&platform, &caller, id, Scope::ExportsWrite, Right::Export).await?;
    let export = carry_out(&platform, &caller.actor(), id).await?;
    let mut connection = platform.pool.acquire().await?;
    let export = store::export::find(&mut connection, export).await?;
    drop(connection);
    let operation = export.and_then(|export| export.operation).ok_or(Problem::new(Code::NotFound))?;
    Accepted::of(&platform, operation).await
}
