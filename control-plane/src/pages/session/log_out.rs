//! Logging out.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum_extra::extract::CookieJar;

use crate::app::login::log_out;
use crate::auth::signed::{Signed, removal};
use crate::error::Problem;
use crate::pages::see_other;
use crate::platform::Platform;

/// Ends the session of this browser.
///
/// # Errors
/// When the database refuses.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    signed: Option<Signed>,
    jar: CookieJar,
) -> Result<Response, Problem> {
    if let Some(signed) = signed {
        log_out(&platform, &signed.actor(), &signed.session).await?;
    }
    Ok((jar.add(removal()), see_other("/?told=logged-out")).into_response())
}
