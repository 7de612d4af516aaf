//! The tokens with which programs act in an organization.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::Right;
use domain::id::OrganizationId;
use http::StatusCode;
use jiff::Timestamp;

use super::Head;
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::{Page, Path, html};
use crate::platform::Platform;
use crate::store;
use crate::store::api_token::ApiToken;

#[derive(Template)]
#[template(path = "organizations/tokens.html")]
struct TokensPage<'a> {
    page: &'a Page,
    head: Head,
    tokens: Vec<ApiToken>,
    now: Timestamp,
}

/// All tokens for whoever may make some, else the reader's own.
///
/// # Errors
/// `not-found`.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    Path(organization): Path<OrganizationId>,
    signed: Signed,
) -> Result<Response, Problem> {
    let head = Head::of(&signed, organization)?;
    let whose = if head.membership.role.may(Right::Tokens) { None } else { Some(signed.account.id) };
    let mut connection = platform.pool.acquire().await?;
    let tokens = store::api_token::of_organization(&mut connection, organization, whose).await?;
    html(StatusCode::OK, &TokensPage { page: &Page::to(&signed), head, tokens, now: platform.now() })
}
