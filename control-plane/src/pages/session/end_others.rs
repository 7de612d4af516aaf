//! Ending all other sessions.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use crate::app::session::end_others;
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::see_other;
use crate::platform::Platform;

/// Ends them.
///
/// # Errors
/// When the database refuses.
pub async fn submit(State(platform): State<Arc<Platform>>, signed: Signed) -> Result<Response, Problem> {
    end_others(&platform, &signed).await?;
    Ok(see_other("/account?told=sessions-ended"))
}
