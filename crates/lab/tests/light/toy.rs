//! A toy operator that keeps a copy of each marked ConfigMap: once right, once with a fault planted. The harness has to
//! tell one from the other.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use futures::{FutureExt, StreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::runtime::controller::Action;
use kube::runtime::{Controller, watcher};
use kube::{Api, Client, ResourceExt};
use lab::fault::{Exec, Moment, Program, Run, Scenario};
use serde_json::json;

use crate::light;

/// What is wrong with the toy.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Bug {
    None,
    /// The copy's name is drawn by the API server, and noted only afterwards.
    GeneratedName,
    /// Each look writes, whether there is something to write or not.
    WritesAlways,
    /// A copy that is not noted is taken for foreign, deleted and made anew.
    DeletesUnnoted,
}

struct Copies {
    bug: Bug,
}

#[derive(Debug)]
struct Wrong(anyhow::Error);

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

impl std::error::Error for Wrong {}

async fn reconcile(map: Arc<ConfigMap>, toy: Arc<(Client, Bug)>) -> Result<Action, Wrong> {
    let (client, bug) = &*toy;
    copy(&map, client, *bug).await.map_err(Wrong)?;
    Ok(Action::await_change())
}

async fn copy(map: &ConfigMap, client: &Client, bug: Bug) -> Result<()> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &map.namespace().context("no namespace")?);
    let noted = map.annotations().get("copy");
    let wanted = format!("{}-copy", map.name_any());
    if bug == Bug::GeneratedName {
        if noted.is_none() {
            let copy = json!({ "metadata": { "generateName": format!("{wanted}-") }, "data": map.data });
            let copy = maps.create(&PostParams::default(), &serde_json::from_value(copy)?).await?;
            return note(&maps, map, &copy.name_any()).await;
        }
        return Ok(());
    }
    let old = maps.get_opt(&wanted).await?;
    let differs = old.as_ref().is_none_or(|old| old.data != map.data);
    let foreign = bug == Bug::DeletesUnnoted && noted.is_none() && old.is_some();
    if foreign {
        maps.delete(&wanted, &DeleteParams::default()).await?;
    }
    if differs || foreign || bug == Bug::WritesAlways {
        let copy = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": wanted }, "data": map.data });
        maps.patch(&wanted, &PatchParams::apply("toy").force(), &Patch::Apply(copy)).await?;
    }
    if noted != Some(&wanted) {
        note(&maps, map, &wanted).await?;
    }
    Ok(())
}

async fn note(maps: &Api<ConfigMap>, map: &ConfigMap, copy: &str) -> Result<()> {
    let patch = Patch::Merge(json!({ "metadata": { "annotations": { "copy": copy } } }));
    maps.patch(&map.name_any(), &PatchParams::default(), &patch).await?;
    Ok(())
}

impl Scenario for Copies {
    async fn setup(&self, run: &Run) -> Result<Box<dyn Any + Send>> {
        run.light.namespace(&run.id, &std::collections::BTreeMap::new()).await?;
        Ok(Box::new(()))
    }

    async fn token(&self, run: &Run) -> Result<String> {
        run.light.account(&run.id, "toy", Some("cluster-admin")).await
    }

    fn program(&self, run: &Run) -> Program {
        let (bug, selector) = (self.bug, run.selector());
        Arc::new(move |config| {
            let selector = selector.clone();
            async move {
                let client = Client::try_from(config)?;
                let maps: Api<ConfigMap> = Api::all(client.clone());
                let again =
                    |_: Arc<ConfigMap>, _: &Wrong, _: Arc<(Client, Bug)>| Action::requeue(Duration::from_millis(50));
                let toy = Controller::new(maps, watcher::Config::default().labels(&selector));
                toy.run(reconcile, again, Arc::new((client, bug))).for_each(async |_| ()).await;
                Ok(())
            }
            .boxed()
        })
    }

    fn steps(&self) -> usize {
        2
    }

    async fn drive(&self, run: &Run, step: usize) -> Result<()> {
        let maps: Api<ConfigMap> = Api::namespaced(run.client.clone(), &run.id);
        let (key, value) = run.label();
        for name in ["a", "b"] {
            let map = json!({
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "labels": { key: value } },
                "data": { "step": step.to_string() },
            });
            maps.patch(name, &PatchParams::apply("test"), &Patch::Apply(map)).await?;
        }
        Ok(())
    }

    async fn settled(&self, run: &Run, step: usize) -> Result<bool> {
        let maps: Api<ConfigMap> = Api::namespaced(run.client.clone(), &run.id);
        let all = maps.list(&ListParams::default()).await?.items;
        let done = |name: &str| {
            let source = all.iter().find(|map| map.name_any() == name)?;
            let copy = source.annotations().get("copy")?;
            let copy = all.iter().find(|map| map.name_any() == *copy)?;
            let wanted = if self.bug == Bug::GeneratedName { "0" } else { ["0", "1"][step] };
            (copy.data.as_ref()?.get("step")? == wanted).then_some(())
        };
        Ok(done("a").is_some() && done("b").is_some())
    }
}

async fn exec(bug: Bug) -> Exec<Copies> {
    Exec::new(light().await, Copies { bug })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::print_stderr)] // The figures are what one runs it for.
async fn the_right_toy_passes_every_plan() {
    let exec = exec(Bug::None).await;
    let clean = exec.learn().await.unwrap();
    // Two copies applied twice, two notes.
    assert_eq!(clean.writes.len(), 6);
    let mut plans = clean.crashes(&Moment::ALL);
    plans.extend(clean.errors());
    plans.extend(clean.relists());
    plans.extend(clean.freezes());
    plans.extend(clean.unobserved());
    plans.extend(clean.twins());
    plans.push(lab::fault::Plan { name: "two at once".into(), operators: 2, ..Default::default() });
    let report = exec.run(&clean, plans).await;
    eprintln!("{report}a clean run takes {:.1} s", clean.took.as_secs_f64());
    assert!(report.failures.is_empty(), "{report}");
    assert!(report.missed.len() * 10 <= report.plans, "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_generated_name_is_caught() {
    // One too many stays one too many.
    let exec = exec(Bug::GeneratedName).await.patience(Duration::from_secs(5));
    let clean = exec.learn().await.unwrap();
    let report = exec.run(&clean, clean.crashes(&Moment::ALL)).await;
    let caught: Vec<&str> = report.failures.iter().map(|failure| failure.plan.name.as_str()).collect();
    for name in ["a", "b"] {
        let plan = format!("crash Committed create configmaps RUN/{name}-copy-* #1");
        assert!(caught.contains(&plan.as_str()), "{report}");
    }
    let failure = report.failures.iter().find(|failure| failure.plan.name.starts_with("crash Committed create"));
    let failure = failure.unwrap();
    let wrong = failure.wrong.join("\n");
    assert!(wrong.contains("-copy-*: 2 instead of 1") && wrong.contains("created 2 times"), "{wrong}");
    // The plan that failed, read back from its text, fails again.
    let again = lab::fault::Plan::parse(&failure.plan.json()).unwrap();
    assert_eq!(exec.run(&clean, vec![again]).await.failures.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writing_for_nothing_is_caught() {
    let error = exec(Bug::WritesAlways).await.learn().await.unwrap_err();
    assert!(format!("{error:#}").contains("writes for nothing: patch configmaps"), "{error:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delete_too_many_is_caught_even_if_all_looks_well_in_the_end() {
    let exec = exec(Bug::DeletesUnnoted).await;
    let clean = exec.learn().await.unwrap();
    let report = exec.run(&clean, clean.crashes(&[Moment::Committed])).await;
    assert!(!report.failures.is_empty(), "{report}");
    let line = "created 2 times, deleted 1 times, not 1 and 0";
    let by_count = |failure: &lab::fault::Failure| failure.wrong.iter().all(|wrong| wrong.ends_with(line));
    assert!(report.failures.iter().all(by_count), "{report}");
}
