//! Logging in.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum_extra::extract::CookieJar;
use domain::{Email, Password};
use http::StatusCode;
use serde::Deserialize;

use crate::app::login::log_in;
use crate::auth::secret::Secret;
use crate::auth::signed::{Signed, cookie};
use crate::error::{Code, Problem};
use crate::pages::form::within;
use crate::pages::{Form, Page, Query, html, see_other};
use crate::platform::Platform;
use crate::request::Request;

/// The form as it is sent; `next` is where to go afterwards.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Input {
    email: String,
    password: String,
    next: String,
}

#[derive(Template)]
#[template(path = "session/log-in.html")]
struct LogInPage<'a> {
    page: &'a Page,
    input: &'a Input,
    problem: Option<&'a Problem>,
}

/// The empty form; who is logged in goes on at once.
///
/// # Errors
/// When its template fails.
pub async fn show(request: Request, signed: Option<Signed>, Query(input): Query<Input>) -> Result<Response, Problem> {
    if signed.is_some() {
        return Ok(see_other(within(&input.next)));
    }
    html(StatusCode::OK, &LogInPage { page: &Page::of(&request), input: &input, problem: None })
}

/// The form that was sent.
///
/// # Errors
/// What cannot be put right in the form.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    request: Request,
    jar: CookieJar,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    match attempt(&platform, &request, &input).await {
        Ok(secret) => Ok((jar.add(cookie(&secret)?), see_other(within(&input.next))).into_response()),
        Err(problem) if problem.is_about_input() => {
            let page = Page::of(&request);
            html(problem.status(), &LogInPage { page: &page, input: &input, problem: Some(&problem) })
        }
        Err(problem) => Err(problem),
    }
}

/// What cannot be an address or a password is nobody's.
async fn attempt(platform: &Platform, request: &Request, input: &Input) -> Result<Secret, Problem> {
    let wrong = || Problem::new(Code::WrongLogin);
    let email: Email = input.email.parse().map_err(|_| wrong())?;
    let password = Password::attempt(input.password.clone()).map_err(|_| wrong())?;
    log_in(platform, request, &email, password).await
}
