//! A hundred instances at once: they all get ready, cost no more than was budgeted, and are left alone afterwards.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use crd::condition;
use e2e::calls::{self, Calls};
use e2e::light::{Pond, is};
use kube::ResourceExt as _;
use kube::api::{Api, DynamicObject, ListParams};
use lab::wait;
use serde_json::json;

const MANY: usize = 100;
/// A deadline, not a measure.
const LIMIT: Duration = Duration::from_secs(240);
/// Ceilings, with a little air over what was measured (30 writes, 4 reads, 60 events). Whoever needs more says why here.
const WRITES: u64 = 36;
const READS: u64 = 8;
const EVENTS: u64 = 90;
/// A cell is full when one of Kubernetes' own limits is reached; these keep 2,500 tenants below all of them.
const OBJECTS: usize = 30;
const SERVICES: usize = 4;

async fn quiet(pond: &Pond) -> Result<Calls> {
    calls::quiet(LIMIT, async || Calls::parse(&pond.metrics().text()?)).await
}

/// All objects in a tenant's namespace, events left out, by kind.
async fn objects(pond: &Pond, space: &str) -> Result<BTreeMap<String, usize>> {
    let mut counts = BTreeMap::from([("Namespace".to_owned(), 1), ("PersistentVolume".to_owned(), 1)]);
    let discovery = kube::Discovery::new(pond.client.clone()).run().await?;
    for group in discovery.groups() {
        for (resource, abilities) in group.recommended_resources() {
            let listed = abilities.supports_operation(kube::discovery::verbs::LIST);
            let namespaced = abilities.scope == kube::discovery::Scope::Namespaced;
            if !listed || !namespaced || resource.kind == "Event" {
                continue;
            }
            let api: Api<DynamicObject> = Api::namespaced_with(pond.client.clone(), space, &resource);
            let count = api.list(&ListParams::default()).await?.items.len();
            if count > 0 {
                counts.insert(resource.kind, count);
            }
        }
    }
    Ok(counts)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_instances_get_ready_and_are_left_alone() -> Result<()> {
    let mut pond = Pond::dig_calm("many").await?;
    let begun = quiet(&pond).await?;
    let begin = tokio::time::Instant::now();
    for number in 0..MANY {
        pond.instance(&format!("many-{number}"), &format!("h{number}"), json!({})).await?;
    }
    let api = pond.instances();
    let mine = ListParams::default().labels("pond=many");
    wait::until("all to be ready", LIMIT, async || {
        let all = api.list(&mine).await?.items;
        let ready = all.iter().filter(|instance| is(instance, condition::READY)).count();
        if ready < MANY {
            let other = all.iter().find(|instance| !is(instance, condition::READY));
            bail!("{ready} are ready; {:?}", other.map(|instance| (instance.name_any(), &instance.status)));
        }
        Ok(Some(()))
    })
    .await?;
    let took = begin.elapsed();
    let spent = quiet(&pond).await?.since(&begun);
    let per = |count: u64| count as f64 / MANY as f64;
    println!("{MANY} instances ready after {:.1} s", took.as_secs_f64());
    println!("per tenant: {:.1} writes, {:.1} reads", per(spent.writes()), per(spent.reads()));
    for (call, count) in &spent.0 {
        println!("  {call}: {:.2}", per(*count));
    }
    let heard: u64 = calls::counter(&pond.metrics().text()?, "watch_events")?.values().sum();
    println!("watches told of {:.1} events per tenant", per(heard));
    assert!(heard <= EVENTS * MANY as u64, "too much is watched");
    assert!(spent.writes() <= WRITES * MANY as u64, "too many writes");
    assert!(spent.reads() <= READS * MANY as u64, "too many reads");

    let counts = objects(&pond, &pond.space("many-0")).await?;
    let total: usize = counts.values().sum();
    println!("objects per tenant: {total} {counts:?}");
    // On a node there are three more: the Deployment's ReplicaSet and the EndpointSlice of its Service, kept by
    // controllers that this ground has not, and the ServiceAccount's published root certificates.
    assert!(total + 3 <= OBJECTS, "{counts:?}");
    assert!(counts.get("Service").copied().unwrap_or(0) <= SERVICES);

    // Everything is looked at again, by the same operator and by a new one: nothing is written, and by the same one
    // nothing is read either.
    let before = Calls::parse(&pond.metrics().text()?)?;
    let cell: Api<crd::Cell> = Api::all(pond.client.clone());
    let touch = json!({ "metadata": { "annotations": { "touched": "now" } } });
    for number in 0..MANY {
        pond.change(&format!("many-{number}"), touch.clone()).await?;
    }
    assert_eq!(quiet(&pond).await?, before, "a resync is not free");
    assert!(cell.get("cell").await.context("the cell")?.status.is_some());

    pond.stop().await?;
    pond.start().await?;
    let after = quiet(&pond).await?;
    assert_eq!(after.writes(), 0, "a new operator wrote: {after:?}");
    println!("a new operator: {} reads for {MANY} instances, 0 writes", after.reads());
    Ok(())
}
