//! New passwords, and removing accounts.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::Right;
use http::StatusCode;
use names::Handle;

use super::add::Input;
use super::here;
use crate::app::server::user;
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::servers::{Frame, visit};
use crate::pages::{Form, Page, Path, Query, html, see_other};
use crate::platform::Platform;
use crate::store::account_change::Action;

#[derive(Template)]
#[template(path = "servers/user-remove.html")]
struct RemovePage<'a> {
    page: &'a Page,
    frame: &'a Frame,
    handle: &'a str,
}

fn handle(input: &Input) -> Result<Handle, Problem> {
    input.handle.parse().map_err(|_| Problem::field("handle", "handle-form"))
}

/// Asks for a new password of an account. That of the owner needs more than the right to look after people.
///
/// # Errors
/// `not-found`, `forbidden`, `password-needed`, `wrong-state`.
pub async fn reset(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    signed: Signed,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    let visit = here(&platform, &signed, &id, Right::AddUsers).await?;
    let handle = handle(&input)?;
    here(&platform, &signed, &id, user::right(&visit.instance, Action::Reset, &handle)).await?;
    let change = user::change(&platform, &signed.actor(), visit.instance.id, Action::Reset, &handle).await?;
    Ok(see_other(&format!("/servers/{id}/users/{change}")))
}

/// Asks for a new password of the owner, on any server.
///
/// # Errors
/// `not-found`, `forbidden`, `password-needed`, `wrong-state`.
pub async fn reset_owner(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    signed: Signed,
) -> Result<Response, Problem> {
    let visit = visit(&platform, &signed, &id, Right::ResetOwnerLogin, "/login").await?;
    let (id, handle) = (visit.instance.id, visit.instance.owner_handle);
    let change = user::change(&platform, &signed.actor(), id, Action::Reset, &handle).await?;
    Ok(see_other(&format!("/servers/{id}/users/{change}")))
}

/// Whether it is really meant.
///
/// # Errors
/// `not-found`, `forbidden`.
pub async fn ask_remove(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    Query(input): Query<Input>,
    signed: Signed,
) -> Result<Response, Problem> {
    let visit = here(&platform, &signed, &id, Right::Settings).await?;
    let frame = visit.frame(&platform, &signed, "/users").await?;
    let handle = handle(&input)?;
    html(StatusCode::OK, &RemovePage { page: &Page::to(&signed), frame: &frame, handle: handle.as_str() })
}

/// Removes an account.
///
/// # Errors
/// `not-found`, `forbidden`, `wrong-state`.
pub async fn remove(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    signed: Signed,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    let visit = here(&platform, &signed, &id, Right::Settings).await?;
    let change = user::change(&platform, &signed.actor(), visit.instance.id, Action::Remove, &handle(&input)?).await?;
    Ok(see_other(&format!("/servers/{id}/users/{change}")))
}
