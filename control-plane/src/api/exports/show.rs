//! One bundle.

use std::sync::Arc;

use axum::extract::State;
use domain::Right;
use domain::id::{ExportId, InstanceId};

use super::{ExportBody, find};
use crate::api::{Json, Path, schema};
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;

/// Show a bundle
#[utoipa::path(
    get, path = "/instances/{instance}/exports/{export}", tag = "Exports", operation_id = "exports_show",
    params(("instance" = schema::InstanceId, Path), ("export" = schema::ExportId, Path)),
    responses((status = 200, description = "How it stands", body = ExportBody)),
    security(("token" = ["exports:read"]), ("session" = [])),
    extensions(("x-right" = json!("see"))),
)]
pub async fn show(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path((id, export)): Path<(InstanceId, ExportId)>,
) -> Result<Json<ExportBody>, Problem> {
    let (_, export) = find(&platform, &caller, id, export, Right::See).await?;
    Ok(Json(ExportBody::from(&export)))
}
