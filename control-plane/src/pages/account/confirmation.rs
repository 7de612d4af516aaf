//! Sending the mail that confirms an address once more.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use crate::app::account::confirm_again;
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::see_other;
use crate::platform::Platform;

/// Sends it; to an address that is confirmed none is sent.
///
/// # Errors
/// `too-many`.
pub async fn submit(State(platform): State<Arc<Platform>>, signed: Signed) -> Result<Response, Problem> {
    confirm_again(&platform, &signed.account).await?;
    let told = if signed.account.email_confirmed_at.is_some() { "confirmed" } else { "confirmation-sent" };
    Ok(see_other(&format!("/account?told={told}")))
}
