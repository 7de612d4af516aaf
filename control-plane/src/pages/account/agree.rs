//! Agreeing to terms that are newer than the account.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use crate::app::account::profile;
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::{Form, see_other};
use crate::platform::Platform;
use crate::store::terms::Terms;

/// The form as it is sent: the versions that were shown.
#[derive(Debug, Deserialize)]
pub struct Input {
    terms: String,
    processing: String,
}

/// Agrees to them.
///
/// # Errors
/// `invalid` when they have changed again.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    signed: Signed,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    let terms = Terms { terms: input.terms, processing: input.processing };
    profile::agree(&platform, &signed.actor(), &signed.account, &terms).await?;
    Ok(see_other("/account?told=agreed"))
}
