//! One organization: who is in it and who is invited.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::id::OrganizationId;
use domain::{Right, Role};
use http::StatusCode;

use super::{Head, page_at};
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::{Page, Path, html};
use crate::platform::Platform;
use crate::store;
use crate::store::invitation::Invitation;
use crate::store::membership::Person;

/// The forms of the page, as they are filled in.
#[derive(Debug, Default)]
pub struct Drafts<'a> {
    /// Whom to invite.
    pub email: &'a str,
    /// As what.
    pub role: &'a str,
    /// What is wrong with the invitation.
    pub invite: Option<&'a Problem>,
    /// What it is to be called; nothing for what it is called.
    pub name: Option<&'a str>,
    /// What is wrong with the name.
    pub rename: Option<&'a Problem>,
}

#[derive(Template)]
#[template(path = "organizations/show.html")]
struct OrganizationPage<'a> {
    page: &'a Page,
    head: Head,
    /// The reader.
    me: String,
    people: Vec<Person>,
    invitations: Vec<Invitation>,
    /// The roles that the reader may give.
    roles: Vec<Role>,
    drafts: Drafts<'a>,
}

impl OrganizationPage<'_> {
    /// Whether the reader may change what somebody of a role is.
    fn manages(&self, role: &Role) -> bool {
        self.head.membership.role.may_manage(*role)
    }
}

/// The organization.
///
/// # Errors
/// `not-found`.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    Path(organization): Path<OrganizationId>,
    signed: Signed,
) -> Result<Response, Problem> {
    page(&platform, &signed, organization, Drafts::default()).await
}

/// The organization with forms that were sent and not taken.
pub(super) async fn page(
    platform: &Platform,
    signed: &Signed,
    organization: OrganizationId,
    drafts: Drafts<'_>,
) -> Result<Response, Problem> {
    let head = Head::of(signed, organization)?;
    let mine = head.membership.role;
    let mut connection = platform.pool.acquire().await?;
    let people = store::membership::of_organization(&mut connection, organization).await?;
    let invitations = match mine.may(Right::Invite) {
        true => store::invitation::open(&mut connection, organization, platform.now()).await?,
        false => Vec::new(),
    };
    let roles = Role::ALL.iter().copied().filter(|role| mine.may_manage(*role)).collect();
    let status = drafts.invite.or(drafts.rename).map_or(StatusCode::OK, Problem::status);
    let (page, me) = (&page_at(signed, &head), signed.account.id.to_string());
    // What was just told is in the address of the page itself only.
    let page = if drafts.invite.or(drafts.rename).is_some() { page } else { &Page::to(signed) };
    html(status, &OrganizationPage { page, head, me, people, invitations, roles, drafts })
}
