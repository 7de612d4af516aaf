//! Who is invited to an organization.

use std::sync::Arc;

use axum::extract::State;
use domain::id::{InvitationId, OrganizationId};
use domain::scope::Scope;
use domain::{Right, Role};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::cursor::Cursor;
use crate::api::{Json, Page, Path, schema};
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;
use crate::store;
use crate::store::invitation::Invitation;

/// An invitation that nobody has accepted yet.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvitationBody {
    #[schema(value_type = schema::InvitationId)]
    pub(super) id: InvitationId,
    #[schema(example = "grace@birds.example")]
    pub(super) email: String,
    #[schema(value_type = schema::Role)]
    pub(super) role: Role,
    /// Until when the link in the mail works.
    pub(super) expires_at: Timestamp,
}

impl From<Invitation> for InvitationBody {
    fn from(invitation: Invitation) -> Self {
        let Invitation { id, email, role, expires_at, .. } = invitation;
        Self { id, email: email.to_string(), role, expires_at }
    }
}

/// List invitations
///
/// Those that nobody has accepted yet and that still work, the newest first.
#[utoipa::path(
    get, path = "/organizations/{organization}/invitations", tag = "Organizations", operation_id = "invitations_list",
    params(
        ("organization" = schema::OrganizationId, Path),
        ("limit" = schema::Limit, Query),
        ("starting_after" = schema::InvitationId, Query, description = "The last one of the page before"),
    ),
    responses((status = 200, description = "A page of them", body = Page<InvitationBody>)),
    security(("token" = ["organization:write"]), ("session" = [])),
    extensions(("x-right" = json!("invite"))),
)]
pub async fn list(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(organization): Path<OrganizationId>,
    cursor: Cursor<InvitationId>,
) -> Result<Json<Page<InvitationBody>>, Problem> {
    caller.demand(&platform, organization, Scope::OrganizationWrite, Right::Invite)?;
    let mut connection = platform.pool.acquire().await?;
    let open = store::invitation::open(&mut connection, organization, platform.now()).await?;
    Ok(Json(cursor.page_of(open.into_iter().map(InvitationBody::from), |one| &one.id)))
}
