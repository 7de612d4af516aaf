//! Choosing a new password through a link from a mail.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::Password;
use http::StatusCode;
use serde::Deserialize;

use crate::app::account::reset::{finish, whose};
use crate::auth::secret::Secret;
use crate::error::{Code, Problem};
use crate::pages::{Form, Page, Path, html, see_other};
use crate::platform::Platform;
use crate::request::Request;

/// The form as it is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Input {
    password: String,
}

#[derive(Template)]
#[template(path = "account/reset.html")]
struct ResetPage<'a> {
    page: &'a Page,
    secret: String,
    email: &'a str,
    problem: Option<&'a Problem>,
}

/// The empty form.
///
/// # Errors
/// `link-dead`.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    Path(secret): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let secret = Secret::parse(&secret).ok_or(Problem::new(Code::LinkDead))?;
    let account = whose(&platform, &secret).await?;
    let (page, email) = (&Page::of(&request), account.email.as_str());
    html(StatusCode::OK, &ResetPage { page, secret: secret.text(), email, problem: None })
}

/// The form that was sent. A password that is not taken does not use the link up.
///
/// # Errors
/// `link-dead`.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    Path(secret): Path<String>,
    request: Request,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    let secret = Secret::parse(&secret).ok_or(Problem::new(Code::LinkDead))?;
    let account = whose(&platform, &secret).await?;
    let (page, email) = (&Page::of(&request), account.email.as_str());
    match Password::choose(input.password, &account.email) {
        Ok(password) => {
            finish(&platform, &request, &secret, password).await?;
            Ok(see_other("/log-in?told=reset"))
        }
        Err(error) => {
            let problem = Problem::field("password", error.code());
            html(problem.status(), &ResetPage { page, secret: secret.text(), email, problem: Some(&problem) })
        }
    }
}
