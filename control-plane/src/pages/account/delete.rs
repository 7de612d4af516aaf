//! Deleting the account.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum_extra::extract::CookieJar;
use http::StatusCode;
use serde::Deserialize;

use crate::app::account::deletion::{check, delete};
use crate::auth::signed::{Signed, removal};
use crate::error::Problem;
use crate::pages::{Form, Page, html, see_other};
use crate::platform::Platform;

/// The form as it is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Input {
    sure: Option<String>,
}

#[derive(Template)]
#[template(path = "account/delete.html")]
struct DeletePage<'a> {
    page: &'a Page,
    problem: Option<&'a Problem>,
    /// Whether it can be done at all just now.
    possible: bool,
}

/// What it means, and what is in the way.
///
/// # Errors
/// `password-needed`.
pub async fn show(State(platform): State<Arc<Platform>>, signed: Signed) -> Result<Response, Problem> {
    signed.password_entered(&platform)?;
    match check(&platform, &signed).await {
        Ok(()) => html(StatusCode::OK, &DeletePage { page: &Page::to(&signed), problem: None, possible: true }),
        Err(problem) if problem.is_about_input() => {
            html(StatusCode::OK, &DeletePage { page: &Page::to(&signed), problem: Some(&problem), possible: false })
        }
        Err(problem) => Err(problem),
    }
}

/// Deletes it.
///
/// # Errors
/// `password-needed`.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    signed: Signed,
    jar: CookieJar,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    let done = match input.sure {
        Some(_) => delete(&platform, &signed).await,
        None => Err(Problem::field("sure", "sure-needed")),
    };
    match done {
        Ok(()) => Ok((jar.add(removal()), see_other("/?told=deleted")).into_response()),
        Err(problem) if problem.is_about_input() => {
            let possible = problem.of("sure").is_some();
            html(problem.status(), &DeletePage { page: &Page::to(&signed), problem: Some(&problem), possible })
        }
        Err(problem) => Err(problem),
    }
}
