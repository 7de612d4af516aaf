//! Pausing a server, and ending that.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use domain::Right;
use serde::Deserialize;

use super::visit;
use crate::app::server::pause;
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::{Form, Path, see_other};
use crate::platform::Platform;

/// The form as it is sent: why, for the others in the organization; may be empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Input {
    reason: String,
}

/// Pauses it.
///
/// # Errors
/// `not-found`, `forbidden`, `wrong-state`.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    signed: Signed,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    let visit = visit(&platform, &signed, &id, Right::Pause, "").await?;
    let reason = pause::reason(&input.reason).map_err(|code| Problem::field("reason", code))?;
    pause::pause(&platform, &signed.actor(), visit.instance.id, reason).await?;
    Ok(see_other(&format!("/servers/{id}")))
}

/// Ends the pause.
///
/// # Errors
/// `not-found`, `forbidden`, `wrong-state`.
pub async fn resume(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    signed: Signed,
) -> Result<Response, Problem> {
    let visit = visit(&platform, &signed, &id, Right::Pause, "").await?;
    pause::resume(&platform, &signed.actor(), visit.instance.id).await?;
    Ok(see_other(&format!("/servers/{id}")))
}
