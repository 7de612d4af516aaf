//! Taking an invitation back.

use std::sync::Arc;

use axum::extract::State;
use domain::Right;
use domain::id::{InvitationId, OrganizationId};
use domain::scope::Scope;
use http::StatusCode;

use crate::api::{Path, schema};
use crate::app::organization::invitation::revoke as carry_out;
use crate::auth::caller::Caller;
use crate::error::Problem;
use crate::platform::Platform;

/// Take an invitation back
///
/// The link in the mail stops working. Only for a role below the caller's own.
#[utoipa::path(
    delete, path = "/organizations/{organization}/invitations/{invitation}", tag = "Organizations",
    operation_id = "invitations_revoke",
    params(("organization" = schema::OrganizationId, Path), ("invitation" = schema::InvitationId, Path)),
    responses((status = 204, description = "It works no more")),
    security(("token" = ["organization:write"]), ("session" = [])),
    extensions(("x-right" = json!("invite"))),
)]
pub async fn revoke(
    State(platform): State<Arc<Platform>>,
    caller: Caller,
    Path((organization, invitation)): Path<(OrganizationId, InvitationId)>,
) -> Result<StatusCode, Problem> {
    let member = caller.demand(&platform, organization, Scope::OrganizationWrite, Right::Invite)?;
    carry_out(&platform, &member, invitation).await?;
    Ok(StatusCode::NO_CONTENT)
}
