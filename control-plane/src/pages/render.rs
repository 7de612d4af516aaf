//! The pages' renderer of problems.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, Method, StatusCode, header};

use super::{Page, html, see_other};
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::request::Request;

/// A page that says what went wrong and what to do.
#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    page: &'a Page,
    title: String,
    help: String,
    /// For the support mail, when it is our fault.
    reference: Option<&'a str>,
}

/// Turns a problem that a handler returned into a page for its reader. Who is not logged in is sent to do so and comes back.
pub async fn render(State(platform): State<Arc<Platform>>, request: axum::extract::Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let facts = Request::read(&parts, platform.config.proxies);
    let method = parts.method.clone();
    let response = next.run(axum::extract::Request::from_parts(parts, body)).await;
    let Some(problem) = response.extensions().get::<Problem>().cloned() else {
        return response;
    };
    problem.log(&facts.id);
    let back = problem.arguments.iter().find(|(name, _)| *name == "back").map(|(_, path)| path.as_str());
    let here = back.unwrap_or(if method == Method::GET { facts.path.as_str() } else { "/" });
    match problem.code {
        Code::Unauthenticated => see_other(&format!("/log-in?next={}", encode(here))),
        Code::PasswordNeeded => see_other(&format!("/password-again?next={}", encode(here))),
        _ => page(&facts, &problem).unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response()),
    }
}

fn page(facts: &Request, problem: &Problem) -> Result<Response, Problem> {
    let page = Page::of(facts);
    let (title, help) = page.problem(problem);
    let reference = problem.status().is_server_error().then_some(facts.id.as_str());
    let mut response = html(problem.status(), &ProblemPage { page: &page, title, help, reference })?;
    if let Some(seconds) = problem.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(response)
}

fn encode(path: &str) -> String {
    url::form_urlencoded::byte_serialize(path.as_bytes()).collect()
}
