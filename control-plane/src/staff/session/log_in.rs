//! Logging in: password and code.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum_extra::extract::CookieJar;
use domain::{Email, Password};
use http::StatusCode;
use serde::Deserialize;

use crate::app::staff::log_in;
use crate::auth::secret::Secret;
use crate::auth::staff::cookie;
use crate::error::{Code, Problem};
use crate::pages::form::within;
use crate::pages::{Form, Page, Query, html, see_other};
use crate::platform::Platform;
use crate::request::Request;

/// The form as it is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Input {
    email: String,
    password: String,
    code: String,
    /// Where to go on to.
    next: String,
}

/// What the address says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Next {
    next: String,
}

#[derive(Template)]
#[template(path = "staff/log-in.html")]
struct LogInPage<'a> {
    page: &'a Page,
    input: &'a Input,
    problem: Option<&'a Problem>,
}

/// The empty form.
///
/// # Errors
/// When its template fails.
pub async fn show(request: Request, Query(asked): Query<Next>) -> Result<Response, Problem> {
    let input = Input { next: within(&asked.next).to_owned(), ..Input::default() };
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

async fn attempt(platform: &Platform, request: &Request, input: &Input) -> Result<Secret, Problem> {
    let wrong = || Problem::new(Code::WrongLogin);
    let email: Email = input.email.parse().map_err(|_| wrong())?;
    let password = Password::attempt(input.password.clone()).map_err(|_| wrong())?;
    log_in(platform, request, &email, password, &input.code).await
}
