//! Runs a scenario clean, then under plans, and compares.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use futures::StreamExt;
use kube::Client;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::clean::Clean;
use super::drama::{Drama, End};
use super::life::Keeper;
use super::log::Log;
use super::objects::Kind;
use super::plan::Plan;
use super::proxy::Proxy;
use super::report::{Failure, Report};
use super::scenario::{Run, Scenario};
use crate::light::Light;

/// How often a plan is run whose fault finds no moment.
const TRIES: u32 = 3;

/// The harness of one scenario.
pub struct Exec<S> {
    light: &'static Light,
    /// Shared by all runs: connections are what runs cost most.
    clients: OnceCell<(Client, reqwest::Client)>,
    pub(super) scenario: S,
    at_once: usize,
    pub(super) quiet: Duration,
    pub(super) limit: Duration,
    pub(super) patience: Duration,
}

impl<S: Scenario> Exec<S> {
    /// A harness: six runs side by side, each with a minute for each step.
    pub fn new(light: &'static Light, scenario: S) -> Self {
        let (quiet, limit) = (Duration::from_millis(300), Duration::from_secs(60));
        Self { light, clients: OnceCell::new(), scenario, at_once: 6, quiet, limit, patience: limit }
    }

    /// How many runs go side by side.
    #[must_use]
    pub fn at_once(mut self, runs: usize) -> Self {
        self.at_once = runs.max(1);
        self
    }

    /// How long the operator must have been silent to count as done.
    #[must_use]
    pub fn quiet(mut self, time: Duration) -> Self {
        self.quiet = time;
        self
    }

    /// How long a step may take, and what is only late in the end.
    #[must_use]
    pub fn limit(mut self, time: Duration) -> Self {
        (self.limit, self.patience) = (time, time);
        self
    }

    /// How late something may be in the end. For who looks for what never comes.
    #[must_use]
    pub fn patience(mut self, time: Duration) -> Self {
        self.patience = time;
        self
    }

    /// The scenario.
    pub fn scenario(&self) -> &S {
        &self.scenario
    }

    /// Runs the scenario clean, three times. The first run says what there is to look at, the other two are the measure,
    /// and where they differ nothing is compared later. Fails if a clean run is not clean.
    pub async fn learn(&self) -> Result<Clean> {
        let first = self.once(&Plan::default(), None).await.0.context("the first clean run")?;
        let writes = first.log.writes();
        let mut kinds: BTreeSet<Kind> = writes.iter().map(|record| Kind::of(&record.call)).collect();
        for kind in self.scenario.kinds() {
            if !kinds.iter().any(|known| known.is(&kind)) {
                kinds.insert(kind);
            }
        }
        let clean = Clean::draft(first, kinds);
        let (nothing, draft) = (Plan::default(), Some(&clean));
        let (second, third) = tokio::join!(self.once(&nothing, draft), self.once(&nothing, draft));
        let (second, third) = (second.0.context("the second clean run")?, third.0.context("the third clean run")?);
        clean.confirmed(second, &third)
    }

    /// Runs the plans, several side by side, and compares each end with the clean one.
    pub async fn run(&self, clean: &Clean, plans: Vec<Plan>) -> Report {
        let begin = Instant::now();
        let ignores = |object: &str, pointer: &str| self.scenario.ignores(object, pointer);
        let mut report = Report { plans: plans.len(), ..Report::default() };
        let runs = futures::stream::iter(plans).map(async |plan| {
            let begin = Instant::now();
            let mut tries = 1;
            let (end, log) = loop {
                let (end, log) = self.once(&plan, Some(clean)).await;
                // What a write is the nth of differs a little from run to run.
                let missed = end.as_ref().is_ok_and(|end| !end.struck && clean.compare(end, &ignores).is_empty());
                // One of several strikes is better tried alone.
                if !missed || tries == TRIES || plan.faults.len() > 1 {
                    break (end, log);
                }
                tries += 1;
            };
            (plan, end, log, begin.elapsed())
        });
        let mut runs = std::pin::pin!(runs.buffer_unordered(self.at_once));
        while let Some((plan, end, log, took)) = runs.next().await {
            if report.slowest.as_ref().is_none_or(|(_, most)| *most < took) {
                report.slowest = Some((plan.name.clone(), took));
            }
            let wrong = match &end {
                Ok(end) => clean.compare(end, &ignores),
                Err(error) => vec![format!("{error:#}")],
            };
            if !wrong.is_empty() {
                tracing::warn!("plan failed: {}: {wrong:?}", plan.json());
                report.failures.push(Failure { plan, wrong, log });
            } else if end.is_ok_and(|end| !end.struck) {
                report.missed.push(plan);
            }
        }
        report.took = begin.elapsed();
        report
    }

    /// One run, and what went through its proxy, however it ended.
    async fn once(&self, plan: &Plan, clean: Option<&Clean>) -> (Result<End>, Log) {
        match self.open(plan).await {
            Ok((run, proxy)) => {
                let log = proxy.log().clone();
                (self.play(&run, proxy, clean).await, log)
            }
            Err(error) => (Err(error), Log::default()),
        }
    }

    async fn open(&self, plan: &Plan) -> Result<(Run, Proxy)> {
        let light = self.light;
        let clients = async || anyhow::Ok((light.client().await?, Proxy::client(&light.authority().pem())?));
        let (client, upstream) = self.clients.get_or_try_init(clients).await?.clone();
        let run = Run { light, client, id: fresh_id(), plan: plan.clone() };
        let proxy = Proxy::over(upstream, light.authority(), light.url(), plan.clone(), run.mask()).await?;
        if let Some(horizon) = self.scenario.horizon(&run) {
            proxy.narrow(horizon);
        }
        if let Some(mischief) = self.scenario.mischief(&run) {
            proxy.arm(mischief);
        }
        Ok((run, proxy))
    }

    async fn play(&self, run: &Run, proxy: Proxy, clean: Option<&Clean>) -> Result<End> {
        let guard = self.scenario.setup(run).await.context("setup")?;
        let token = self.scenario.token(run).await.context("token")?;
        let config = proxy.plain_config(self.light, &token).await?;
        let proxy = Arc::new(proxy);
        let keeper = Keeper::start(self.scenario.program(run), config, proxy.clone(), run.plan.operators);
        let drama = Drama { exec: self, run, proxy: &proxy, keeper: &keeper };
        let end = drama.play(clean).await;
        drop(keeper);
        drop(proxy);
        let teardown = self.scenario.teardown(run).await.context("teardown");
        drop(guard);
        let end = end?;
        teardown?;
        Ok(end)
    }
}

fn fresh_id() -> String {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    format!("r{:04}x", RUNS.fetch_add(1, Ordering::Relaxed) + 1)
}
