//! One operation.

use std::sync::Arc;

use axum::extract::State;
use domain::Right;
use domain::id::OperationId;
use domain::scope::Scope;

use super::{OperationBody, find};
use crate::api::{Json, Path, schema};
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;

/// Show an operation
///
/// Ask again every few seconds until `state` is `succeeded`, `failed` or `cancelled`.
#[utoipa::path(
    get, path = "/operations/{operation}", tag = "Operations", operation_id = "operations_show",
    params(("operation" = schema::OperationId, Path)),
    responses((status = 200, description = "How it stands", body = OperationBody)),
    security(("token" = ["instances:read"]), ("session" = [])),
    extensions(("x-right" = json!("see"))),
)]
pub async fn show(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(id): Path<OperationId>,
) -> Result<Json<OperationBody>, Problem> {
    let operation = find(&platform, &caller, id, Scope::InstancesRead, Right::See).await?;
    Ok(Json(OperationBody::of(&platform, &operation)))
}
