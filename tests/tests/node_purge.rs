//! The end of a server on real disks: refused while something is missing, then all of it goes, and nothing of its
//! neighbour.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use crd::purge::Approval;
use crd::{Cell as CellObject, Export, ExportReason, ExportSpec, Mode, Phase, Purge, PurgeSpec, condition};
use e2e::node;
use e2e::node::taken::{Taken, made};
use e2e::node::tenant::{Belongings, Tenant};
use e2e::node::tree::Tree;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Namespace, PersistentVolume};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt as _};
use lab::demo::{self, Cell, Living};
use lab::download::{self, Stored};
use lab::node::Ground;
use lab::wait;
use serde_json::json;

const READY: Duration = Duration::from_secs(180);
const LIMIT: Duration = Duration::from_secs(240);

/// A server with a post and a bundle.
struct Home<'a> {
    cell: &'a Cell,
    tenant: Tenant,
    living: Living,
    older: Export,
    folder: PathBuf,
    volume: String,
}

/// All of a server that holds bytes.
#[derive(Debug, PartialEq, Eq)]
struct Holdings {
    things: Belongings,
    census: BTreeSet<String>,
    stored: BTreeMap<String, Stored>,
}

impl<'a> Home<'a> {
    async fn build(ground: &Ground, cell: &'a Cell, word: &str) -> Result<Self> {
        let site = &cell.site;
        let order = site.order(&format!("{word}-{}", lab::journey::stamp()), "hugo").await?;
        site.ready(&order, READY).await?;
        let living = demo::log_in(site, order).await?;
        site.app(&living.order).post(&living.token, "still here").await?;
        let older = site.export(&living.order, &format!("{}-older", living.order.name), None, LIMIT).await?;
        site.ready(&living.order, READY).await?;
        let tenant = Tenant::of(ground, site, &living.order.name);
        tenant.idle().await?;
        let (folder, volume) = (tenant.folder().await?, tenant.volume().await?);
        Ok(Self { cell, tenant, living, older, folder, volume })
    }

    /// What the store has of it, by key.
    async fn stored(&self) -> Result<BTreeMap<String, Stored>> {
        let uid = &self.living.order.uid;
        let mut all = BTreeMap::new();
        for prefix in ["bundles", "keys", "escrow"] {
            all.extend(download::list(&self.cell.bucket, &format!("{prefix}/{uid}")).await?);
        }
        Ok(all)
    }

    async fn holdings(&self) -> Result<Holdings> {
        let (things, census) = (self.tenant.belongings().await?, self.tenant.census().await?);
        Ok(Holdings { things, census, stored: self.stored().await? })
    }

    /// Stops it for good and takes its last copy.
    async fn close(&self) -> Result<()> {
        self.cell.site.set_mode(&self.living.order, Mode::Closing).await?;
        self.cell.site.until_condition(&self.living.order, condition::STOPPED, READY).await
    }

    async fn last_copy(&self) -> Result<Export> {
        let (exports, name) = (Api::<Export>::all(self.tenant.client.clone()), format!("{}-last", self.tenant.name));
        let spec = ExportSpec {
            instance_ref: self.living.order.instance_ref(),
            reason: ExportReason::Final,
            recipient: None,
            key_claim: None,
        };
        exports.create(&PostParams::default(), &Export::new(&name, spec)).await?;
        let done = wait::until("the last copy", LIMIT, async || {
            let export = exports.get(&name).await?;
            let work = export.status.as_ref().map(|status| status.work.clone()).unwrap_or_default();
            ensure!(work.phase.is_final(), "{work:?}");
            Ok(Some(export))
        })
        .await?;
        made(&done)?;
        Ok(done)
    }

    fn purges(&self) -> Api<Purge> {
        Api::all(self.tenant.client.clone())
    }

    /// Asks for its end; the purge's name.
    async fn ask(&self, word: &str, bundle: &Export, approvals: &[Approval]) -> Result<String> {
        let spec = PurgeSpec {
            instance_ref: self.living.order.instance_ref(),
            manifest_digest: made(bundle)?.manifest_digest,
            not_before: Timestamp::UNIX_EPOCH,
            approvals: approvals.to_vec(),
        };
        let name = format!("{}-{word}", self.tenant.name);
        self.purges().create(&PostParams::default(), &Purge::new(&name, spec)).await?;
        Ok(name)
    }

    /// Waits until a purge is refused for this reason.
    async fn refused(&self, purge: &str, reason: &str) -> Result<()> {
        wait::until(&format!("purge {purge} to be refused: {reason}"), LIMIT, async || {
            let status = self.purges().get(purge).await?.status.unwrap_or_default();
            let refused = status.work.phase == Phase::Pending && status.work.reason == reason;
            ensure!(refused && !status.work.message.is_empty(), "{status:?}");
            Ok(Some(()))
        })
        .await
    }
}

fn approval(by: &str) -> Approval {
    Approval { by: by.to_owned(), reason: "the customer has left".to_owned() }
}

/// Nothing is left of it but its last copy, and the last copy is whole.
async fn is_gone(ground: &Ground, home: &Home<'_>, last: &Export) -> Result<()> {
    let client = &home.tenant.client;
    ensure!(!home.folder.exists(), "{} is left", home.folder.display());
    let folders = std::fs::read_dir(ground.state_dir.join("volumes"))?.flatten();
    let left: Vec<_> =
        folders.map(|one| one.path()).filter(|path| path.to_string_lossy().contains(&home.tenant.space)).collect();
    ensure!(left.is_empty(), "{left:?} is left");
    let spaces: Api<Namespace> = Api::all(client.clone());
    ensure!(spaces.get_opt(&home.tenant.space).await?.is_none(), "the namespace is left");
    let volumes: Api<PersistentVolume> = Api::all(client.clone());
    ensure!(volumes.get_opt(&home.volume).await?.is_none(), "the volume is left");
    ensure!(home.tenant.instances().get_opt(&home.tenant.name).await?.is_none(), "the instance is left");

    let uid = last.uid().context("no uid")?;
    let stored: BTreeSet<String> = home.stored().await?.into_keys().collect();
    let strange = stored.iter().filter(|key| !key.contains(&uid)).collect::<Vec<_>>();
    ensure!(strange.is_empty(), "older bundles are left: {strange:?}");
    let key = format!("keys/{}/{uid}.age", home.living.order.uid);
    ensure!(stored.contains(&key), "the last copy's key is gone: {stored:?}");
    let work = tempfile::tempdir()?;
    Taken::from(home.cell, last, work.path()).await.context("the last copy")?;
    let cell = Api::<CellObject>::all(client.clone()).get(crd::labels::CELL).await?;
    ensure!(cell.status.as_ref().is_some_and(|status| status.breaker.is_none()), "{:?}", cell.status);
    Ok(())
}

#[test]
fn a_closed_server_goes_with_all_it_had_and_nothing_of_its_neighbour() {
    node::test(async |ground, cell| {
        let homes = [Home::build(ground, cell, "leaves"), Home::build(ground, cell, "stays")];
        let [home, neighbour] = &futures::future::try_join_all(homes).await?[..] else { anyhow::bail!("two homes") };
        let (before, theirs) = (home.holdings().await?, neighbour.holdings().await?);

        // It is open.
        let early = home.ask("early", &home.older, &[approval("dana")]).await?;
        home.refused(&early, "NotClosing").await?;
        ensure!(home.holdings().await? == before, "a refused purge took something");
        home.close().await?;
        let files = Tree::read(&home.folder, &[])?;
        // It is closed, but that bundle is from before; and nobody approved of the one that is not.
        let last = home.last_copy().await?;
        let purge = home.ask("purge", &last, &[]).await?;
        home.refused(&purge, "NotApproved").await?;
        home.refused(&early, "BundleOutdated").await?;
        ensure!(Tree::read(&home.folder, &[])? == files, "a refused purge took files");
        ensure!(home.tenant.belongings().await? == before.things, "a refused purge took something");
        let stored = home.stored().await?;
        ensure!(before.stored.iter().all(|(key, was)| stored.get(key) == Some(was)), "a refused purge took a bundle");
        home.purges().delete(&early, &DeleteParams::default()).await?;

        let approve = Patch::Merge(json!({ "spec": { "approvals": [approval("dana")] } }));
        home.purges().patch(&purge, &PatchParams::default(), &approve).await?;
        wait::until("the purge to be done", LIMIT, async || {
            let status = home.purges().get(&purge).await?.status.unwrap_or_default();
            ensure!(status.work.phase == Phase::Succeeded && status.verified_at.is_some(), "{status:?}");
            Ok(Some(()))
        })
        .await?;
        is_gone(ground, home, &last).await?;

        let now = neighbour.holdings().await?;
        ensure!(now == theirs, "the neighbour had {theirs:?} and has {now:?}");
        cell.site.ready(&neighbour.living.order, READY).await?;
        let app = cell.site.app(&neighbour.living.order);
        app.home_with(&neighbour.living.token, "still here", 10).await?;
        let work = tempfile::tempdir()?;
        Taken::from(cell, &neighbour.older, work.path()).await.context("the neighbour's bundle").map(drop)
    });
}
