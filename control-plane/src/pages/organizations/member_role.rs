//! Changing what a member is.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use domain::id::{AccountId, OrganizationId};
use domain::{Right, Role};
use serde::Deserialize;

use crate::app::organization::people::set_role;
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::{Form, Path, see_other};
use crate::platform::Platform;

/// The form as it is sent.
#[derive(Debug, Deserialize)]
pub struct Input {
    role: Role,
}

/// Changes it.
///
/// # Errors
/// `not-found`, `forbidden`.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    Path((organization, account)): Path<(OrganizationId, AccountId)>,
    signed: Signed,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    let member = signed.member(&platform, organization, Right::Members)?;
    set_role(&platform, &member, account, input.role).await?;
    Ok(see_other(&format!("{}?told=role-changed", super::path(organization))))
}
