//! The operator and the pods of exports are killed again and again while people order servers, freeze and thaw them, take
//! copies and add accounts. In the end everything is as if nobody had been killed.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use crd::{AccountAction, AccountChange, Export, Instance, Mode, Phase, condition, labels};
use e2e::node;
use e2e::node::process::{self, Operator};
use e2e::node::taken::Taken;
use e2e::node::tenant::{Belongings, Tenant};
use e2e::node::{account, visit};
use futures::future::try_join_all;
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};
use lab::demo::{self, Cell, Living};
use lab::node::Ground;
use lab::{download, wait};
use operator::clock::{Random as _, SystemRandom};
use operator::store::layout;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::time::{Instant, sleep};

/// How often somebody is killed at least, and how many of those are pods of exports.
const KILLS: usize = 30;
const EXPORTS: usize = 6;
/// No export's pods are killed more often: its Job would be given up, and the next one waits for long.
const PER_EXPORT: usize = 2;
const SERVERS: usize = 3;
/// A copy of so much takes longer than its pod takes to start.
const FILM: usize = 64 << 20;
const READY: Duration = Duration::from_secs(240);
const LIMIT: Duration = Duration::from_secs(300);

/// Set `STEPPE_TEST_SEED` to kill in the same order, with the same pauses, as another run.
fn seed() -> Result<u64> {
    #[allow(clippy::disallowed_methods)] // A test program has no command line of its own.
    let wished = std::env::var("STEPPE_TEST_SEED").ok();
    let mut drawn = [0; 8];
    SystemRandom.fill(&mut drawn)?;
    let wished = wished.map(|text| text.parse()).transpose().context("STEPPE_TEST_SEED is no number")?;
    Ok(wished.unwrap_or_else(|| u64::from_le_bytes(drawn)))
}

/// What is done to the cell while people use it.
struct Storm<'a> {
    seed: u64,
    ground: &'a Ground,
    cell: &'a Cell,
    begun: Instant,
    operator: AtomicUsize,
    exports: AtomicUsize,
}

impl<'a> Storm<'a> {
    fn new(seed: u64, ground: &'a Ground, cell: &'a Cell) -> Self {
        let (operator, exports) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { seed, ground, cell, begun: Instant::now(), operator, exports }
    }

    fn kills(&self) -> usize {
        self.operator.load(Ordering::SeqCst) + self.exports.load(Ordering::SeqCst)
    }

    fn is_over(&self) -> bool {
        self.kills() >= KILLS && self.exports.load(Ordering::SeqCst) >= EXPORTS
    }

    fn tell(&self, what: &str) {
        println!("{:6.1} s {what}", self.begun.elapsed().as_secs_f64());
    }

    /// Kills the operator a moment after it has come to lead, in three ways; only once in the way after which its lease has
    /// to run out, because that takes long.
    async fn on_operator(&self) -> Result<()> {
        let operator = Operator::of(self.ground, &self.cell.site.client);
        let mut random = StdRng::seed_from_u64(self.seed);
        let (vanishes, mut vanished) = (random.random_range(3..10), false);
        while !self.is_over() {
            operator.leads(None).await?;
            sleep(Duration::from_millis(random.random_range(0..3000))).await;
            let restarts = operator.leads(None).await?.restarts;
            let nth = self.operator.fetch_add(1, Ordering::SeqCst) + 1;
            let fallen = match (restarts, random.random_bool(0.3)) {
                // One that is started again at once would give its lease back.
                (1.., _) if nth >= vanishes && !vanished => {
                    self.tell("the operator vanishes");
                    vanished = true;
                    operator.vanish().await?
                }
                // Started again a second time, it would be kept waiting for longer and longer.
                (0, false) => {
                    self.tell("the operator's process is killed");
                    operator.kill().await?
                }
                (_, _) => {
                    self.tell("the operator's pod is lost");
                    operator.lose().await?
                }
            };
            operator.leads(Some(&fallen)).await?;
        }
        Ok(())
    }

    /// Kills pods of exports a moment after they began to run.
    async fn on_exports(&self) -> Result<()> {
        let pods: Api<Pod> = Api::all(self.cell.site.client.clone());
        let list = ListParams::default().labels(&format!("{}=export", labels::ROLE));
        let mut random = StdRng::seed_from_u64(self.seed.wrapping_add(1));
        let (mut seen, mut hits) = (BTreeSet::new(), BTreeMap::new());
        while !self.is_over() {
            let running = pods.list(&list).await?.items.into_iter().filter(|pod| process::container(pod).is_some());
            let next = running.filter(|pod| hits.get(&work(pod)).is_none_or(|hits| *hits < PER_EXPORT));
            let Some(pod) = next.into_iter().find(|pod| seen.insert(pod.uid())) else {
                sleep(Duration::from_millis(50)).await;
                continue;
            };
            sleep(Duration::from_millis(random.random_range(0..1500))).await;
            if self.end(&pod, random.random_bool(0.5)).await? {
                *hits.entry(work(&pod)).or_insert(0) += 1;
                self.exports.fetch_add(1, Ordering::SeqCst);
            }
        }
        Ok(())
    }

    /// Ends a pod of an export, by its process or by its object; `false` when it was at its end already.
    async fn end(&self, pod: &Pod, process: bool) -> Result<bool> {
        let (space, name) = (pod.namespace().unwrap_or_default(), pod.name_any());
        if process {
            let done = process::kill(self.ground, pod)?;
            self.tell(&format!("the process of {space}/{name} is killed: {done}"));
            return Ok(done);
        }
        let pods: Api<Pod> = Api::namespaced(self.cell.site.client.clone(), &space);
        let runs = pods.get_opt(&name).await?.is_some_and(|pod| process::container(&pod).is_some());
        let done = runs && process::lose(&pods, pod).await?;
        self.tell(&format!("{space}/{name} is lost: {done}"));
        Ok(done)
    }
}

fn work(pod: &Pod) -> String {
    pod.labels().get(labels::WORK_UID).cloned().unwrap_or_default()
}

/// A server, and what its people did.
struct House<'a> {
    cell: &'a Cell,
    tenant: Tenant,
    living: Living,
    born: Instance,
    actor: String,
    things: Belongings,
    posts: Vec<String>,
    /// Passwords by handle.
    accounts: BTreeMap<String, String>,
    exports: Vec<Export>,
}

impl<'a> House<'a> {
    async fn build(storm: &Storm<'a>, number: usize) -> Result<Self> {
        let site = &storm.cell.site;
        let order = site.order(&format!("storm-{number}-{}", lab::journey::stamp()), "greta").await?;
        site.ready(&order, READY).await?;
        let living = demo::log_in(site, order).await?;
        let tenant = Tenant::of(storm.ground, site, &living.order.name);
        let folder = tenant.folder().await?.join("d/user/greta/static");
        let (film, meta) = (folder.join("film.bin"), std::fs::metadata(&folder)?);
        let mut content = vec![0; FILM];
        SystemRandom.fill(&mut content)?;
        std::fs::write(&film, content)?;
        chown(&film, Some(meta.uid()), Some(meta.gid()))?;
        std::fs::hard_link(&film, folder.join("same.bin"))?;
        storm.tell(&format!("{} is there", living.order.name));
        Ok(Self {
            cell: storm.cell,
            born: tenant.instance().await?,
            actor: visit::actor_key(site, &living.order.host, "greta").await?,
            things: tenant.belongings().await?,
            tenant,
            living,
            posts: Vec::new(),
            accounts: BTreeMap::new(),
            exports: Vec::new(),
        })
    }

    /// Until the storm is over, and at least once each.
    async fn live(storm: &Storm<'a>, number: usize) -> Result<Self> {
        wait::until("some to be killed", LIMIT, async || Ok((storm.kills() >= 4 * number).then_some(()))).await?;
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
        let text = format!("after round {round}");
        site.app(order).post(&self.living.token, &text).await?;
        self.posts.push(text);
        Ok(())
    }

    /// It is the server it was, with all that its people did, once.
    async fn is_whole(&self) -> Result<()> {
        let (site, order) = (&self.cell.site, &self.living.order);
        site.ready(order, READY).await?;
        self.tenant.idle().await?;
        ensure!(self.tenant.live_pods("server").await?.len() == 1, "more than one pod serves, or none");
        let now = self.tenant.instance().await?;
        let identity = |instance: &Instance| instance.status.as_ref().and_then(|status| status.identity.clone());
        ensure!(identity(&now).is_some() && identity(&now) == identity(&self.born), "{:?}", identity(&now));
        ensure!(visit::actor_key(site, &order.host, "greta").await? == self.actor, "the owner has another key");
        let things = self.tenant.belongings().await?;
        ensure!(things == self.things, "{things:?} instead of {:?}", self.things);
        ensure!((things.claims.len(), things.volumes.len(), things.folders.len()) == (1, 1, 1), "{things:?}");

        let app = site.app(order);
        let texts = app.home_with(&self.living.token, self.posts.last().context("no post")?, 10).await?.texts;
        let lost: Vec<_> = self.posts.iter().filter(|post| !texts.iter().any(|text| text.contains(*post))).collect();
        ensure!(lost.is_empty(), "posts are lost: {lost:?}");
        for (handle, password) in &self.accounts {
            app.login(handle, password).await.with_context(|| format!("log-in of {handle}"))?;
        }
        let users = std::fs::read_dir(self.tenant.folder().await?.join("d/user"))?.flatten();
        let users: BTreeSet<String> = users.map(|user| user.file_name().to_string_lossy().into_owned()).collect();
        let asked: BTreeSet<String> = self.accounts.keys().cloned().chain(["greta".to_owned()]).collect();
        ensure!(users == asked, "{users:?} instead of {asked:?}");
        self.copies_are_whole().await
    }

    /// How many of its copies were written by more than one pod.
    async fn copies_by_many(&self) -> Result<usize> {
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
        let all = ListParams::default();
        let exports = Api::<Export>::all(self.cell.site.client.clone()).list(&all).await?.items;
        let mine = exports.iter().filter(|export| export.spec.instance_ref.uid == order.uid);
        let made: BTreeSet<String> = mine.filter_map(|one| one.uid()).collect();
        let asked: BTreeSet<String> = self.exports.iter().filter_map(|one| one.uid()).collect();
        ensure!(made == asked, "exports {made:?} instead of {asked:?}");
        let changes = Api::<AccountChange>::all(self.cell.site.client.clone()).list(&all).await?.items;
        let mine = changes.iter().filter(|change| change.spec.instance_ref.uid == order.uid).count();
        ensure!(mine == self.accounts.len(), "{mine} account changes instead of {}", self.accounts.len());

        let prefix = format!("bundles/{}/", order.uid);
        let stored = download::list(&self.cell.bucket, &prefix).await?;
        let bundles = stored.keys().filter_map(|key| key.strip_prefix(&prefix)?.split('/').next().map(str::to_owned));
        let bundles: BTreeSet<String> = bundles.collect();
        ensure!(bundles == asked, "bundles {bundles:?} instead of {asked:?}");
        for export in &self.exports {
            let folder = tempfile::tempdir()?;
            let taken = Taken::from(self.cell, export, folder.path()).await.with_context(|| export.name_any())?;
            let counts = &taken.manifest.counts;
            ensure!(counts.bytes > FILM as u64 && counts.hard_links > 0, "{}: {counts:?}", export.name_any());
        }
        Ok(())
    }
}

#[test]
fn servers_live_on_while_the_operator_and_exports_are_killed() {
    node::test(async |ground, cell| {
        let storm = Storm::new(seed()?, ground, cell);
        println!("STEPPE_TEST_SEED={}", storm.seed);
        let people = try_join_all((0..SERVERS).map(|number| House::live(&storm, number)));
        let (houses, (), ()) = tokio::try_join!(people, storm.on_operator(), storm.on_exports())?;
        storm.tell(&format!("{} kills, {} of them of exports", storm.kills(), storm.exports.load(Ordering::SeqCst)));
        let calm = House::build(&storm, SERVERS);
        let (calm, _) = tokio::try_join!(calm, try_join_all(houses.iter().map(House::is_whole)))?;
        calm.tenant.idle().await?;
        let usual = calm.tenant.census().await?;
        for house in &houses {
            let census = house.tenant.census().await?;
            ensure!(census == usual, "{} has {census:?} instead of {usual:?}", house.living.order.name);
        }
        let shared = try_join_all(houses.iter().map(House::copies_by_many)).await?.into_iter().sum::<usize>();
        storm.tell(&format!("all are whole; {shared} copies were made by more than one pod"));
        Ok(())
    });
}
