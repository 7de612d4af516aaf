//! Giving an organization to another member.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::id::{AccountId, OrganizationId};
use domain::{Right, Role};
use http::StatusCode;
use serde::Deserialize;

use super::Head;
use crate::app::organization::hand_over;
use crate::auth::signed::Signed;
use crate::error::{Code, Problem};
use crate::pages::{Form, Page, Path, html, see_other};
use crate::platform::Platform;
use crate::store;
use crate::store::membership::Person;

/// The form as it is sent.
#[derive(Debug, Deserialize)]
pub struct Input {
    to: AccountId,
}

#[derive(Template)]
#[template(path = "organizations/hand-over.html")]
struct HandOverPage<'a> {
    page: &'a Page,
    head: Head,
    /// Those who could have it.
    others: Vec<Person>,
}

/// Whom to give it to, and what that means.
///
/// # Errors
/// `not-found`, `forbidden`, `password-needed`; `wrong-state` for one's own organization.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    Path(organization): Path<OrganizationId>,
    signed: Signed,
) -> Result<Response, Problem> {
    signed.demand(&platform, organization, Right::HandOver)?;
    let head = Head::of(&signed, organization)?;
    if head.membership.personal {
        return Err(Problem::new(Code::WrongState));
    }
    let mut others = store::membership::of_organization(&mut *platform.pool.acquire().await?, organization).await?;
    others.retain(|person| person.role != Role::Owner);
    html(StatusCode::OK, &HandOverPage { page: &Page::to(&signed), head, others })
}

/// Gives it away.
///
/// # Errors
/// As [`show`].
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    Path(organization): Path<OrganizationId>,
    signed: Signed,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    let member = signed.member(&platform, organization, Right::HandOver)?;
    hand_over(&platform, &member, input.to).await?;
    Ok(see_other(&format!("{}?told=handed-over", super::path(organization))))
}
