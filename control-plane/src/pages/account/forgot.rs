//! Asking for a new password.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::Email;
use http::StatusCode;
use serde::Deserialize;

use crate::app::account::reset::ask;
use crate::error::Problem;
use crate::pages::{Form, Page, html};
use crate::platform::Platform;
use crate::request::Request;

/// The form as it is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Input {
    email: String,
}

#[derive(Template)]
#[template(path = "account/forgot.html")]
struct ForgotPage<'a> {
    page: &'a Page,
    input: &'a Input,
    problem: Option<&'a Problem>,
}

#[derive(Template)]
#[template(path = "account/forgot-done.html")]
struct DonePage<'a> {
    page: &'a Page,
    email: &'a str,
}

/// The empty form.
///
/// # Errors
/// When its template fails.
pub async fn show(request: Request) -> Result<Response, Problem> {
    html(StatusCode::OK, &ForgotPage { page: &Page::of(&request), input: &Input::default(), problem: None })
}

/// The form that was sent. The answer is the same whether the address has an account.
///
/// # Errors
/// What cannot be put right in the form.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    request: Request,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    let page = &Page::of(&request);
    let email = input.email.parse::<Email>().map_err(|error| Problem::field("email", error.code()));
    let done = match &email {
        Ok(email) => ask(&platform, &request, email).await.map(|()| email.as_str()),
        Err(problem) => Err(problem.clone()),
    };
    match done {
        Ok(email) => html(StatusCode::OK, &DonePage { page, email }),
        Err(problem) if problem.is_about_input() => {
            html(problem.status(), &ForgotPage { page, input: &input, problem: Some(&problem) })
        }
        Err(problem) => Err(problem),
    }
}
