//! What the operator's own program takes of memory, before there is a server and with a hundred of them.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use crd::{Cell, condition, labels};
use e2e::calls::{self, Calls};
use e2e::light::{self, Pond, is};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams};
use lab::cache::Cache;
use lab::light::Light;
use lab::process::beside;
use lab::tools::Progress;
use lab::wait;
use operator::kind::Kind;
use serde_json::json;
use tokio::process::{Child, Command};

use crate::Options;
use crate::frame::{Chapter, Figure};
use crate::machine::{self, Memory, mebibytes};

/// So many servers.
const MANY: usize = 100;
/// A deadline, not a measure.
const LIMIT: Duration = Duration::from_secs(600);
const POND: &str = "heron";

/// The program `steppe-operator run`. Killed when dropped.
struct Program {
    child: Child,
    pages: String,
    log: std::path::PathBuf,
}

impl Program {
    /// Starts it on a ground, for the servers of [`POND`] only. It probes nothing: behind a light ground's Services is
    /// nobody.
    fn start(light: &Light, folder: &Path) -> Result<Self> {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let log = folder.join("operator.log");
        let out = File::create(&log)?;
        let mut command = Command::new(beside("steppe-operator")?);
        command.args(["run", "--probes", "0", "--grants-listen", "127.0.0.1:0"]);
        command.args(["--listen", &format!("127.0.0.1:{port}")]);
        command.args(["--selector", &format!("pond={POND}"), "--namespace-prefix", &format!("{POND}-")]);
        command.env_clear().env("KUBECONFIG", light.kubeconfig());
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out).kill_on_drop(true);
        let child = command.spawn().context("cannot run steppe-operator")?;
        Ok(Self { child, pages: format!("http://127.0.0.1:{port}"), log })
    }

    async fn page(&mut self, path: &str) -> Result<String> {
        if let Some(status) = self.child.try_wait()? {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            let last: Vec<&str> = log.lines().rev().take(20).collect();
            bail!(wait::GiveUp(format!("the operator has ended ({status}):\n{}", last.join("\n"))));
        }
        let answer = reqwest::get(format!("{}{path}", self.pages)).await?.error_for_status()?;
        Ok(answer.text().await?)
    }

    /// What it takes of memory once it has nothing to do.
    async fn at_rest(&mut self) -> Result<Memory> {
        wait::until("the operator to know the cluster", LIMIT, async || self.page("/readyz").await.map(Some)).await?;
        calls::quiet(LIMIT, async || Calls::parse(&self.page("/metrics").await?)).await?;
        machine::memory(&self.child.id().context("the operator has ended")?.to_string())
    }
}

/// Measures.
///
/// # Errors
/// When the ground or the operator fails.
pub async fn measure(options: &Options, cache: &Cache, progress: &mut dyn Progress) -> Result<Chapter> {
    progress.step("Memory: a fresh light ground with the operator's program");
    let light = Light::start(cache).await?;
    light::furnish(&light).await?;
    // There is no object store on this ground, and the program, unlike a test, has no fake of one.
    let without_store = json!({ "spec": { "escrowRecipient": null, "trustBundle": null } });
    let cells: Api<Cell> = Api::all(light.client().await?);
    cells.patch(labels::CELL, &PatchParams::default(), &Patch::Merge(without_store)).await?;
    let folder = tempfile::tempdir_in(cache.root())?;
    // The pond is there for its double; its own operator makes room for the program.
    let mut pond = Pond::dig_on(&light, POND, LIMIT).await?;
    pond.stop().await?;
    let mut program = Program::start(&light, folder.path())?;
    let empty = program.at_rest().await?;
    progress.step(&format!("Memory: {MANY} servers"));
    let orders = stream::iter(0..MANY).map(|number| {
        let (server, pond) = (format!("{POND}{number}"), &pond);
        async move { pond.instance(&server, &server, json!({})).await.map(drop) }
    });
    orders.buffer_unordered(options.connections).try_collect::<()>().await?;
    born(&pond).await?;
    let full = program.at_rest().await?;
    let (objects, bytes) = watched(&pond).await?;
    Ok(chapter(empty, full, objects, bytes))
}

async fn born(pond: &Pond) -> Result<()> {
    let (api, mine) = (pond.instances(), ListParams::default().labels(&format!("pond={POND}")));
    wait::until("all servers to be born", LIMIT, async || {
        let all = api.list(&mine).await?.items;
        let born = all.iter().filter(|instance| is(instance, condition::BORN)).count();
        if born < MANY { bail!("{born} are") } else { Ok(Some(())) }
    })
    .await
}

/// How many objects the operator watches, and how many bytes they are as JSON: what it must remember something of.
async fn watched(pond: &Pond) -> Result<(usize, usize)> {
    let managed = ListParams::default().labels(&format!("{}={}", labels::MANAGED_BY, labels::MANAGER));
    let (mut objects, mut bytes) = (0, 0);
    for kind in Kind::WATCHED {
        let all = kind.api(pond.client.clone(), None).list(&managed).await?.items;
        objects += all.len();
        for object in all {
            bytes += serde_json::to_vec(&object)?.len();
        }
    }
    let servers = kinds(pond).await?;
    ensure!(servers >= MANY, "{MANY} servers were born, {servers} were started");
    Ok((objects, bytes))
}

/// How many servers were started.
async fn kinds(pond: &Pond) -> Result<usize> {
    let all = Kind::Deployment.api(pond.client.clone(), None).list(&ListParams::default()).await?;
    Ok(all.items.len())
}

fn chapter(empty: Memory, full: Memory, objects: usize, bytes: usize) -> Chapter {
    let each = full.now.saturating_sub(empty.now) as f64 / MANY as f64;
    let held = bytes as f64 / MANY as f64;
    let counts = BTreeMap::from([
        ("objects watched for each server".to_owned(), objects as f64 / MANY as f64),
        ("KiB of those objects as JSON, for each server".to_owned(), held / 1024.0),
    ]);
    let figure = |what: &str, unit: &str, value: f64| Figure::of(what, unit, vec![value]);
    Chapter {
        name: "memory",
        how: format!(
            "`steppe-operator run` as a process, at rest, without servers and with {MANY}; it probes nothing and has no store"
        ),
        counts,
        comparisons: Vec::new(),
        figures: vec![
            figure("resident without servers", "MiB", mebibytes(empty.now)),
            figure(&format!("resident with {MANY} servers"), "MiB", mebibytes(full.now)),
            figure("the most that was resident", "MiB", mebibytes(full.peak)),
            figure("for each server", "KiB", each / 1024.0),
            figure("for each byte of the objects watched", "bytes", each / held),
        ],
        next: vec![format!(
            "memory: {:.0} KiB for each server make {:.0} MiB of a full cell's 2,500",
            each / 1024.0,
            mebibytes((each * 2500.0) as u64)
        )],
    }
}
