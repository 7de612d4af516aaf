//! What can be set of a server from outside.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::Right;
use http::StatusCode;
use serde::Deserialize;

use super::{Frame, Visit, visit};
use crate::app::server::settings::{self, Wish};
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::form::Check;
use crate::pages::{Form, Page, Path, html, see_other};
use crate::platform::Platform;

/// The form as it is sent. `version` is that of the server when the form was shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Input {
    title: String,
    description: String,
    contact: String,
    version: i64,
}

#[derive(Template)]
#[template(path = "servers/settings.html")]
struct SettingsPage<'a> {
    page: &'a Page,
    frame: &'a Frame,
    input: &'a Input,
    problem: Option<&'a Problem>,
    may_close: bool,
    may_reset: bool,
}

/// What is set.
///
/// # Errors
/// `not-found`, `forbidden`.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    signed: Signed,
) -> Result<Response, Problem> {
    let visit = visit(&platform, &signed, &id, Right::Settings, "").await?;
    let instance = &visit.instance;
    let input = Input {
        title: instance.title.clone().unwrap_or_default(),
        description: instance.description.clone().unwrap_or_default(),
        contact: instance.contact_email.as_ref().map(ToString::to_string).unwrap_or_default(),
        version: instance.version,
    };
    page(&platform, &signed, &visit, &input, None).await
}

/// Changes it, or says what is wrong.
///
/// # Errors
/// `not-found`, `forbidden`, `stale`.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    signed: Signed,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    let visit = visit(&platform, &signed, &id, Right::Settings, "").await?;
    let done = match parse(&input) {
        Ok(wish) => settings::set(&platform, &signed.actor(), visit.instance.id, input.version, &wish).await,
        Err(problem) => Err(problem),
    };
    match done {
        Ok(_) => Ok(see_other(&format!("/servers/{id}"))),
        Err(problem) if problem.is_about_input() => page(&platform, &signed, &visit, &input, Some(&problem)).await,
        Err(problem) => Err(problem),
    }
}

async fn page(
    platform: &Platform,
    signed: &Signed,
    visit: &Visit,
    input: &Input,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let frame = visit.frame(platform, signed, "/settings").await?;
    let there = visit.instance.closing.is_none() && visit.instance.ready_at.is_some();
    let shown = SettingsPage {
        page: &Page::to(signed),
        frame: &frame,
        input,
        problem,
        may_close: there && visit.may(Right::Close),
        may_reset: there && visit.may(Right::ResetOwnerLogin),
    };
    html(problem.map_or(StatusCode::OK, Problem::status), &shown)
}

fn parse(input: &Input) -> Result<Wish, Problem> {
    let mut check = Check::default();
    let title = check.take("title", settings::title(&input.title));
    let description = check.take("description", settings::description(&input.description));
    let contact = check.take("contact", settings::contact(&input.contact));
    match (title, description, contact) {
        (Some(title), Some(description), Some(contact_email)) => Ok(Wish { title, description, contact_email }),
        _ => Err(check.problem()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_field_leaves_it_to_the_server_and_every_mistake_is_told() {
        assert_eq!(parse(&Input { title: "  ".into(), ..Input::default() }).unwrap(), Wish::default());
        let wrong =
            Input { title: "two\nlines".into(), description: "x".repeat(501), contact: "nobody".into(), version: 1 };
        let problem = parse(&wrong).unwrap_err();
        assert_eq!(
            [problem.of("title"), problem.of("description"), problem.of("contact")],
            [Some("text-characters"), Some("text-too-long"), Some("email-form")]
        );
    }
}
