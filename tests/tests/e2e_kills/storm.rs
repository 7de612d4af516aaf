//! Who is killed, and when.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use crd::labels;
use e2e::node::process::{self, Operator};
use e2e::stage::Stage;
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};
use lab::control::Program;
use operator::clock::{Random as _, SystemRandom};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sqlx::PgConnection;
use tokio::time::{Instant, sleep, timeout};

use crate::OWNERS;

/// How often each of operator, server and worker is killed at least, and how often pods of exports are.
const KILLS: usize = 30;
const EXPORTS: usize = 6;
/// No export's pods are killed more often: its Job would be given up, and the next one waits for long.
const PER_EXPORT: usize = 2;
/// So soon is an operation taken over here whose worker has died.
const LEASE: (&str, &str) = ("STEPPE_LEASE", "6");

/// Set `STEPPE_TEST_SEED` to kill in the same order, with the same pauses, as another run.
pub fn seed() -> Result<u64> {
    #[allow(clippy::disallowed_methods)] // A test program has no command line of its own.
    let wished = std::env::var("STEPPE_TEST_SEED").ok();
    let mut drawn = [0; 8];
    SystemRandom.fill(&mut drawn)?;
    let wished = wished.map(|text| text.parse()).transpose().context("STEPPE_TEST_SEED is no number")?;
    Ok(wished.unwrap_or_else(|| u64::from_le_bytes(drawn)))
}

/// What is done to the cell while people use it.
pub struct Storm {
    /// By which it goes again.
    pub seed: u64,
    /// Where.
    pub stage: &'static Stage,
    begun: Instant,
    operator: AtomicUsize,
    exports: AtomicUsize,
    server: AtomicUsize,
    worker: AtomicUsize,
    at_work: AtomicUsize,
    homes: AtomicUsize,
}

impl Storm {
    pub fn new(seed: u64, stage: &'static Stage) -> Self {
        let none = AtomicUsize::default;
        let (operator, exports, server, worker, at_work) = (none(), none(), none(), none(), none());
        Self { seed, stage, begun: Instant::now(), operator, exports, server, worker, at_work, homes: none() }
    }

    /// How far it has come, in percent of all that are to be killed.
    pub fn percent(&self) -> usize {
        let counted = [(&self.operator, KILLS), (&self.exports, EXPORTS), (&self.server, KILLS), (&self.worker, KILLS)];
        let done: usize = counted.iter().map(|(count, of)| count.load(Ordering::SeqCst).min(*of)).sum();
        done * 100 / (3 * KILLS + EXPORTS)
    }

    /// One who ordered at the dashboard has come through everything once.
    pub fn home_is_done(&self) {
        self.homes.fetch_add(1, Ordering::SeqCst);
    }

    /// Enough were killed, and some in the middle of each thing that people do at the dashboard.
    pub fn is_over(&self) -> bool {
        self.percent() == 100 && self.homes.load(Ordering::SeqCst) >= OWNERS.len()
    }

    /// Who was killed how often.
    pub fn told(&self) -> String {
        let count = |kills: &AtomicUsize| kills.load(Ordering::SeqCst);
        format!(
            "killed: operator {}, pods of exports {}, server {}, worker {} (in the middle of an operation {})",
            count(&self.operator),
            count(&self.exports),
            count(&self.server),
            count(&self.worker),
            count(&self.at_work)
        )
    }

    pub fn tell(&self, what: &str) {
        println!("{:6.1} s {what}", self.begun.elapsed().as_secs_f64());
    }

    /// Kills the operator a moment after it has come to lead, in three ways; only once in the way after which its lease has
    /// to run out, because that takes long.
    pub async fn on_operator(&self) -> Result<()> {
        let operator = Operator::of(&self.stage.control.ground, &self.stage.cell.site.client);
        let mut random = StdRng::seed_from_u64(self.seed);
        let (vanishes, mut vanished) = (random.random_range(3..10), false);
        while !self.is_over() {
            operator.leads(None).await?;
            sleep(Duration::from_millis(random.random_range(0..2000))).await;
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
    pub async fn on_exports(&self) -> Result<()> {
        let pods: Api<Pod> = Api::all(self.stage.cell.site.client.clone());
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

    /// Kills the server or the worker and starts it again: at any moment, or as soon as an operation is at work.
    pub async fn on_program(&self, program: Program) -> Result<()> {
        let control = &self.stage.control;
        let (kills, turn) = match program {
            Program::Server => (&self.server, 2),
            Program::Worker => (&self.worker, 3),
        };
        let mut random = StdRng::seed_from_u64(self.seed.wrapping_add(turn));
        let mut database = self.stage.database().await?;
        while !self.is_over() {
            control.answers_as(program).await?;
            sleep(Duration::from_millis(random.random_range(0..5000))).await;
            let hit = program == Program::Worker && random.random_bool(0.5) && at_work(&mut database).await?;
            control.kill(program).await?;
            kills.fetch_add(1, Ordering::SeqCst);
            self.at_work.fetch_add(usize::from(hit), Ordering::SeqCst);
            self.tell(&format!("{} is killed{}", program.name(), if hit { " at work" } else { "" }));
            sleep(Duration::from_millis(random.random_range(0..500))).await;
            control.start_with(program, &[LEASE])?;
        }
        Ok(())
    }

    /// Ends a pod of an export, by its process or by its object; `false` when it was at its end already.
    async fn end(&self, pod: &Pod, process: bool) -> Result<bool> {
        let (space, name) = (pod.namespace().unwrap_or_default(), pod.name_any());
        if process {
            let done = process::kill(&self.stage.control.ground, pod)?;
            self.tell(&format!("the process of {space}/{name} is killed: {done}"));
            return Ok(done);
        }
        let pods: Api<Pod> = Api::namespaced(self.stage.cell.site.client.clone(), &space);
        let runs = pods.get_opt(&name).await?.is_some_and(|pod| process::container(&pod).is_some());
        let done = runs && process::lose(&pods, pod).await?;
        self.tell(&format!("{space}/{name} is lost: {done}"));
        Ok(done)
    }
}

fn work(pod: &Pod) -> String {
    pod.labels().get(labels::WORK_UID).cloned().unwrap_or_default()
}

/// Waits for the moment at which a worker has an operation in hand; `false` when none has for a while.
async fn at_work(database: &mut PgConnection) -> Result<bool> {
    let look = async {
        loop {
            let query = "SELECT EXISTS (SELECT FROM operations WHERE state = 'running' AND lease_until > now())";
            if sqlx::query_scalar(query).fetch_one(&mut *database).await? {
                return anyhow::Ok(true);
            }
            sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(Duration::from_secs(3), look).await.unwrap_or(Ok(false))
}
