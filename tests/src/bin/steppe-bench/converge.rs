//! How many servers a second get ready, beside a writer that only posts their objects.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use crd::condition;
use e2e::calls::{self, Calls};
use e2e::light::{self, Pond, is};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kube::Client;
use kube::api::ListParams;
use kube::client::ClientBuilder;
use lab::cache::Cache;
use lab::light::Light;
use lab::tools::Progress;
use lab::wait;
use operator::metrics::Metrics;
use serde_json::json;
use tokio::time::Instant;

use crate::Options;
use crate::frame::{Better, Chapter, Comparison, Figure, Side, TURNS};
use crate::machine;
use crate::null::Model;
use crate::recorder::Recorder;

/// A deadline, not a measure.
const LIMIT: Duration = Duration::from_secs(600);
/// How often an operator looks at what it cannot watch: as seldom as in production.
const CALM: Duration = Duration::from_secs(600);

/// What one turn found.
#[derive(Debug, Default)]
struct Turn {
    /// Servers a second.
    rate: f64,
    /// Seconds of processor time that API server and etcd took for one server.
    ground: f64,
    calls: Calls,
}

/// Measures.
///
/// # Errors
/// When the ground fails or a server does not get ready.
pub async fn measure(options: &Options, cache: &Cache, progress: &mut dyn Progress) -> Result<Chapter> {
    let (mut ours, mut theirs, mut model) = (Vec::new(), Vec::new(), None);
    for round in 1..=options.rounds {
        progress.step(&format!("Converging, round {round} of {}: a fresh light ground", options.rounds));
        let light = Light::start(cache).await?;
        light::furnish(&light).await?;
        let model = match &model {
            Some(model) => model,
            None => model.insert(learn(&light).await.context("recording what the operator writes")?),
        };
        for (turn, side) in TURNS.into_iter().enumerate() {
            let pond = ["alder", "birch", "cedar", "daphne"][turn];
            progress.step(&format!(
                "Converging, round {round} of {}: {side:?}, {} servers",
                options.rounds, options.tenants
            ));
            match side {
                Side::Ours => ours.push(converge(&light, pond, options).await?),
                Side::Theirs => theirs.push(post(&light, model, pond, options).await?),
            }
        }
    }
    let model = model.context("no round was gone through")?;
    Ok(chapter(options, &model, &ours, &theirs))
}

/// One server, made by an operator whose writes are recorded.
async fn learn(light: &Light) -> Result<Model> {
    let (pond_name, name) = ("learningpond", "modelserver");
    let mut pond = Pond::dig_on(light, pond_name, CALM).await?;
    pond.stop().await?;
    let (metrics, recorder) = (Metrics::default(), Recorder::default());
    let way = ClientBuilder::try_from(light.config().await?)?.with_layer(&metrics.layer()).with_layer(&recorder);
    pond.start_by(way.build(), metrics);
    pond.instance(name, name, json!({})).await?;
    pond.until_true(name, condition::READY).await?;
    calls::quiet(LIMIT, async || Calls::parse(&pond.metrics().text()?)).await?;
    pond.stop().await?;
    Model::of(recorder.objects(), pond_name, name)
}

async fn converge(light: &Light, name: &str, options: &Options) -> Result<Turn> {
    let mut pond = Pond::dig_on(light, name, CALM).await?;
    let before = calls::quiet(LIMIT, async || Calls::parse(&pond.metrics().text()?)).await?;
    let (processor, begin) = (processor(light)?, Instant::now());
    let orders = stream::iter(0..options.tenants).map(|number| {
        let server = format!("{name}{number}");
        let pond = &pond;
        async move { pond.instance(&server, &server, json!({})).await.map(drop) }
    });
    orders.buffer_unordered(options.connections).try_collect::<()>().await?;
    let wanted = options.tenants;
    wait::until(&format!("{wanted} servers to be ready"), LIMIT, async || {
        let ready = became_ready(&pond.metrics().text()?)?;
        if ready < wanted { bail!("{ready} are") } else { Ok(Some(())) }
    })
    .await?;
    let took = begin.elapsed().as_secs_f64();
    let ground = self::processor(light)? - processor;
    let calls = calls::quiet(LIMIT, async || Calls::parse(&pond.metrics().text()?)).await?.since(&before);
    let all = pond.instances().list(&ListParams::default().labels(&format!("pond={name}"))).await?.items;
    let ready = all.iter().filter(|instance| is(instance, condition::READY)).count();
    ensure!(ready == wanted, "the operator counted {wanted} ready servers, {ready} are");
    pond.stop().await?;
    Ok(Turn { rate: rate(wanted, took), ground: ground / wanted as f64, calls })
}

async fn post(light: &Light, model: &Model, name: &str, options: &Options) -> Result<Turn> {
    let client: Client = light.client().await?;
    let (processor, begin) = (processor(light)?, Instant::now());
    model.post(&client, name, options.tenants, options.connections).await?;
    let took = begin.elapsed().as_secs_f64();
    let ground = self::processor(light)? - processor;
    Ok(Turn { rate: rate(options.tenants, took), ground: ground / options.tenants as f64, calls: Calls::default() })
}

fn rate(servers: usize, seconds: f64) -> f64 {
    servers as f64 / seconds
}

/// Processor time of etcd and the API server.
fn processor(light: &Light) -> Result<f64> {
    let [etcd, apiserver, _] = light.processes();
    Ok(machine::processor(etcd)? + machine::processor(apiserver)?)
}

/// How many servers the operator saw become ready, from its metrics.
fn became_ready(text: &str) -> Result<usize> {
    let line = text.lines().find_map(|line| line.strip_prefix("steppe_operator_time_to_ready_seconds_count "));
    Ok(line.map_or(Ok(0), str::parse)?)
}

fn chapter(options: &Options, model: &Model, ours: &[Turn], theirs: &[Turn]) -> Chapter {
    let each = |count: u64| count as f64 / (options.tenants * ours.len()) as f64;
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    for (call, count) in ours.iter().flat_map(|turn| &turn.calls.0) {
        *sums.entry(call).or_default() += count;
    }
    let writes = each(ours.iter().map(|turn| turn.calls.writes()).sum());
    let counts = BTreeMap::from([
        ("requests for each server: writes".to_owned(), writes),
        ("requests for each server: reads".to_owned(), each(ours.iter().map(|turn| turn.calls.reads()).sum())),
        ("requests for each server: the null writer's".to_owned(), model.objects() as f64),
        ("bytes posted for each server by the null writer".to_owned(), model.bytes() as f64),
    ]);
    let figure = |what: &str, unit: &str, turns: &[Turn], of: fn(&Turn) -> f64| {
        Figure::of(what, unit, turns.iter().map(of).collect())
    };
    let rates = Comparison::of(
        figure("servers that got ready, the operator", "per second", ours, |turn| turn.rate),
        figure("servers whose objects were posted, the null writer", "per second", theirs, |turn| turn.rate),
        Better::More,
    );
    let ground = Comparison::of(
        figure("API server and etcd for a server, the operator", "CPU s", ours, |turn| turn.ground),
        figure("API server and etcd for a server, the null writer", "CPU s", theirs, |turn| turn.ground),
        Better::Less,
    );
    let mut most: Vec<(&str, u64)> = sums.into_iter().collect();
    most.sort_by_key(|(call, count)| (std::cmp::Reverse(*count), *call));
    let most: Vec<String> = most.iter().take(4).map(|(call, count)| format!("{call} {:.1}", each(*count))).collect();
    let next = format!(
        "converge: {writes:.1} writes where {} would do; most of them, for each server: {}",
        model.objects(),
        most.join(", ")
    );
    Chapter {
        name: "converge",
        how: format!(
            "{} servers at once on the light ground, etcd in memory, {} connections; the operator's side includes the \
             double that plays kubelet and controllers",
            options.tenants, options.connections
        ),
        counts,
        comparisons: vec![rates, ground],
        figures: Vec::new(),
        next: vec![next],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_servers_are_counted_by_the_operator() {
        let metrics = Metrics::default();
        assert_eq!(became_ready(&metrics.text().unwrap()).unwrap(), 0);
        metrics.became_ready(4.0);
        metrics.became_ready(5.0);
        assert_eq!(became_ready(&metrics.text().unwrap()).unwrap(), 2);
    }
}
