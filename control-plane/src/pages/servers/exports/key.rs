//! A bundle's own key: asked for, and shown once.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use domain::Right;
use secrecy::ExposeSecret as _;

use super::find;
use super::one::{back, page};
use crate::app::{download, export};
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::servers::visit;
use crate::pages::{Path, see_other};
use crate::platform::Platform;

/// Asks for it. What opens a bundle is as much as the bundle: the same rules hold.
///
/// # Errors
/// `not-found`, `forbidden`, `password-needed`, `download-paused`, `wrong-state`.
pub async fn ask(
    State(platform): State<Arc<Platform>>,
    Path((id, bundle)): Path<(String, String)>,
    signed: Signed,
) -> Result<Response, Problem> {
    let visit = visit(&platform, &signed, &id, Right::See, "/exports").await?;
    let found = find(&platform, &visit, &bundle).await?;
    download::check(&platform, &signed, visit.instance.organization)
        .map_err(|problem| back(problem, &visit, &found))?;
    export::ask_key(&platform, &signed.actor(), &found).await?;
    Ok(see_other(&format!("/servers/{id}/exports/{}", found.id)))
}

/// Shows it. It is in this answer and nowhere else any more.
///
/// # Errors
/// `shown-once`, and as above.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    Path((id, bundle)): Path<(String, String)>,
    signed: Signed,
) -> Result<Response, Problem> {
    let visit = visit(&platform, &signed, &id, Right::See, "/exports").await?;
    let found = find(&platform, &visit, &bundle).await?;
    download::check(&platform, &signed, visit.instance.organization)
        .map_err(|problem| back(problem, &visit, &found))?;
    let key = export::show_key(&platform, &signed.actor(), &found).await?;
    let found = find(&platform, &visit, &bundle).await?;
    page(&platform, &signed, &visit, &found, Some(key.expose_secret())).await
}
