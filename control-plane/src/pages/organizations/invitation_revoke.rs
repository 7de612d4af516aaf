//! Taking an invitation back.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use domain::Right;
use domain::id::{InvitationId, OrganizationId};

use crate::app::organization::invitation::revoke;
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::{Path, see_other};
use crate::platform::Platform;

/// Takes it back.
///
/// # Errors
/// `not-found`, `forbidden`.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    Path((organization, invitation)): Path<(OrganizationId, InvitationId)>,
    signed: Signed,
) -> Result<Response, Problem> {
    let member = signed.member(&platform, organization, Right::Invite)?;
    revoke(&platform, &member, invitation).await?;
    Ok(see_other(&format!("{}?told=invitation-revoked", super::path(organization))))
}
