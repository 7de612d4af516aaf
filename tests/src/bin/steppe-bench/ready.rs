//! How long a customer waits for a server on real pods, beside a bare pod that is made by hand.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use e2e::node::probe::Probe;
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::PostParams;
use lab::cache::Cache;
use lab::demo::{self, Cell};
use lab::node::{self, Config, Ground};
use lab::tools::{Progress, Quiet};
use lab::{images, tools};
use serde_json::json;
use tokio::time::Instant;

use crate::Options;
use crate::frame::{Better, Chapter, Comparison, Figure, Side, TURNS};

/// Servers that are ordered at the least, one after the other.
const SERVERS: usize = 10;
/// A deadline, not a measure.
const LIMIT: Duration = Duration::from_secs(300);
/// Where bare pods are made.
const SPACE: &str = "bare";

/// Measures on a ground of its own, which is taken away afterwards.
///
/// # Errors
/// When the ground does not come up or a server does not get ready.
pub async fn measure(options: &Options, cache: &Cache, progress: &mut dyn Progress) -> Result<Chapter> {
    let config = Config::named(&options.name)?;
    let ground = node::up(&config, cache, progress).await?;
    let result = on(&ground, options, cache, progress).await;
    take_away(options, cache).await?;
    result
}

/// Takes the ground away, if it is there.
///
/// # Errors
/// When something of it cannot be ended.
pub async fn take_away(options: &Options, cache: &Cache) -> Result<()> {
    node::down(&Config::named(&options.name)?, cache, &mut Quiet).await.map(drop)
}

async fn on(ground: &Ground, options: &Options, cache: &Cache, progress: &mut dyn Progress) -> Result<Chapter> {
    let cell = demo::on_ground(ground, cache, progress).await?;
    let services = tools::services(cache, progress).await?;
    let probe = images::build(cache, &services, progress).await?.probe.pinned();
    let space = json!({ "metadata": { "name": SPACE } });
    let spaces: Api<Namespace> = Api::all(cell.site.client.clone());
    spaces.create(&PostParams::default(), &serde_json::from_value(space)?).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let rounds = usize::try_from(options.rounds)?.max(SERVERS / 2);
    for round in 0..rounds {
        progress.step(&format!("Ordering, round {} of {rounds}", round + 1));
        for (turn, side) in TURNS.into_iter().enumerate() {
            let name = format!("r{round}t{turn}");
            match side {
                Side::Ours => ours.push(order(&cell, &name).await?),
                Side::Theirs => theirs.push(bare(ground, &cell, &probe, &name).await?),
            }
        }
    }
    Ok(chapter(ours, theirs))
}

/// Seconds from an order to a server that its public address answers for.
async fn order(cell: &Cell, name: &str) -> Result<f64> {
    let begin = Instant::now();
    let order = cell.site.order(name, "alice").await?;
    cell.site.ready(&order, LIMIT).await.with_context(|| format!("server {name}"))?;
    Ok(begin.elapsed().as_secs_f64())
}

/// Seconds until a pod runs whose image is there.
async fn bare(ground: &Ground, cell: &Cell, image: &str, name: &str) -> Result<f64> {
    let begin = Instant::now();
    let pod = Probe::start(ground, &cell.site.client, SPACE, image, name, None).await?;
    let took = begin.elapsed().as_secs_f64();
    pod.end().await?;
    Ok(took)
}

fn chapter(ours: Vec<f64>, theirs: Vec<f64>) -> Chapter {
    let counts = BTreeMap::from([("servers ordered, one after the other".to_owned(), ours.len() as f64)]);
    let comparison = Comparison::of(
        Figure::of("from the order to Ready, a server", "s", ours),
        Figure::of("from the POST to Running, a bare pod", "s", theirs),
        Better::Less,
    );
    let (median, worst, bare) = (comparison.ours.median, comparison.ours.most, comparison.theirs.median);
    let next = format!(
        "ready: {median:.1} s, at worst {worst:.1} s, are {:.1} bare pods one after the other; a birth needs two (the \
         Job, the server). What is above that is waiting: `kubectl get events` of one order shows where",
        median / bare
    );
    Chapter {
        name: "ready",
        how: "servers ordered on real pods with all images there, by public address".to_owned(),
        counts,
        comparisons: vec![comparison],
        figures: Vec::new(),
        next: vec![next],
    }
}
