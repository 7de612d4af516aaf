//! What staff do to a server, by the use cases behind their pages.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use control_plane::actor::Actor;
use control_plane::app::operation::begin;
use control_plane::{Given, Platform, command, store};
use domain::hold::Authority;
use domain::id::{HoldId, InstanceId};
use domain::operation::{Kind, Subject};
use domain::{Hold, HoldKind};

use super::Stage;

impl Stage {
    fn platform(&self) -> Result<Arc<Platform>> {
        let given = Given { config: Some(self.control.configuration()), ..Given::default() };
        command::platform(given.check()?, 2)
    }

    /// Stops a server for a reason that its owner reads. `page` is its page.
    ///
    /// # Errors
    /// When there is no such server.
    pub async fn hold(&self, page: &str, reason: &str) -> Result<HoldId> {
        let platform = self.platform()?;
        let (id, now, actor) = (instance(page)?, platform.now(), Actor::system());
        let mut tx = platform.begin().await?;
        let server = store::instance::lock(&mut tx, id).await?.context("no such server")?;
        let (hold, staff) = (platform.id(HoldId::new)?, Authority::Staff);
        let placed = Hold::place(hold, HoldKind::Staff, reason.to_owned(), staff, now, None)?;
        store::hold::insert(&mut tx, id, &placed, actor.who).await?;
        begin(&platform, &mut tx, &actor, &server, Kind::ApplyInstance, Subject::Instance(id)).await?;
        tx.commit().await?;
        Ok(hold)
    }

    /// Lifts it again.
    ///
    /// # Errors
    /// When there is no such server.
    pub async fn lift(&self, page: &str, hold: HoldId) -> Result<()> {
        let platform = self.platform()?;
        let (id, now, actor) = (instance(page)?, platform.now(), Actor::system());
        let mut tx = platform.begin().await?;
        let server = store::instance::lock(&mut tx, id).await?.context("no such server")?;
        store::hold::lift(&mut tx, hold, actor.who, now).await?;
        begin(&platform, &mut tx, &actor, &server, Kind::ApplyInstance, Subject::Instance(id)).await?;
        Ok(tx.commit().await?)
    }
}

/// The server that a page is about.
///
/// # Errors
/// When it is no server's page.
pub fn instance(page: &str) -> Result<InstanceId> {
    let id = page.strip_prefix("/servers/").context("not a server's page")?;
    id.parse::<InstanceId>().with_context(|| id.to_owned())
}
