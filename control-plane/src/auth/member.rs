//! Somebody who acts in an organization.

use domain::id::{AccountId, OrganizationId};
use domain::{Right, Role};

use crate::actor::Actor;
use crate::error::{Code, Problem};
use crate::platform::Tx;
use crate::store;

/// Somebody who acts in an organization, in a browser or by a token, and was allowed to when the request came in.
#[derive(Debug, Clone)]
pub struct Member {
    /// For the audit log.
    pub actor: Actor,
    /// Who, or in whose name.
    pub account: AccountId,
    /// Where.
    pub organization: OrganizationId,
    /// As what.
    pub role: Role,
}

impl Member {
    /// Locks the organization for the transaction and looks again whether they may: roles change while requests wait.
    /// Returns the role they have now.
    ///
    /// # Errors
    /// `not-found` when they are not in it any more, `forbidden` when their role does not allow it any more.
    pub async fn enter(&self, tx: &mut Tx, right: Right) -> Result<Role, Problem> {
        let role = self.enter_at_all(tx).await?;
        if role.may(right) { Ok(role) } else { Err(Problem::new(Code::Forbidden)) }
    }

    /// As [`Member::enter`], for what every member may do.
    ///
    /// # Errors
    /// `not-found` when they are not in it any more.
    pub async fn enter_at_all(&self, tx: &mut Tx) -> Result<Role, Problem> {
        let gone = || Problem::new(Code::NotFound);
        if !store::organization::lock(tx, self.organization).await? {
            return Err(gone());
        }
        store::membership::role(tx, self.organization, self.account).await?.ok_or_else(gone)
    }
}
