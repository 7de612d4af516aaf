//! One run of a scenario, from its first step to the operator's second look.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use kube::api::ObjectMeta;
use tokio::time::Instant;

use super::clean::Clean;
use super::exec::Exec;
use super::life::Keeper;
use super::log::{Effects, Log};
use super::mask::Mask;
use super::objects::{Kind, Objects};
use super::proxy::Proxy;
use super::scenario::{Run, Scenario};
use crate::wait::until;

/// Pause before the objects of a run are looked at again.
const AGAIN: Duration = Duration::from_millis(250);
/// The longest pause between two such looks.
const SLOWEST: Duration = Duration::from_secs(4);

/// A run while the operator lives.
pub(super) struct Drama<'a, S> {
    pub exec: &'a Exec<S>,
    pub run: &'a Run,
    pub proxy: &'a Proxy,
    pub keeper: &'a Keeper,
}

/// The end of one run.
pub(super) struct End {
    pub objects: Objects,
    pub effects: BTreeMap<String, Effects>,
    /// Writes after a restart with nothing to do.
    pub second: Vec<String>,
    pub wrong: Vec<String>,
    pub log: Log,
    pub mask: Mask,
    pub watched: BTreeSet<String>,
    pub struck: bool,
    pub took: Duration,
}

impl<S: Scenario> Drama<'_, S> {
    /// Plays all steps, then restarts the operator and sees that it finds nothing to do. `clean` is what is known
    /// from earlier runs.
    pub async fn play(&self, clean: Option<&Clean>) -> Result<End> {
        let begin = Instant::now();
        let (scenario, run, log) = (&self.exec.scenario, self.run, self.proxy.log());
        let watched = self.steps(clean).await?;
        let kinds = clean.map_or_else(|| scenario.kinds(), |clean| clean.kinds.clone());
        let objects = self.end(&kinds, clean).await?;
        let mut wrong = scenario.wrong(run, log).await?;
        let (effects, took) = (self.effects(), begin.elapsed());
        let second = self.second_look(&watched, &kinds, &objects).await?;
        wrong.extend(self.keeper.panics().iter().map(|words| format!("the operator panicked: {words}")));
        if run.plan.faults.is_empty() {
            wrong.extend(self.keeper.ends().iter().map(|words| format!("the operator ended by itself: {words}")));
        }
        let (log, mask, struck) = (log.clone(), run.mask(), self.proxy.struck());
        Ok(End { objects, effects, second, wrong, log, mask, watched, struck, took })
    }

    /// Drives and settles each step; returns what the operator watches by then.
    async fn steps(&self, clean: Option<&Clean>) -> Result<BTreeSet<String>> {
        let (scenario, run) = (&self.exec.scenario, self.run);
        let known = clean.map(|clean| clean.watched.clone()).unwrap_or_default();
        for step in 0..scenario.steps() {
            scenario.drive(run, step).await.with_context(|| format!("step {step}"))?;
            let done = async || scenario.settled(run, step).await.map(|settled| settled.then_some(()));
            until(&format!("step {step} to be settled"), self.exec.limit, done).await?;
            // A measure is taken with more patience.
            let measuring = clean.is_none_or(|clean| !clean.is_whole);
            let quiet = if measuring { self.exec.quiet * 4 } else { self.exec.quiet };
            self.silence(&known, quiet, &format!("after step {step}")).await?;
        }
        Ok(if clean.is_some() { known } else { self.watched() })
    }

    /// What the operator writes or moves after a restart with nothing to do.
    async fn second_look(
        &self,
        watched: &BTreeSet<String>,
        kinds: &BTreeSet<Kind>,
        objects: &Objects,
    ) -> Result<Vec<String>> {
        let (log, mask) = (self.proxy.log(), self.run.mask());
        let before = log.writes().len();
        self.proxy.kill();
        self.silence(watched, self.exec.quiet, "after a restart with nothing to do").await?;
        let writes = log.writes().split_off(before);
        let writes = writes.iter().map(|one| format!("{} {}", one.call.verb, mask.text(&one.call.object())));
        let mut all: Vec<String> = writes.map(|write| format!("writes for nothing: {write}")).collect();
        let after = self.objects(kinds).await?;
        all.extend(
            objects
                .differences(&after)
                .into_iter()
                .filter(|((object, pointer), _)| !self.exec.scenario.ignores(object, pointer))
                .map(|(_, line)| format!("moves for nothing: {line}")),
        );
        Ok(all)
    }

    /// The objects at the end. What only comes later than in the clean run is waited for: late is not wrong.
    async fn end(&self, kinds: &BTreeSet<Kind>, clean: Option<&Clean>) -> Result<Objects> {
        let mut objects = self.objects(kinds).await?;
        let Some(clean) = clean.filter(|clean| clean.is_whole) else {
            return Ok(objects);
        };
        let ignores = |object: &str, pointer: &str| self.exec.scenario.ignores(object, pointer);
        let patience = Instant::now() + self.exec.patience;
        let mut pause = AGAIN;
        while !clean.differences(&objects, &ignores).is_empty() && Instant::now() < patience {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(SLOWEST);
            objects = self.objects(kinds).await?;
        }
        Ok(objects)
    }

    async fn objects(&self, kinds: &BTreeSet<Kind>) -> Result<Objects> {
        let owns = |object: &ObjectMeta| self.exec.scenario.owns(self.run, object);
        let namespaces = self.exec.scenario.namespaces(self.run);
        Objects::take(&self.run.client, kinds, &namespaces, &owns, &self.run.mask()).await
    }

    /// Waits until the operator lives, watches all it should, and has been silent for a while.
    async fn silence(&self, watched: &BTreeSet<String>, quiet: Duration, when: &str) -> Result<()> {
        let silent = async || {
            if !self.proxy.lives() || self.keeper.alive() != Some(self.proxy.incarnation()) {
                bail!("the operator is not running; it said {:?} {:?}", self.keeper.ends(), self.keeper.panics());
            }
            let now = self.watched();
            ensure!(!now.is_empty() && now.is_superset(watched), "it watches {now:?} of {watched:?}");
            Ok(self.proxy.log().quiet().filter(|time| *time >= quiet).map(|_| ()))
        };
        until(&format!("silence of the operator {when}"), self.exec.limit, silent).await
    }

    /// The kinds that the operator watches in its present life.
    fn watched(&self) -> BTreeSet<String> {
        let life = self.proxy.incarnation();
        let records = self.proxy.log().records();
        let watches =
            records.iter().filter(|one| one.incarnation == life && one.call.verb == "watch" && one.code == 200);
        watches.map(|one| one.call.kind()).collect()
    }

    fn effects(&self) -> BTreeMap<String, Effects> {
        let mask = self.run.mask();
        let mut all: BTreeMap<String, Effects> = BTreeMap::new();
        for (object, effects) in self.proxy.log().effects() {
            let sum = all.entry(mask.text(&object)).or_default();
            sum.created += effects.created;
            sum.deleted += effects.deleted;
        }
        all
    }
}
