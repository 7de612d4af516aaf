//! Changing what visitors read of a server.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use domain::Right;
use domain::id::InstanceId;
use domain::scope::Scope;
use http::header::ETAG;
use serde::Deserialize;
use utoipa::ToSchema;

use super::find;
use crate::api::body::given;
use crate::api::etag::{self, IfMatch};
use crate::api::operations::{Accepted, OperationBody};
use crate::api::{Json, Path, schema};
use crate::app::server::settings::{self, Wish};
use crate::auth::caller::Caller;
use crate::error::{Check, Problem};
use crate::platform::Platform;
use crate::store::instance::Instance;

/// What is changed. What is not there stays; `null` leaves it to the server.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateBody {
    /// The title that visitors read: one line of at most 100 characters.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 100, example = "Birds")]
    title: Option<Option<String>>,
    /// A sentence or two about it: at most 500 characters.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 500, example = "All about birds.")]
    description: Option<Option<String>>,
    /// Where visitors can write to.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, format = "email", example = "ada@birds.example")]
    contact_email: Option<Option<String>>,
}

/// Change a server's settings
///
/// Takes the `ETag` of the server as it was read, so that nobody overwrites what they have not seen.
#[utoipa::path(
    patch, path = "/instances/{instance}", tag = "Servers", operation_id = "instances_update",
    params(
        ("instance" = schema::InstanceId, Path),
        ("If-Match" = schema::Tag, Header),
    ),
    request_body = UpdateBody,
    responses((
        status = 202, description = "The server is being told", body = OperationBody,
        headers(("Location" = String), ("ETag" = String)),
    )),
    security(("token" = ["instances:write"]), ("session" = [])),
    extensions(("x-right" = json!("settings"))),
)]
pub async fn update(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(id): Path<InstanceId>,
    matched: IfMatch,
    Json(body): Json<UpdateBody>,
) -> Result<Response, Problem> {
    let instance = find(&platform, &caller, id, Scope::InstancesWrite, Right::Settings).await?;
    matched.demand(instance.version)?;
    let wish = parse(&instance, body)?;
    let operation = settings::set(&platform, &caller.actor(), id, matched.0, &wish).await?;
    let tag = etag::tag(matched.0 + 1);
    Ok(([(ETAG, tag)], Accepted::of(&platform, operation).await?).into_response())
}

fn parse(instance: &Instance, body: UpdateBody) -> Result<Wish, Problem> {
    let mut check = Check::default();
    let text = |given: Option<Option<String>>| given.map(Option::unwrap_or_default);
    let title = match text(body.title) {
        None => Some(instance.title.clone()),
        Some(text) => check.take("title", settings::title(&text)),
    };
    let description = match text(body.description) {
        None => Some(instance.description.clone()),
        Some(text) => check.take("description", settings::description(&text)),
    };
    let contact = match text(body.contact_email) {
        None => Some(instance.contact_email.clone()),
        Some(text) => check.take("contact_email", settings::contact(&text)),
    };
    match (title, description, contact) {
        (Some(title), Some(description), Some(contact_email)) => Ok(Wish { title, description, contact_email }),
        _ => Err(check.problem()),
    }
}
