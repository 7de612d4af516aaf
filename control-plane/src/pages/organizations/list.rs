//! All organizations that somebody is in.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::id::OrganizationId;
use http::StatusCode;

use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::{Page, html};
use crate::platform::Platform;
use crate::store::organization::Membership;

#[derive(Template)]
#[template(path = "organizations/list.html")]
struct ListPage<'a> {
    page: &'a Page,
    memberships: &'a [Membership],
    /// The id that the next one gets: a form that is sent twice makes one organization.
    id: String,
    called: &'a str,
    problem: Option<&'a Problem>,
}

/// The list, and a form to make another one.
///
/// # Errors
/// When its template fails.
pub async fn show(State(platform): State<Arc<Platform>>, signed: Signed) -> Result<Response, Problem> {
    page(&platform, &signed, "", None)
}

/// The list with a form that was sent and not taken.
pub(super) fn page(
    platform: &Platform,
    signed: &Signed,
    name: &str,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let id = platform.id(OrganizationId::new)?.to_string();
    let page = &Page::to(signed);
    let status = problem.map_or(StatusCode::OK, Problem::status);
    html(status, &ListPage { page, memberships: &signed.memberships, id, called: name, problem })
}
