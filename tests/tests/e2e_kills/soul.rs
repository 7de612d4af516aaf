//! What makes a server the one it was, however often all that is ours died: its identity, its key, its volume, its people's
//! posts, its bundles.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use crd::{Export, Instance};
use e2e::node::tenant::{Belongings, Tenant};
use e2e::node::visit::actor_key;
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};
use lab::client::App;
use lab::demo::Cell;
use lab::download;

/// A server as it was born, and what its owner wrote since.
pub struct Soul {
    cell: &'static Cell,
    /// Its objects.
    pub tenant: Tenant,
    app: App,
    host: String,
    owner: String,
    token: String,
    born: Instance,
    actor: String,
    things: Belongings,
    posts: Vec<String>,
}

impl Soul {
    /// A server that has just been made, with its owner's log-in.
    pub async fn of(cell: &'static Cell, tenant: Tenant, host: &str, owner: &str, token: &str) -> Result<Self> {
        Ok(Self {
            cell,
            app: cell.site.app_of(host),
            host: host.to_owned(),
            owner: owner.to_owned(),
            token: token.to_owned(),
            born: tenant.instance().await?,
            actor: actor_key(&cell.site, host, owner).await?,
            things: tenant.belongings().await?,
            tenant,
            posts: Vec::new(),
        })
    }

    /// The uid of its object.
    pub fn uid(&self) -> Result<String> {
        self.born.uid().context("no uid")
    }

    /// Its owner writes something.
    pub async fn post(&mut self, text: String) -> Result<()> {
        self.app.post(&self.token, &text).await?;
        self.posts.push(text);
        Ok(())
    }

    /// Nothing of it is another or gone, and nothing is there twice.
    pub async fn is_the_same(&self) -> Result<()> {
        self.tenant.idle().await?;
        ensure!(self.tenant.live_pods("server").await?.len() == 1, "more than one pod serves, or none");
        let now = self.tenant.instance().await?;
        let identity = |instance: &Instance| instance.status.as_ref().and_then(|status| status.identity.clone());
        ensure!(identity(&now).is_some() && identity(&now) == identity(&self.born), "{:?}", identity(&now));
        ensure!(now.uid() == self.born.uid(), "another object");
        let key = actor_key(&self.cell.site, &self.host, &self.owner).await?;
        ensure!(key == self.actor, "the owner has another key");
        let things = self.tenant.belongings().await?;
        ensure!(things == self.things, "{things:?} instead of {:?}", self.things);
        ensure!((things.claims.len(), things.volumes.len(), things.folders.len()) == (1, 1, 1), "{things:?}");
        let texts = self.app.home_with(&self.token, self.posts.last().context("no post")?, 10).await?.texts;
        let lost: Vec<_> = self.posts.iter().filter(|post| !texts.iter().any(|text| text.contains(*post))).collect();
        ensure!(lost.is_empty(), "posts are lost: {lost:?}");
        Ok(())
    }

    /// These exports and no others are in the cell, with one bundle each in the bucket.
    pub async fn has_bundles_of(&self, asked: &BTreeSet<String>) -> Result<()> {
        let uid = self.uid()?;
        let exports = Api::<Export>::all(self.tenant.client.clone()).list(&ListParams::default()).await?.items;
        let mine = exports.iter().filter(|export| export.spec.instance_ref.uid == uid);
        let made: BTreeSet<String> = mine.filter_map(|one| one.uid()).collect();
        ensure!(made == *asked, "exports {made:?} instead of {asked:?}");
        let prefix = format!("bundles/{uid}/");
        let stored = download::list(&self.cell.bucket, &prefix).await?;
        let bundles = stored.keys().filter_map(|key| key.strip_prefix(&prefix)?.split('/').next().map(str::to_owned));
        let bundles: BTreeSet<String> = bundles.collect();
        ensure!(bundles == *asked, "bundles {bundles:?} instead of {asked:?}");
        Ok(())
    }
}
