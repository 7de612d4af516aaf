//! Taking a member out.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use domain::Right;
use domain::id::{AccountId, OrganizationId};

use crate::app::organization::people::remove;
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::{Path, see_other};
use crate::platform::Platform;

/// Takes them out.
///
/// # Errors
/// `not-found`, `forbidden`.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    Path((organization, account)): Path<(OrganizationId, AccountId)>,
    signed: Signed,
) -> Result<Response, Problem> {
    let member = signed.member(&platform, organization, Right::Members)?;
    remove(&platform, &member, account).await?;
    Ok(see_other(&format!("{}?told=member-removed", super::path(organization))))
}
