//! A bundle's own key, for the one time that it is shown.

use std::sync::Arc;

use axum::extract::State;
use domain::Right;
use domain::id::{ExportId, InstanceId};
use http::StatusCode;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use utoipa::ToSchema;

use super::{find, signed};
use crate::api::body::Once;
use crate::api::{Path, schema};
use crate::app::{download, export as app};
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;

/// A bundle's own key.
#[derive(Serialize, ToSchema)]
pub struct KeyBody {
    /// An identity of age: `age --decrypt --identity FILE` reads the bundle's parts with it.
    identity: String,
}

/// Claim a bundle's own key
///
/// It is in this answer and nowhere else any more; it can be asked for again.
#[utoipa::path(
    post, path = "/instances/{instance}/exports/{export}/key/claim", tag = "Exports", operation_id = "export_key_claim",
    params(("instance" = schema::InstanceId, Path), ("export" = schema::ExportId, Path)),
    responses(
        (status = 200, description = "The key", body = KeyBody),
        (status = 410, description = "`shown-once`: it was shown, or was not asked for"),
    ),
    security(("session" = [])),
    extensions(("x-right" = json!("download"))),
)]
pub async fn claim(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path((id, export)): Path<(InstanceId, ExportId)>,
) -> Result<Once<KeyBody>, Problem> {
    let (instance, export) = find(&platform, &caller, id, export, Right::See).await?;
    download::check(&platform, signed(&caller)?, instance.organization)?;
    let key = app::show_key(&platform, &caller.actor(), &export).await?;
    Ok(Once(StatusCode::OK, KeyBody { identity: key.expose_secret().to_owned() }))
}
