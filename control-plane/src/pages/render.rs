//! The pages' renderer of problems.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::{Page, html, see_other};
use crate::auth::secret::Secret;
use crate::auth::signed;
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
    let reader = signed::secret(&parts.headers);
    let here = match parts.method {
        Method::GET => facts.path.clone(),
        _ => came_from(&parts.headers, platform.config.host()),
    };
    let response = next.run(axum::extract::Request::from_parts(parts, body)).await;
    let Some(problem) = response.extensions().get::<Problem>().cloned() else {
        return response;
    };
    problem.log(&facts.id);
    let back = problem.arguments.iter().find(|(name, _)| *name == "back").map(|(_, path)| path.clone());
    let here = back.unwrap_or(here);
    if problem.code == Code::Unauthenticated {
        return see_other(&format!("/log-in?next={}", encode(&here)));
    }
    if problem.code == Code::PasswordNeeded {
        return see_other(&format!("/password-again?next={}", encode(&here)));
    }
    let page = page_for(&platform, facts.clone(), reader).await.at(here);
    show(&page, &facts.id, &problem).unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// The page that a form was sent from, for coming back to it: browsers tell, to us only.
fn came_from(headers: &HeaderMap, host: &str) -> String {
    let referer = headers.get(header::REFERER).and_then(|value| value.to_str().ok());
    let url = referer.and_then(|text| text.parse::<url::Url>().ok()).filter(|url| url.host_str() == Some(host));
    url.map_or_else(|| "/".to_owned(), |url| url[url::Position::BeforePath..url::Position::AfterQuery].to_owned())
}

/// The reader's own navigation and language, if it can be found out who they are: what is wrong may be the database.
async fn page_for(platform: &Platform, facts: Request, reader: Option<Secret>) -> Page {
    let plain = Page::of(&facts);
    let Some(secret) = reader else { return plain };
    match signed::find(platform, facts, &secret).await {
        Ok(Some(signed)) => Page::to(&signed),
        Ok(None) | Err(_) => plain,
    }
}

fn show(page: &Page, id: &str, problem: &Problem) -> Result<Response, Problem> {
    let (title, help) = page.problem(problem);
    let reference = problem.status().is_server_error().then_some(id);
    let mut response = html(problem.status(), &ProblemPage { page, title, help, reference })?;
    if let Some(seconds) = problem.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(response)
}

fn encode(path: &str) -> String {
    url::form_urlencoded::byte_serialize(path.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_lead_back_to_our_own_pages_only() {
        let from = |referer: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::REFERER, referer.parse().unwrap());
            came_from(&headers, "steppe.example")
        };
        assert_eq!(from("https://steppe.example/account?told=saved"), "/account?told=saved");
        for other in ["https://evil.example/account", "/account", "", "https://steppe.example.evil.example/"] {
            assert_eq!(from(other), "/", "{other}");
        }
        assert_eq!(came_from(&HeaderMap::new(), "steppe.example"), "/");
    }
}
