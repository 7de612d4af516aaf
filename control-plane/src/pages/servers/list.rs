//! All servers of somebody.

use askama::Template;
use axum::response::Response;
use http::StatusCode;

use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::{Page, html};

#[derive(Template)]
#[template(path = "servers/list.html")]
struct ListPage<'a> {
    page: &'a Page,
}

/// All servers of somebody, of all organizations they are in.
///
/// # Errors
/// When its template fails.
pub async fn show(signed: Signed) -> Result<Response, Problem> {
    html(StatusCode::OK, &ListPage { page: &Page::to(&signed) })
}
