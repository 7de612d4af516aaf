//! One server.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use domain::Right;
use domain::id::InstanceId;
use domain::scope::Scope;
use http::header::ETAG;

use super::{InstanceBody, find};
use crate::api::{Json, Path, etag, schema};
use crate::app::server::standing::facts;
use crate::auth::caller::Caller;
use crate::error::{Code, Problem};
use crate::platform::Platform;

/// Show a server
#[utoipa::path(
    get, path = "/instances/{instance}", tag = "Servers", operation_id = "instances_show",
    params(("instance" = schema::InstanceId, Path)),
    responses((
        status = 200, description = "How it stands", body = InstanceBody,
        headers(("ETag" = String, description = "Its version, for `If-Match` when it is changed")),
    )),
    security(("token" = ["instances:read"]), ("session" = [])),
    extensions(("x-right" = json!("see"))),
)]
pub async fn show(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(id): Path<InstanceId>,
) -> Result<Response, Problem> {
    let instance = find(&platform, &caller, id, Scope::InstancesRead, Right::See).await?;
    let mut connection = platform.pool.acquire().await?;
    let known = facts(&mut connection, std::slice::from_ref(&instance), platform.now()).await?;
    let known = known.first().ok_or(Problem::new(Code::NotFound))?;
    let tag = etag::tag(instance.version);
    Ok(([(ETAG, tag)], Json(InstanceBody::of(instance, known))).into_response())
}
