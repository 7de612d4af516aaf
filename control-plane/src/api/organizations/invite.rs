//! Inviting somebody.

use std::sync::Arc;

use axum::extract::State;
use domain::id::OrganizationId;
use domain::scope::Scope;
use domain::{Email, Right, Role};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::invitations::InvitationBody;
use crate::api::{Json, Path, schema};
use crate::app::organization::invitation;
use crate::auth::caller::Caller;
use crate::error::{Check, Problem};
use crate::platform::Platform;

/// Who is invited, and as what.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteBody {
    /// Where they read mail.
    #[schema(example = "grace@birds.example", format = "email")]
    email: String,
    /// Below that of whoever invites.
    #[schema(value_type = schema::Role)]
    role: String,
}

/// Invite somebody
///
/// They are mailed a link. Whether the address has an account shows nowhere.
#[utoipa::path(
    post, path = "/organizations/{organization}/invitations", tag = "Organizations", operation_id = "members_invite",
    params(("organization" = schema::OrganizationId, Path)),
    request_body = InviteBody,
    responses((status = 201, description = "It is on its way", body = InvitationBody)),
    security(("token" = ["organization:write"]), ("session" = [])),
    extensions(("x-right" = json!("invite"))),
)]
pub async fn invite(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path(organization): Path<OrganizationId>,
    Json(body): Json<InviteBody>,
) -> Result<(StatusCode, Json<InvitationBody>), Problem> {
    let member = caller.demand(&platform, organization, Scope::OrganizationWrite, Right::Invite)?;
    let mut check = Check::default();
    let email = check.take("email", body.email.parse::<Email>().map_err(|error| error.code()));
    let role = check.take("role", body.role.parse::<Role>().map_err(|_| "role-unknown"));
    let (email, role) = email.zip(role).ok_or_else(|| check.problem())?;
    let sent = invitation::invite(&platform, caller.request(), &member, &email, role).await?;
    let invitation = InvitationBody { id: sent.id, email: email.to_string(), role, expires_at: sent.expires_at };
    Ok((StatusCode::CREATED, Json(invitation)))
}
