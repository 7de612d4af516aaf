//! Deleting an organization.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::Right;
use domain::id::OrganizationId;
use http::StatusCode;
use serde::Deserialize;

use super::Head;
use crate::app::organization::delete;
use crate::auth::signed::Signed;
use crate::error::{Code, Problem};
use crate::pages::{Form, Page, Path, html, see_other};
use crate::platform::Platform;
use crate::store;

/// The form as it is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Input {
    sure: Option<String>,
}

#[derive(Template)]
#[template(path = "organizations/delete.html")]
struct DeletePage<'a> {
    page: &'a Page,
    head: Head,
    problem: Option<&'a Problem>,
    /// Whether it can be done at all just now.
    possible: bool,
}

/// What it means, and what is in the way.
///
/// # Errors
/// `not-found`, `forbidden`, `password-needed`; `wrong-state` for one's own organization.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    Path(organization): Path<OrganizationId>,
    signed: Signed,
) -> Result<Response, Problem> {
    signed.demand(&platform, organization, Right::DeleteOrganization)?;
    let head = Head::of(&signed, organization)?;
    if head.membership.personal {
        return Err(Problem::new(Code::WrongState));
    }
    let servers = store::organization::servers(&mut *platform.pool.acquire().await?, organization).await?;
    let left = Problem::new(Code::ServersLeft);
    let problem = Some(&left).filter(|_| servers > 0);
    html(StatusCode::OK, &DeletePage { page: &Page::to(&signed), head, problem, possible: servers == 0 })
}

/// Deletes it.
///
/// # Errors
/// As [`show`].
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    Path(organization): Path<OrganizationId>,
    signed: Signed,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    let member = signed.member(&platform, organization, Right::DeleteOrganization)?;
    let done = match input.sure {
        Some(_) => delete(&platform, &member).await,
        None => Err(Problem::field("sure", "sure-needed")),
    };
    match done {
        Ok(()) => Ok(see_other("/organizations?told=organization-deleted")),
        Err(problem) if problem.is_about_input() => {
            let (head, possible) = (Head::of(&signed, organization)?, problem.of("sure").is_some());
            html(problem.status(), &DeletePage { page: &Page::to(&signed), head, problem: Some(&problem), possible })
        }
        Err(problem) => Err(problem),
    }
}
