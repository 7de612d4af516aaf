//! What staff see first.

use askama::Template;
use axum::response::Response;
use http::StatusCode;

use crate::auth::staff::StaffSigned;
use crate::error::Problem;
use crate::pages::{Page, html};

#[derive(Template)]
#[template(path = "staff/home.html")]
struct HomePage<'a> {
    page: &'a Page,
}

/// What needs somebody's attention.
///
/// # Errors
/// When its template fails.
pub async fn show(signed: StaffSigned) -> Result<Response, Problem> {
    html(StatusCode::OK, &HomePage { page: &Page::to_staff(&signed) })
}
