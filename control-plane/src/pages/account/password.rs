//! Changing the password.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::Password;
use http::StatusCode;
use serde::Deserialize;

use crate::app::account::password::change;
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::form::Check;
use crate::pages::{Form, Page, html, see_other};
use crate::platform::Platform;

/// The form as it is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Input {
    current: String,
    password: String,
}

#[derive(Template)]
#[template(path = "account/password.html")]
struct PasswordPage<'a> {
    page: &'a Page,
    email: &'a str,
    problem: Option<&'a Problem>,
}

/// The empty form.
///
/// # Errors
/// When its template fails.
pub async fn show(signed: Signed) -> Result<Response, Problem> {
    let email = signed.account.email.as_str();
    html(StatusCode::OK, &PasswordPage { page: &Page::to(&signed), email, problem: None })
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
    let done = match parse(&signed, input) {
        Ok((old, new)) => change(&platform, &signed, old, new).await,
        Err(problem) => Err(problem),
    };
    match done {
        Ok(()) => Ok(see_other("/account?told=password-changed")),
        Err(problem) if problem.is_about_input() => {
            let email = signed.account.email.as_str();
            html(problem.status(), &PasswordPage { page: &Page::to(&signed), email, problem: Some(&problem) })
        }
        Err(problem) => Err(problem),
    }
}

fn parse(signed: &Signed, input: Input) -> Result<(Password, Password), Problem> {
    let mut check = Check::default();
    let old = check.take("current", Password::attempt(input.current).map_err(|_| "password-wrong"));
    let new = Password::choose(input.password, &signed.account.email);
    let new = check.take("password", new.map_err(|error| error.code()));
    old.zip(new).ok_or_else(|| check.problem())
}
