//! The API's own description.

use axum::response::{IntoResponse as _, Response};
use http::header;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

use super::problem::{FieldBody, ProblemBody};

/// What the document begins with.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Steppe",
        version = "1",
        description = "Servers, exports and organizations of a Steppe host. Tokens are made in the dashboard.",
        license(name = "AGPL-3.0-or-later", identifier = "AGPL-3.0-or-later"),
    ),
    servers((url = "/v1")),
    components(schemas(ProblemBody, FieldBody)),
)]
struct Head;

/// The document without its endpoints.
pub(super) fn head() -> utoipa::openapi::OpenApi {
    let mut document = Head::openapi();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("A token from the dashboard"));
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("token", SecurityScheme::Http(bearer.build()));
    document
}

/// The whole document.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    super::endpoints().into_openapi()
}

/// Serves it.
pub(super) async fn serve() -> Response {
    let text = document().to_json().unwrap_or_default();
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}
