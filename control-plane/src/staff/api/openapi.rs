//! The description of staff's API.

use axum::response::{IntoResponse as _, Response};
use http::header;
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};

use crate::api::{ProblemBody, tell_conditional};
use crate::auth::staff::COOKIE;

/// What the document begins with.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Steppe, for staff",
        version = "1",
        description = "What those who run a Steppe host do about its customers, servers and cells. Errors are RFC 9457 problems \
                       with a stable `code`; lists are paged by cursor; a POST may carry an `Idempotency-Key`; updates need \
                       `If-Match`.",
        license(name = "AGPL-3.0-or-later", identifier = "AGPL-3.0-or-later"),
    ),
    servers((url = "/v1/staff")),
    components(schemas(ProblemBody)),
)]
struct Head;

/// The document without its endpoints.
pub(super) fn head() -> utoipa::openapi::OpenApi {
    let mut document = Head::openapi();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
    let bearer = bearer.description(Some("A token of `POST /token`, good for ten minutes and as long as its log-in"));
    let cookie = ApiKeyValue::with_description(COOKIE, "The cookie of a log-in to the staff pages");
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("token", SecurityScheme::Http(bearer.build()));
    components.add_security_scheme("log-in", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    document
}

/// The whole document.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = super::endpoints().into_openapi();
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ProblemBody"))).build();
    let problem = ResponseBuilder::new()
        .description("What went wrong, by its `code`")
        .content("application/problem+json", content)
        .build();
    for item in document.paths.paths.values_mut() {
        if let Some(operation) = &mut item.get {
            tell_conditional(operation);
        }
        for operation in operations(item) {
            operation.responses.responses.insert("default".to_owned(), RefOr::T(problem.clone()));
        }
    }
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete].into_iter().flatten()
}

/// The document as it is committed.
///
/// # Errors
/// Never: it is made of texts.
pub fn text() -> anyhow::Result<String> {
    Ok(document().to_pretty_json()? + "\n")
}

/// Serves it.
pub(super) async fn serve() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text().unwrap_or_default()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_says_who_may_call_it_and_what_can_go_wrong() {
        let mut document = document();
        let mut count = 0;
        for (path, item) in &mut document.paths.paths {
            for operation in operations(item) {
                count += 1;
                assert!(operation.security.is_some(), "{path}");
                assert!(operation.responses.responses.contains_key("default"), "{path}");
                assert!(operation.responses.responses.len() >= 2, "{path}");
            }
        }
        assert!(count >= 30, "{count}");
    }
}
