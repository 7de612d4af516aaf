//! Somebody who opens a page of a server, and what every such page has.

use domain::id::InstanceId;
use domain::{Right, Role};

use super::Told;
use super::standing::facts;
use crate::app::server::user::has_users;
use crate::auth::signed::Signed;
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::store;
use crate::store::instance::Instance;

/// A server, and what whoever looks is in its organization.
#[derive(Debug)]
pub struct Visit {
    /// The server.
    pub instance: Instance,
    /// What they are.
    pub role: Role,
}

/// Finds a server for somebody who wants to do something with it. Somebody else's does not exist for them. One whose data
/// were destroyed does: its bundle is there for a while longer.
///
/// # Errors
/// `not-found`, `forbidden`, `unconfirmed`, or `password-needed`, after which they come back to the server's page `back`.
pub async fn visit(platform: &Platform, signed: &Signed, id: &str, right: Right, back: &str) -> Result<Visit, Problem> {
    let missing = || Problem::new(Code::NotFound);
    let id: InstanceId = id.parse().map_err(|_| missing())?;
    let mut connection = platform.pool.acquire().await?;
    let found = store::instance::find(&mut connection, id).await?;
    let instance = found.ok_or_else(missing)?;
    let role = signed.demand(platform, instance.organization, right).map_err(|problem| {
        let again = problem.code == Code::PasswordNeeded;
        if again { problem.with("back", format!("/servers/{id}{back}")) } else { problem }
    })?;
    Ok(Visit { instance, role })
}

/// What the frame around every page of a server shows.
#[derive(Debug)]
pub struct Frame {
    /// The server's id.
    pub id: InstanceId,
    /// Its name.
    pub hostname: String,
    /// How it stands.
    pub told: Told,
    /// The pages about it that its reader may open, the one that is open among them.
    pub tabs: Vec<Tab>,
    /// The place in the log of facts that the page shows.
    pub seq: i64,
}

/// A page about a server.
#[derive(Debug)]
pub struct Tab {
    /// What follows the server's address.
    pub path: &'static str,
    /// The key of its name.
    pub text: &'static str,
    /// Whether it is the one that is open.
    pub open: bool,
}

impl Visit {
    /// Whether they may do something here, the password apart.
    #[must_use]
    pub const fn may(&self, right: Right) -> bool {
        self.role.may(right)
    }

    /// The frame of a page.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn frame(&self, platform: &Platform, signed: &Signed, open: &str) -> Result<Frame, Problem> {
        let mut connection = platform.pool.acquire().await?;
        // Before anything is read: what is told later is not missed.
        let seq = store::outbox::last(&mut connection).await?;
        let found = facts(&mut connection, std::slice::from_ref(&self.instance), platform.now()).await?;
        let standing = found.first().map(|facts| facts.standing());
        let standing = standing.ok_or_else(|| Problem::internal(anyhow::anyhow!("a server without facts")))?;
        let there = self.instance.purged_at.is_none();
        let users = there && has_users(self.instance.flavour) && self.may(Right::AddUsers);
        let tab =
            |path: &'static str, text: &'static str, shown: bool| shown.then(|| Tab { path, text, open: path == open });
        let tabs = [
            tab("", "tab-overview", true),
            tab("/guide", "tab-guide", there && self.instance.ready_at.is_some()),
            tab("/users", "tab-users", users),
            tab("/exports", "tab-exports", true),
            tab("/settings", "tab-settings", there && self.may(Right::Settings)),
            tab("/history", "tab-history", self.may(Right::SeeAudit)),
        ];
        Ok(Frame {
            id: self.instance.id,
            hostname: self.instance.hostname.to_string(),
            told: Told::of(standing, &signed.request.texts),
            tabs: tabs.into_iter().flatten().collect(),
            seq,
        })
    }
}
