//! Taking an offered place.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use domain::Right;

use super::find;
use crate::app::order::accept;
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::{Path, see_other};
use crate::platform::Platform;

/// Takes it.
///
/// # Errors
/// `not-found`, `forbidden`, `wrong-state`.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    signed: Signed,
) -> Result<Response, Problem> {
    let order = find(&platform, &signed, &id, Right::Order).await?;
    accept(&platform, &signed.actor(), order.id).await?;
    Ok(see_other(&format!("/orders/{}", order.id)))
}
