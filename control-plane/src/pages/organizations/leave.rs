//! Leaving an organization.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use domain::Right;
use domain::id::OrganizationId;

use crate::app::organization::people::leave;
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::{Path, see_other};
use crate::platform::Platform;

/// Leaves it.
///
/// # Errors
/// `not-found`; `forbidden` for its owner.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    Path(organization): Path<OrganizationId>,
    signed: Signed,
) -> Result<Response, Problem> {
    let member = signed.member(&platform, organization, Right::See)?;
    leave(&platform, &member).await?;
    Ok(see_other("/organizations?told=left"))
}
