//! A server that is ordered by an object in the cell, as from git.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::{MetadataExt as _, chown};

use anyhow::{Context as _, Result, ensure};
use crd::{AccountAction, AccountChange, Export, Mode, Phase, condition};
use e2e::node::account;
use e2e::node::taken::Taken;
use e2e::node::tenant::Tenant;
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};
use lab::demo::{self, Cell, Living};
use lab::{download, wait};
use operator::clock::{Random as _, SystemRandom};
use operator::store::layout;

use crate::soul::Soul;
use crate::storm::Storm;
use crate::{LIMIT, READY};

/// A copy of so much takes longer than its pod takes to start.
const FILM: usize = 64 << 20;

/// A server, and what its people did.
pub struct House {
    cell: &'static Cell,
    /// What must stay.
    pub soul: Soul,
    /// Its owner's log-in.
    pub living: Living,
    /// Passwords by handle.
    accounts: BTreeMap<String, String>,
    exports: Vec<Export>,
}

impl House {
    /// Makes a server by an object in the cell.
    pub async fn build(storm: &Storm, number: usize) -> Result<Self> {
        let site = &storm.stage.cell.site;
        let order = site.order(&format!("storm-{number}-{}", lab::journey::stamp()), "greta").await?;
        site.ready(&order, READY).await?;
        let living = demo::log_in(site, order).await?;
        let tenant = Tenant::of(&storm.stage.control.ground, site, &living.order.name);
        let folder = tenant.folder().await?.join("d/user/greta/static");
        let (film, meta) = (folder.join("film.bin"), std::fs::metadata(&folder)?);
        let mut content = vec![0; FILM];
        SystemRandom.fill(&mut content)?;
        std::fs::write(&film, content)?;
        chown(&film, Some(meta.uid()), Some(meta.gid()))?;
        std::fs::hard_link(&film, folder.join("same.bin"))?;
        storm.tell(&format!("{} is there", living.order.name));
        let soul = Soul::of(storm.stage.cell, tenant, &living.order.host, "greta", &living.token).await?;
        Ok(Self { cell: storm.stage.cell, soul, living, accounts: BTreeMap::new(), exports: Vec::new() })
    }

    /// Until the storm is over, and at least once each.
    pub async fn live(storm: &Storm, number: usize) -> Result<Self> {
        wait::until("some to be killed", LIMIT, async || Ok((storm.percent() >= 10 * number).then_some(()))).await?;
        let mut house = Self::build(storm, number).await?;
        for round in 0.. {
            house.round(round).await.with_context(|| format!("{} in round {round}", house.living.order.name))?;
            storm.tell(&format!("{} has come through round {round}", house.living.order.name));
            if round >= 3 && storm.is_over() {
                break;
            }
        }
        Ok(house)
    }

    async fn round(&mut self, round: usize) -> Result<()> {
        let (site, order) = (&self.cell.site, &self.living.order);
        let name = format!("{}-{round}", order.name);
        match round % 4 {
            0 | 2 => self.exports.push(site.export(order, &name, None, LIMIT).await?),
            1 => {
                site.set_mode(order, Mode::Frozen).await?;
                site.until_condition(order, condition::STOPPED, READY).await?;
                site.set_mode(order, Mode::Running).await?;
            }
            _ => {
                let handle = format!("guest{round}");
                let add = account::change(site, &order.instance_ref(), &name, AccountAction::Add, &handle).await?;
                ensure!(add.phase() == Phase::Succeeded, "{name}: {:?}", add.why());
                self.accounts.insert(handle, add.password()?);
            }
        }
        site.ready(order, READY).await?;
        self.soul.post(format!("after round {round}")).await
    }

    /// It is the server it was, with all that its people did, once.
    pub async fn is_whole(&self) -> Result<()> {
        let (site, order) = (&self.cell.site, &self.living.order);
        site.ready(order, READY).await?;
        self.soul.is_the_same().await?;
        let app = site.app(order);
        for (handle, password) in &self.accounts {
            app.login(handle, password).await.with_context(|| format!("log-in of {handle}"))?;
        }
        let users = std::fs::read_dir(self.soul.tenant.folder().await?.join("d/user"))?.flatten();
        let users: BTreeSet<String> = users.map(|user| user.file_name().to_string_lossy().into_owned()).collect();
        let asked: BTreeSet<String> = self.accounts.keys().cloned().chain(["greta".to_owned()]).collect();
        ensure!(users == asked, "{users:?} instead of {asked:?}");
        self.copies_are_whole().await
    }

    /// How many of its copies were written by more than one pod.
    pub async fn copies_by_many(&self) -> Result<usize> {
        let mut many = 0;
        for uid in self.exports.iter().filter_map(|export| export.uid()) {
            let writers = download::list(&self.cell.bucket, &layout::work_writers(&uid)).await?;
            many += usize::from(writers.len() > 1);
        }
        Ok(many)
    }

    /// Each export that was asked for made one bundle, all of which can be read, and there is nothing else.
    async fn copies_are_whole(&self) -> Result<()> {
        let order = &self.living.order;
        self.soul.has_bundles_of(&self.exports.iter().filter_map(|one| one.uid()).collect()).await?;
        let changes =
            Api::<AccountChange>::all(self.cell.site.client.clone()).list(&ListParams::default()).await?.items;
        let mine = changes.iter().filter(|change| change.spec.instance_ref.uid == order.uid).count();
        ensure!(mine == self.accounts.len(), "{mine} account changes instead of {}", self.accounts.len());
        for export in &self.exports {
            let folder = tempfile::tempdir()?;
            let taken = Taken::from(self.cell, export, folder.path()).await.with_context(|| export.name_any())?;
            let counts = &taken.manifest.counts;
            ensure!(counts.bytes > FILM as u64 && counts.hard_links > 0, "{}: {counts:?}", export.name_any());
        }
        Ok(())
    }
}
