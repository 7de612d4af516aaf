//! The API's own description.

mod common;
mod conditional;

use axum::response::{IntoResponse as _, Response};
use http::header;
use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};

use super::problem::{FieldBody, ProblemBody};
use super::schema;
use crate::auth::signed::COOKIE;

pub(crate) use conditional::tell as tell_conditional;

/// What the document begins with.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Steppe",
        version = "1",
        description = "Servers, exports and organizations of a Steppe host. Tokens are made in the dashboard. \
                       Conventions and examples: `docs/api.md`.",
        license(name = "AGPL-3.0-or-later", identifier = "AGPL-3.0-or-later"),
    ),
    servers((url = "/v1")),
    tags(
        (name = "Account", description = "Who calls"),
        (name = "Organizations", description = "On whose behalf servers are ordered and run"),
        (name = "Orders", description = "From an offer to a server"),
        (name = "Servers", description = "What can be done with a server"),
        (name = "Users", description = "Accounts on a server whose software has no sign-up"),
        (name = "Exports", description = "Bundles: a server, to take away"),
        (name = "Operations", description = "What is being done, how far it is"),
    ),
    components(schemas(ProblemBody, FieldBody, schema::Limit, schema::Tag)),
)]
struct Head;

/// The document without its endpoints.
pub(super) fn head() -> utoipa::openapi::OpenApi {
    let mut document = Head::openapi();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
    let bearer =
        bearer.description(Some("A token from the dashboard: `stp_…`. The scopes that an endpoint needs are named."));
    let session = ApiKeyValue::with_description(
        COOKIE,
        "The cookie of somebody who is logged in with a browser. What hands out a secret or ends something is for them alone, \
         after they have entered their password again.",
    );
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("token", SecurityScheme::Http(bearer.build()));
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));
    document
}

/// The whole document.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = super::endpoints().into_openapi();
    common::complete(&mut document);
    document
}

/// The document as it is committed and served.
///
/// # Errors
/// Never: it is of our own making.
pub fn text() -> Result<String, serde_json::Error> {
    Ok(document().to_pretty_json()? + "\n")
}

/// Serves it.
pub(super) async fn serve() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text().unwrap_or_default()).into_response()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// Everything that is referred to.
    fn references(value: &Value) -> Vec<String> {
        match value {
            Value::Object(fields) => {
                let own = fields.get("$ref").and_then(Value::as_str).map(str::to_owned);
                own.into_iter().chain(fields.values().flat_map(references)).collect()
            }
            Value::Array(items) => items.iter().flat_map(references).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
        }
    }

    #[test]
    fn whatever_is_referred_to_is_there() {
        let document = serde_json::to_value(document()).unwrap();
        let all = references(&document);
        assert!(all.len() > 100);
        for reference in all {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn each_endpoint_has_a_name_of_its_own_and_says_what_it_needs() {
        let document = serde_json::to_value(document()).unwrap();
        let mut names = std::collections::BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, endpoint) in item.as_object().unwrap() {
                let name = endpoint["operationId"].as_str().unwrap();
                assert!(names.insert(name.to_owned()), "{name}");
                assert!(endpoint["security"].is_array(), "{method} {path}");
                let nowhere = ["account_show", "organizations_create"].contains(&name);
                assert!(endpoint["x-right"].is_string() || nowhere, "{method} {path}");
                assert!(endpoint["summary"].is_string() && endpoint["tags"].is_array(), "{method} {path}");
            }
        }
    }

    #[test]
    fn the_committed_description_is_this_one() {
        assert_eq!(text().unwrap(), include_str!("../../../docs/openapi.json"), "run `cargo xtask gen`");
    }
}
