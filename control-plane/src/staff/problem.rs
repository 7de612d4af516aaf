//! What went wrong, as a page of staff's.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{Method, StatusCode};

use crate::error::{Code, Problem};
use crate::pages::{Page, html, see_other};
use crate::platform::Platform;
use crate::request::Request;

#[derive(Template)]
#[template(path = "staff/problem.html")]
struct ProblemPage<'a> {
    page: &'a Page,
    title: String,
    help: String,
    reference: &'a str,
}

/// Turns a problem that a handler returned into a page. Who is not logged in is sent to do so, and comes back to the page
/// they wanted to see.
pub async fn render(State(platform): State<Arc<Platform>>, request: axum::extract::Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let facts = Request::read(&parts, platform.config.proxies);
    let here = if parts.method == Method::GET { facts.path.clone() } else { "/".to_owned() };
    let response = next.run(axum::extract::Request::from_parts(parts, body)).await;
    let Some(problem) = response.extensions().get::<Problem>().cloned() else {
        return response;
    };
    problem.log(&facts.id);
    if problem.code == Code::Unauthenticated {
        let next: String = url::form_urlencoded::byte_serialize(here.as_bytes()).collect();
        return see_other(&format!("/log-in?next={next}"));
    }
    let page = Page::of(&facts).at("/");
    let (title, help) = page.problem(&problem);
    let shown = html(problem.status(), &ProblemPage { page: &page, title, help, reference: &facts.id });
    shown.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}
