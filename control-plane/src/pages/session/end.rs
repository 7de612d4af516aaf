//! Ending one session.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use domain::id::SessionId;

use crate::app::session::end;
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::{Path, see_other};
use crate::platform::Platform;

/// Ends it. Somebody else's is not found and nothing is said about it.
///
/// # Errors
/// When the database refuses.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<SessionId>,
    signed: Signed,
) -> Result<Response, Problem> {
    end(&platform, &signed, id).await?;
    Ok(see_other("/account?told=session-ended"))
}
