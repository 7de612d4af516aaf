//! Asking for a bundle's own key.

use std::sync::Arc;

use axum::extract::State;
use domain::Right;
use domain::id::{ExportId, InstanceId};

use super::{find, signed};
use crate::api::operations::{Accepted, OperationBody};
use crate::api::{Path, schema};
use crate::app::{download, export as app};
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;

/// Ask for a bundle's own key
///
/// What opens a bundle is as much as the bundle: the same rules hold as for its download. When the bundle's `key` is `here`, it
/// can be claimed.
#[utoipa::path(
    post, path = "/instances/{instance}/exports/{export}/key/ask", tag = "Exports", operation_id = "export_key_ask",
    params(("instance" = schema::InstanceId, Path), ("export" = schema::ExportId, Path)),
    responses((status = 202, description = "It is on its way", body = OperationBody, headers(("Location" = String)))),
    security(("session" = [])),
    extensions(("x-right" = json!("download"))),
)]
pub async fn ask(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path((id, export)): Path<(InstanceId, ExportId)>,
) -> Result<Accepted, Problem> {
    let (instance, export) = find(&platform, &caller, id, export, Right::See).await?;
    download::check(&platform, signed(&caller)?, instance.organization)?;
    Accepted::of(&platform, app::ask_key(&platform, &caller.actor(), &export).await?).await
}
