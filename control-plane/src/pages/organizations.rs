//! Organizations: who is in them, what programs act for them, who did what.

pub mod create;
pub mod delete;
pub mod hand_over;
pub mod invitation_revoke;
pub mod invite;
pub mod leave;
pub mod list;
pub mod log;
pub mod member_remove;
pub mod member_role;
pub mod rename;
pub mod show;
pub mod token_new;
pub mod token_revoke;
pub mod tokens;

use domain::id::OrganizationId;

use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::Page;
use crate::store::organization::Membership;

/// What every page about one organization has.
pub struct Head {
    /// The organization, and what the reader is in it.
    pub membership: Membership,
    /// Its path: `/organizations/org_…`.
    pub path: String,
}

impl Head {
    /// The head for whoever is logged in; somebody else's organization does not exist for them.
    ///
    /// # Errors
    /// `not-found`.
    pub fn of(signed: &Signed, organization: OrganizationId) -> Result<Self, Problem> {
        let membership = signed.membership(organization)?.clone();
        Ok(Self { membership, path: path(organization) })
    }

    /// The path of a page below it.
    #[must_use]
    pub fn at(&self, below: &str) -> String {
        format!("{}{below}", self.path)
    }

    /// Whether the reader may do something, by its word. For templates.
    #[must_use]
    pub fn may(&self, right: &str) -> bool {
        right.parse().is_ok_and(|right| self.membership.role.may(right))
    }
}

/// The path of an organization's page.
#[must_use]
pub fn path(organization: OrganizationId) -> String {
    format!("/organizations/{organization}")
}

/// A page about an organization that answers a form.
fn page_at(signed: &Signed, head: &Head) -> Page {
    Page::to(signed).at(head.path.clone())
}
