//! Logging out: ends the session and all its tokens.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum_extra::extract::CookieJar;

use crate::app::staff::log_out;
use crate::auth::staff::{StaffSigned, removal};
use crate::error::Problem;
use crate::pages::see_other;
use crate::platform::Platform;

/// Ends the session of this browser.
///
/// # Errors
/// When the database refuses.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    signed: StaffSigned,
    jar: CookieJar,
) -> Result<Response, Problem> {
    log_out(&platform, &signed).await?;
    Ok((jar.add(removal()), see_other("/log-in")).into_response())
}
