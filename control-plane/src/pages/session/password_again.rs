//! Entering the password again before something that cannot be taken back.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum_extra::extract::CookieJar;
use domain::Password;
use http::StatusCode;
use serde::Deserialize;

use crate::app::session::confirm;
use crate::auth::secret::Secret;
use crate::auth::signed::{Signed, cookie};
use crate::error::Problem;
use crate::pages::form::within;
use crate::pages::{Form, Page, Query, html, see_other};
use crate::platform::Platform;

/// The form as it is sent; `next` is where to go afterwards.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Input {
    password: String,
    next: String,
}

#[derive(Template)]
#[template(path = "session/password-again.html")]
struct AgainPage<'a> {
    page: &'a Page,
    email: &'a str,
    next: &'a str,
    problem: Option<&'a Problem>,
}

/// The empty form.
///
/// # Errors
/// When its template fails.
pub async fn show(signed: Signed, Query(input): Query<Input>) -> Result<Response, Problem> {
    let (page, email) = (&Page::to(&signed), signed.account.email.as_str());
    html(StatusCode::OK, &AgainPage { page, email, next: within(&input.next), problem: None })
}

/// The form that was sent.
///
/// # Errors
/// What cannot be put right in the form.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    signed: Signed,
    jar: CookieJar,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    let next = within(&input.next);
    match attempt(&platform, &signed, input.password).await {
        Ok(secret) => Ok((jar.add(cookie(&secret)?), see_other(next)).into_response()),
        Err(problem) if problem.is_about_input() => {
            let (page, email) = (&Page::to(&signed), signed.account.email.as_str());
            html(problem.status(), &AgainPage { page, email, next, problem: Some(&problem) })
        }
        Err(problem) => Err(problem),
    }
}

async fn attempt(platform: &Platform, signed: &Signed, password: String) -> Result<Secret, Problem> {
    let password = Password::attempt(password).map_err(|_| Problem::field("password", "password-wrong"))?;
    confirm(platform, signed, password).await
}
