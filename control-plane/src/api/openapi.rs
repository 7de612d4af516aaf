//! The API's own description.

mod common;

use axum::response::{IntoResponse as _, Response};
use http::header;
use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};

use super::problem::{FieldBody, ProblemBody};
use crate::auth::signed::COOKIE;

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
    components(schemas(ProblemBody, FieldBody)),
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
