//! Making an organization.

use std::sync::Arc;

use axum::extract::State;
use domain::Role;
use domain::id::OrganizationId;

use super::{NameBody, OrganizationBody};
use crate::api::{BASE, Created, Json, Tagged};
use crate::app::organization::create as carry_out;
use crate::auth::caller::Caller;
use crate::error::{Code, Problem};
use crate::platform::Platform;

/// Make an organization
///
/// Owned by whoever asks: somebody in a browser. A token acts in one organization, and makes no other.
#[utoipa::path(
    post, path = "/organizations", tag = "Organizations", operation_id = "organizations_create",
    request_body = NameBody,
    responses((status = 201, description = "It", body = OrganizationBody, headers(("Location" = String)))),
    security(("session" = [])),
)]
pub async fn create(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Json(body): Json<NameBody>,
) -> Result<Created<OrganizationBody>, Problem> {
    let Caller::Session(signed) = &caller else { return Err(Problem::new(Code::Forbidden)) };
    let id = platform.id(OrganizationId::new)?;
    carry_out(&platform, signed, id, &body.parse()?).await?;
    let Tagged(_, made) = OrganizationBody::read(&platform, id, Role::Owner).await?;
    Ok(Created(format!("{BASE}/organizations/{id}"), made))
}
