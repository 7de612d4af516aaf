//! Reporting abuse: for anybody, without an account.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::Email;
use domain::abuse::Category;
use domain::person::{Prose, TextError};
use http::StatusCode;
use names::Hostname;
use serde::Deserialize;

use crate::app::report::{Words, file};
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::form::Check;
use crate::pages::{Form, Page, Query, html};
use crate::platform::Platform;
use crate::request::Request;

/// The form as it is sent; a link can fill in the server.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Input {
    server: String,
    category: String,
    links: String,
    text: String,
    email: String,
}

#[derive(Template)]
#[template(path = "abuse/form.html")]
struct AbusePage<'a> {
    page: &'a Page,
    input: &'a Input,
    problem: Option<&'a Problem>,
}

#[derive(Template)]
#[template(path = "abuse/done.html")]
struct DonePage<'a> {
    page: &'a Page,
    email: &'a str,
    server: &'a str,
}

/// The form.
///
/// # Errors
/// When its template fails.
pub async fn show(
    request: Request,
    signed: Option<Signed>,
    Query(mut input): Query<Input>,
) -> Result<Response, Problem> {
    if let Some(signed) = &signed {
        input.email = signed.account.email.to_string();
    }
    let page = signed.as_ref().map_or_else(|| Page::of(&request), Page::to);
    html(StatusCode::OK, &AbusePage { page: &page, input: &input, problem: None })
}

/// The form that was sent. Whether the server is one of ours is not said: that is answered, too.
///
/// # Errors
/// What cannot be put right in the form.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    request: Request,
    signed: Option<Signed>,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    let page = &signed.as_ref().map_or_else(|| Page::of(&request), Page::to);
    let filed = match words(&input) {
        Ok(words) => {
            let (email, server) = (words.reporter.to_string(), words.hostname.to_string());
            file(&platform, &request, words).await.map(|_| (email, server))
        }
        Err(problem) => Err(problem),
    };
    match filed {
        Ok((email, server)) => html(StatusCode::OK, &DonePage { page, email: &email, server: &server }),
        Err(problem) if problem.is_about_input() => {
            html(problem.status(), &AbusePage { page, input: &input, problem: Some(&problem) })
        }
        Err(problem) => Err(problem),
    }
}

/// People paste what stands in the address bar, or somebody's handle.
fn server(text: &str) -> Result<Hostname, &'static str> {
    let text = text.trim().to_ascii_lowercase();
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(&text);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _)| host).trim_end_matches('.');
    host.parse().map_err(|_| "server-unknown")
}

fn words(input: &Input) -> Result<Words, Problem> {
    let mut check = Check::default();
    let hostname = check.take("server", server(&input.server));
    let category = check.take("category", input.category.parse::<Category>().map_err(|_| "category-unknown"));
    let links = match input.links.trim() {
        "" => None,
        text => check.take("links", text.parse::<Prose<4000>>().map_err(TextError::text_code)),
    };
    let text = check.take("text", input.text.parse::<Prose<10_000>>().map_err(TextError::text_code));
    let reporter = check.take("email", input.email.trim().parse::<Email>().map_err(|error| error.code()));
    match (hostname, category, text, reporter) {
        (Some(hostname), Some(category), Some(text), Some(reporter)) if check.is_good() => {
            Ok(Words { hostname, reporter, category, links, text })
        }
        _ => Err(check.problem()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_in_what_people_paste() {
        for text in [
            "birds.example",
            " Birds.Example ",
            "https://birds.example/@jo/1?x#y",
            "http://birds.example:443",
            "@jo@birds.example",
            "jo@birds.example",
            "birds.example.",
        ] {
            assert_eq!(server(text).unwrap().as_str(), "birds.example", "{text}");
        }
        for text in ["", "https://", "birds", "a b.example", "x@", "javascript:alert(1)"] {
            assert_eq!(server(text), Err("server-unknown"), "{text}");
        }
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let problem = words(&Input::default()).unwrap_err();
        let fields: Vec<&str> = problem.fields.iter().map(|field| field.name.as_ref()).collect();
        assert_eq!(fields, ["server", "category", "text", "email"]);
    }
}
