//! Signing up.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::{Email, Password, PersonName};
use http::StatusCode;
use serde::Deserialize;

use crate::app::account::{SignUp, sign_up};
use crate::error::Problem;
use crate::pages::form::{Check, within};
use crate::pages::{Form, Page, Query, html};
use crate::platform::Platform;
use crate::request::Request;
use crate::store::terms::{Terms, current};

/// The form as it is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Input {
    email: String,
    name: String,
    password: String,
    agree: Option<String>,
    terms: String,
    processing: String,
    next: String,
}

#[derive(Template)]
#[template(path = "account/sign-up.html")]
struct SignUpPage<'a> {
    page: &'a Page,
    input: &'a Input,
    problem: Option<&'a Problem>,
}

#[derive(Template)]
#[template(path = "account/sign-up-done.html")]
struct DonePage<'a> {
    page: &'a Page,
    email: &'a str,
}

/// The empty form.
///
/// # Errors
/// When the database cannot be reached.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    request: Request,
    Query(input): Query<Input>,
) -> Result<Response, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let Terms { terms, processing } = current(&mut connection, platform.now()).await?;
    let input = Input { terms, processing, next: input.next, ..Input::default() };
    html(StatusCode::OK, &SignUpPage { page: &Page::of(&request), input: &input, problem: None })
}

/// The form that was sent: done, or shown again with what is wrong.
///
/// # Errors
/// What cannot be put right in the form.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    request: Request,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    let page = Page::of(&request);
    let done = match parse(&input) {
        Ok(wish) => sign_up(&platform, &request, wish).await,
        Err(problem) => Err(problem),
    };
    match done {
        Ok(()) => html(StatusCode::OK, &DonePage { page: &page, email: &input.email }),
        Err(problem) if problem.is_about_input() => {
            let input = up_to_date(&platform, input).await?;
            html(problem.status(), &SignUpPage { page: &page, input: &input, problem: Some(&problem) })
        }
        Err(problem) => Err(problem),
    }
}

/// Terms that changed meanwhile are agreed to anew.
async fn up_to_date(platform: &Platform, input: Input) -> Result<Input, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let Terms { terms, processing } = current(&mut connection, platform.now()).await?;
    let same = terms == input.terms && processing == input.processing;
    Ok(Input { terms, processing, agree: input.agree.filter(|_| same), ..input })
}

fn parse(input: &Input) -> Result<SignUp, Problem> {
    let mut check = Check::default();
    let email = check.take("email", input.email.parse::<Email>().map_err(|error| error.code()));
    let name = check.take("name", input.name.parse::<PersonName>().map_err(|error| error.code()));
    let password = email.as_ref().and_then(|email| {
        let chosen = Password::choose(input.password.clone(), email);
        check.take("password", chosen.map_err(|error| error.code()))
    });
    let agreed = check.take("agree", input.agree.as_ref().map(drop).ok_or("agree-needed"));
    let terms = Terms { terms: input.terms.clone(), processing: input.processing.clone() };
    match (email, name, password, agreed) {
        (Some(email), Some(name), Some(password), Some(())) => {
            let next = Some(within(&input.next)).filter(|path| *path != "/").map(str::to_owned);
            Ok(SignUp { email, name, password, terms, next })
        }
        _ => Err(check.problem()),
    }
}
