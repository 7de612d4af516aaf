//! Closing a server: what it means, whether it is really meant, and the way back.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::Right;
use domain::closing::{Closing, Consequences};
use http::StatusCode;
use serde::Deserialize;

use super::{Frame, visit};
use crate::app::server::closing;
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::{Form, Page, Path, html, see_other};
use crate::platform::Platform;

/// The form as it is sent: the server's name.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Input {
    typed: String,
}

#[derive(Template)]
#[template(path = "servers/close.html")]
struct ClosePage<'a> {
    page: &'a Page,
    frame: &'a Frame,
    means: Consequences,
    input: &'a Input,
    problem: Option<&'a Problem>,
}

/// What it means.
///
/// # Errors
/// `not-found`, `forbidden`, `password-needed`.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    signed: Signed,
) -> Result<Response, Problem> {
    let visit = visit(&platform, &signed, &id, Right::Close, "/close").await?;
    let frame = visit.frame(&platform, &signed, "/settings").await?;
    page(&platform, &signed, &frame, &Input::default(), None)
}

/// Closes it, or says what is wrong.
///
/// # Errors
/// `not-found`, `forbidden`, `password-needed`, and what cannot be put right in the form.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    signed: Signed,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    let visit = visit(&platform, &signed, &id, Right::Close, "/close").await?;
    match closing::close(&platform, &signed.actor(), visit.instance.id, &input.typed).await {
        Ok(_) => Ok(see_other(&format!("/servers/{id}"))),
        Err(problem) if problem.is_about_input() => {
            let frame = visit.frame(&platform, &signed, "/settings").await?;
            page(&platform, &signed, &frame, &input, Some(&problem))
        }
        Err(problem) => Err(problem),
    }
}

fn page(
    platform: &Platform,
    signed: &Signed,
    frame: &Frame,
    input: &Input,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let means = Closing::begin(platform.now(), closing::undo(platform)).consequences();
    let status = problem.map_or(StatusCode::OK, Problem::status);
    html(status, &ClosePage { page: &Page::to(signed), frame, means, input, problem })
}

/// Takes a closing back.
///
/// # Errors
/// `not-found`, `forbidden`, `wrong-state`.
pub async fn reopen(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    signed: Signed,
) -> Result<Response, Problem> {
    let visit = visit(&platform, &signed, &id, Right::UndoClose, "").await?;
    closing::reopen(&platform, &signed.actor(), visit.instance.id).await?;
    Ok(see_other(&format!("/servers/{id}")))
}
