//! Asking for another mail address.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::Email;
use http::StatusCode;
use serde::Deserialize;

use crate::app::account::email::ask;
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::{Form, Page, html, see_other};
use crate::platform::Platform;

/// The form as it is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Input {
    email: String,
}

#[derive(Template)]
#[template(path = "account/email.html")]
struct EmailPage<'a> {
    page: &'a Page,
    current: &'a str,
    input: &'a Input,
    problem: Option<&'a Problem>,
}

/// The empty form.
///
/// # Errors
/// `password-needed`.
pub async fn show(State(platform): State<Arc<Platform>>, signed: Signed) -> Result<Response, Problem> {
    signed.password_entered(&platform)?;
    let (page, current) = (&Page::to(&signed), signed.account.email.as_str());
    html(StatusCode::OK, &EmailPage { page, current, input: &Input::default(), problem: None })
}

/// The form that was sent.
///
/// # Errors
/// What cannot be put right in the form.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    signed: Signed,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    let email = input.email.parse::<Email>().map_err(|error| Problem::field("email", error.code()));
    let done = match email {
        Ok(email) => ask(&platform, &signed, &email).await,
        Err(problem) => Err(problem),
    };
    match done {
        Ok(()) => Ok(see_other("/account?told=email-sent")),
        Err(problem) if problem.is_about_input() => {
            let (page, current) = (&Page::to(&signed), signed.account.email.as_str());
            html(problem.status(), &EmailPage { page, current, input: &input, problem: Some(&problem) })
        }
        Err(problem) => Err(problem),
    }
}
