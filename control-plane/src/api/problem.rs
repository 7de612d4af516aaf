//! The API's renderer of problems: RFC 9457.

use std::sync::Arc;

use axum::extract::State;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use fluent_templates::fluent_bundle::FluentValue;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::request::Request;
use crate::text::Texts;

/// Headers of a problem's answer that are not the renderer's own.
const KEPT: [HeaderName; 3] =
    [header::ALLOW, HeaderName::from_static("ratelimit"), HeaderName::from_static("ratelimit-policy")];

/// What went wrong (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemBody {
    /// A URI that names the kind of problem: `urn:steppe:problem:` and the code.
    #[schema(example = "urn:steppe:problem:not-found")]
    r#type: String,
    /// What it is, for people, in the language of `Accept-Language`.
    #[schema(example = "There is nothing here")]
    title: String,
    /// The status of the answer.
    #[schema(example = 404)]
    status: u16,
    /// What to do about it, for people.
    #[schema(example = "It may have moved or been closed, or it belongs to somebody else.")]
    detail: String,
    /// The stable word for it. New ones may come; treat an unknown one by the status.
    #[schema(example = "not-found")]
    code: &'static str,
    /// Names this request in our logs.
    #[schema(example = "53b60cd35bff3f7733a9")]
    request_id: String,
    /// What is wrong with which field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldBody>,
}

/// What is wrong with one field.
#[derive(Debug, Serialize, ToSchema)]
pub struct FieldBody {
    /// The field.
    #[schema(example = "label")]
    field: String,
    /// The stable word for it.
    #[schema(example = "label-length")]
    code: &'static str,
    /// The same for people.
    #[schema(example = "A name has 3 to 40 characters.")]
    message: String,
}

/// Turns a problem that a handler returned into the answer.
pub async fn render(State(platform): State<Arc<Platform>>, request: axum::extract::Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let facts = Request::read(&parts, platform.config.proxies);
    let response = next.run(axum::extract::Request::from_parts(parts, body)).await;
    let problem = match response.extensions().get::<Problem>() {
        Some(problem) => problem.clone(),
        // What no handler of ours answers, but a layer before them.
        None if response.status() == StatusCode::SERVICE_UNAVAILABLE => Problem::new(Code::Unavailable).retry_after(5),
        None if response.status() == StatusCode::FORBIDDEN => Problem::new(Code::CrossSite),
        None => return response,
    };
    problem.log(&facts.id);
    let mut rendered = answer(&problem, &facts);
    for (name, value) in response.headers().iter().filter(|(name, _)| KEPT.contains(name)) {
        rendered.headers_mut().insert(name, value.clone());
    }
    rendered
}

fn answer(problem: &Problem, facts: &Request) -> Response {
    let code = problem.code.as_str();
    let (title, detail) = words(problem, facts.texts);
    let field = |field: &crate::error::Field| FieldBody {
        field: field.name.to_string(),
        code: field.code,
        message: facts.texts.get(&format!("field-{}", field.code)),
    };
    let body = ProblemBody {
        r#type: format!("urn:steppe:problem:{code}"),
        title,
        status: problem.status().as_u16(),
        detail,
        code,
        request_id: facts.id.clone(),
        errors: problem.fields.iter().map(field).collect(),
    };
    let mut response = (problem.status(), axum::Json(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if let Some(seconds) = problem.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if problem.status() == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// What a problem is called and what to do about it.
pub(crate) fn words(problem: &Problem, texts: Texts) -> (String, String) {
    let mut arguments: Vec<(&'static str, FluentValue<'_>)> =
        problem.arguments.iter().map(|(name, value)| (*name, FluentValue::from(value.as_str()))).collect();
    if let Some(seconds) = problem.retry_after {
        arguments.push(("minutes", FluentValue::from(i64::from(seconds.div_ceil(60)))));
    }
    let id = format!("problem-{}", problem.code.as_str());
    (texts.with(&id, &arguments), texts.with(&format!("{id}-help"), &arguments))
}
