//! The key to which bundles are encrypted.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bundle::seal::Recipient;
use domain::Right;
use domain::id::InstanceId;
use domain::scope::Scope;
use http::header::ETAG;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::etag::{self, IfMatch};
use crate::api::operations::{Accepted, OperationBody};
use crate::api::{Json, Path, instances, schema};
use crate::app::server::settings::set_recipient;
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;

/// Somebody's public key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecipientBody {
    /// A public key of age, `age1…`; `null` gives each bundle a key of its own.
    #[schema(required = true, example = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p")]
    #[serde(deserialize_with = "Option::deserialize")]
    recipient: Option<String>,
}

/// Set the recipient of bundles
///
/// From the next bundle on. Takes the `ETag` of the server as it was read.
#[utoipa::path(
    put, path = "/instances/{instance}/export-recipient", tag = "Exports", operation_id = "export_recipient_set",
    params(("instance" = schema::InstanceId, Path), ("If-Match" = schema::Tag, Header)),
    request_body = RecipientBody,
    responses((
        status = 202, description = "The server is being told", body = OperationBody,
        headers(("Location" = String), ("ETag" = String)),
    )),
    security(("token" = ["instances:write"]), ("session" = [])),
    extensions(("x-right" = json!("settings"))),
)]
pub async fn set(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(id): Path<InstanceId>,
    matched: IfMatch,
    Json(body): Json<RecipientBody>,
) -> Result<Response, Problem> {
    instances::find(&platform, &caller, id, Scope::InstancesWrite, Right::Settings).await?;
    let recipient = body.recipient.as_deref().map(str::trim).map(str::parse::<Recipient>).transpose();
    let recipient = recipient.map_err(|_| Problem::field("recipient", "recipient-form"))?;
    let operation = set_recipient(&platform, &caller.actor(), id, matched.0, recipient.as_ref()).await?;
    Ok(([(ETAG, etag::tag(matched.0 + 1))], Accepted::of(&platform, operation).await?).into_response())
}
