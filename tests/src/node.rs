//! One real cell for all tests of a program: a ground called `test` with the chart installed.
//!
//! It is found again by the next program, so that only the first pays for it; `cargo xtask test` takes it away in the
//! end, `cargo xtask cluster down --name test` does by hand. `STEPPE_TEST_GROUND` names another one, for who works on
//! these tests while somebody else runs them.
//!
//! Tests that need nothing of the node itself run by [`anywhere`]: on the existing cluster that was named, if one was.

pub mod account;
pub mod named;
pub mod probe;
pub mod process;
pub mod taken;
pub mod tenant;
pub mod tree;
pub mod visit;
pub mod witness;

use std::sync::LazyLock;

use anyhow::{Context as _, Result};
use kube::api::{Api, DynamicObject, ListParams};
use lab::cache::Cache;
use lab::demo::{self, Cell};
use lab::node::{Config, Ground};
use lab::tools::Progress;
use named::Named;
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

/// The ground's name.
pub const GROUND: &str = "test";

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));
static CELL: OnceCell<(Ground, Cell)> = OnceCell::const_new();
static ELSEWHERE: OnceCell<Cell> = OnceCell::const_new();

/// The name of the ground that is used.
fn name() -> Result<String> {
    #[allow(clippy::disallowed_methods)] // A test program has no command line of its own.
    let named = std::env::var_os("STEPPE_TEST_GROUND");
    let Some(named) = named else {
        return Ok(GROUND.to_owned());
    };
    let named = named.into_string();
    named.map_err(|bad| anyhow::anyhow!("STEPPE_TEST_GROUND is no name: {}", bad.display()))
}

/// Tells what is being done on standard error, where libtest keeps it for failures.
pub struct Told;

impl Progress for Told {
    fn step(&mut self, what: &str) {
        eprintln!("{what}");
    }
}

/// The cache folder that all builds share.
///
/// # Errors
/// When it cannot be made.
pub fn cache() -> Result<Cache> {
    #[allow(clippy::disallowed_methods)] // A test program has no command line of its own to read it from.
    let folder = std::env::var_os("STEPPE_CACHE").map(std::path::PathBuf::from);
    Cache::open(folder.as_deref())
}

async fn bring_up() -> Result<(Ground, Cell)> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let cache = cache()?;
    let config = Config::named(&name()?)?;
    let ground = lab::node::up(&config, &cache, &mut Told).await?;
    let cell = demo::on_ground(&ground, &cache, &mut Told).await?;
    Ok((ground, cell))
}

/// Runs a test on the shared cell; when it fails, prints what the cluster knows about it.
pub fn test<F>(body: impl FnOnce(&'static Ground, &'static Cell) -> F)
where
    F: Future<Output = Result<()>>,
{
    RUNTIME.block_on(async {
        let (ground, cell) = CELL.get_or_try_init(bring_up).await.expect("the cell");
        judge(body(ground, cell).await, cell).await;
    });
}

/// Runs a test that needs a cell and nothing of its node: on the existing cluster that was named, else on the ground.
pub fn anywhere<F>(body: impl FnOnce(&'static Cell) -> F)
where
    F: Future<Output = Result<()>>,
{
    RUNTIME.block_on(async {
        let cell = match Named::from_environment().expect("the cluster that was named") {
            Some(named) => ELSEWHERE.get_or_try_init(|| occupy(named)).await.expect("a cell in that cluster"),
            None => &CELL.get_or_try_init(bring_up).await.expect("the cell").1,
        };
        judge(body(cell).await, cell).await;
    });
}

async fn occupy(named: Named) -> Result<Cell> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    named.cell(&cache()?, &mut Told).await
}

async fn judge(result: Result<()>, cell: &Cell) {
    if let Err(error) = result {
        let state = state(cell).await.unwrap_or_else(|error| format!("the cluster does not answer: {error:#}"));
        panic!("{error:?}\n\n{state}");
    }
}

/// Our objects, all pods and the newest events, as text.
async fn state(cell: &Cell) -> Result<String> {
    let mut text = String::new();
    for kind in ["Cell", "Instance", "Export", "AccountChange", "Purge"] {
        let group = kube::api::GroupVersionKind::gvk(crd::GROUP, crd::VERSION, kind);
        let resource = kube::api::ApiResource::from_gvk(&group);
        let api: Api<DynamicObject> = Api::all_with(cell.site.client.clone(), &resource);
        for object in api.list(&ListParams::default()).await.context(kind)?.items {
            let name = object.metadata.name.unwrap_or_default();
            let status = object.data.get("status").cloned().unwrap_or_default();
            text.push_str(&format!("{kind} {name}: {}\n", serde_json::to_string(&status)?));
        }
    }
    let pods: Api<k8s_openapi::api::core::v1::Pod> = Api::all(cell.site.client.clone());
    for pod in pods.list(&ListParams::default()).await?.items {
        let (meta, status) = (pod.metadata, pod.status.unwrap_or_default());
        let states = status
            .container_statuses
            .unwrap_or_default()
            .into_iter()
            .chain(status.init_container_statuses.unwrap_or_default());
        let states: Vec<String> = states
            .map(|one| format!("{}={}", one.name, serde_json::to_string(&one.state).unwrap_or_default()))
            .collect();
        let (namespace, name) = (meta.namespace.unwrap_or_default(), meta.name.unwrap_or_default());
        text.push_str(&format!("Pod {namespace}/{name}: {} {}\n", status.phase.unwrap_or_default(), states.join(" ")));
    }
    let events: Api<k8s_openapi::api::core::v1::Event> = Api::all(cell.site.client.clone());
    let mut events = events.list(&ListParams::default()).await?.items;
    events.sort_by_key(|event| event.metadata.creation_timestamp.clone().map(|time| time.0));
    for event in events.iter().rev().take(60).rev() {
        let object = &event.involved_object;
        text.push_str(&format!(
            "Event {} {}: {} {}\n",
            object.kind.as_deref().unwrap_or_default(),
            object.name.as_deref().unwrap_or_default(),
            event.reason.as_deref().unwrap_or_default(),
            event.message.as_deref().unwrap_or_default()
        ));
    }
    Ok(text)
}
