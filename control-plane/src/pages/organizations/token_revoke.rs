//! Revoking a token.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use domain::Right;
use domain::id::{OrganizationId, TokenId};

use crate::app::token::revoke;
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::{Path, see_other};
use crate::platform::Platform;

/// Revokes it. No password is asked for: who notices a thief is quick.
///
/// # Errors
/// `not-found`.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    Path((organization, token)): Path<(OrganizationId, TokenId)>,
    signed: Signed,
) -> Result<Response, Problem> {
    let member = signed.member(&platform, organization, Right::See)?;
    revoke(&platform, &member, token).await?;
    Ok(see_other(&format!("{}/tokens?told=token-revoked", super::path(organization))))
}
