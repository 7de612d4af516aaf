//! All that can be read of a cell while something happens in it: each version of its objects, and what its containers said,
//! even of those that are gone by now.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures::{StreamExt as _, pin_mut};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Event, Pod};
use kube::api::{ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::watcher;
use kube::{Api, Client};
use lab::node::{Ground, kubelet};
use tokio::task::JoinSet;

/// How often new logs are looked for: well below the life of the shortest Job's pod.
const OFTEN: Duration = Duration::from_millis(50);

/// Somebody who watches.
pub struct Witness {
    seen: Seen,
    logs: PathBuf,
    kept: tempfile::TempDir,
    tasks: JoinSet<()>,
}

/// A text, and where it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The object and its kind, or the container's log.
    pub place: String,
    /// All of it.
    pub content: String,
}

/// Texts, each once.
type Seen = Arc<Mutex<Vec<Text>>>;

impl Witness {
    /// Begins to watch all objects of ours, all that tell of them, and all logs.
    ///
    /// # Errors
    /// When logs cannot be kept beside the kubelet's.
    pub fn start(ground: &Ground, client: &Client) -> Result<Self> {
        // On the same file system, so that a second name keeps a log which the kubelet removes.
        let kept = tempfile::tempdir_in(&ground.state_dir).context("cannot keep logs")?;
        let (seen, mut tasks) = (Seen::default(), JoinSet::new());
        let ours = ["Cell", "Instance", "Export", "AccountChange", "Purge"];
        let ours = ours.map(|kind| ApiResource::from_gvk(&GroupVersionKind::gvk(crd::GROUP, crd::VERSION, kind)));
        let others = [
            ApiResource::erase::<Pod>(&()),
            ApiResource::erase::<Job>(&()),
            ApiResource::erase::<Deployment>(&()),
            ApiResource::erase::<ConfigMap>(&()),
            ApiResource::erase::<Event>(&()),
        ];
        for resource in ours.into_iter().chain(others) {
            tasks.spawn(watch(client.clone(), resource, seen.clone()));
        }
        let logs = kubelet::logs(ground);
        let (from, to) = (logs.clone(), kept.path().to_owned());
        tasks.spawn(async move {
            loop {
                // A folder may go while it is read; then the next look finds what is left.
                let _ = keep(&from, &to);
                tokio::time::sleep(OFTEN).await;
            }
        });
        Ok(Self { seen, logs, kept, tasks })
    }

    /// Ends the watch and gives all that was seen.
    ///
    /// # Errors
    /// When a log that was kept cannot be read, or nothing was seen.
    pub async fn end(mut self) -> Result<Vec<Text>> {
        self.tasks.shutdown().await;
        keep(&self.logs, self.kept.path()).context("the last look at the logs")?;
        let mut all = std::mem::take(&mut *lock(&self.seen));
        for log in std::fs::read_dir(self.kept.path())? {
            let log = log?;
            let content = String::from_utf8_lossy(&std::fs::read(log.path())?).into_owned();
            all.push(Text { place: format!("log {}", log.file_name().display()), content });
        }
        ensure!(!all.is_empty(), "nothing was seen");
        Ok(all)
    }
}

async fn watch(client: Client, resource: ApiResource, seen: Seen) {
    let api: Api<DynamicObject> = Api::all_with(client, &resource);
    let events = watcher(api, watcher::Config::default());
    pin_mut!(events);
    let mut before = BTreeSet::new();
    while let Some(event) = events.next().await {
        let Ok(watcher::Event::Apply(object) | watcher::Event::InitApply(object) | watcher::Event::Delete(object)) =
            event
        else {
            continue;
        };
        let meta = &object.metadata;
        if !before.insert((meta.uid.clone(), meta.resource_version.clone())) {
            continue;
        }
        let name = |name: &Option<String>| name.clone().unwrap_or_default();
        let place = format!("{} {}/{}", resource.kind, name(&meta.namespace), name(&meta.name));
        let content = serde_json::to_string(&object).unwrap_or_default();
        lock(&seen).push(Text { place, content });
    }
}

/// Gives each log a second name: `<namespace>_<pod>_<uid>_<container>_<number>.log`.
fn keep(from: &Path, to: &Path) -> std::io::Result<()> {
    for pod in std::fs::read_dir(from)?.flatten() {
        for container in std::fs::read_dir(pod.path()).into_iter().flatten().flatten() {
            for log in std::fs::read_dir(container.path()).into_iter().flatten().flatten() {
                let name = [pod.file_name(), container.file_name(), log.file_name()];
                let name = name.map(|name| name.to_string_lossy().into_owned()).join("_");
                match std::fs::hard_link(log.path(), to.join(name)) {
                    Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    other => other?,
                }
            }
        }
    }
    Ok(())
}

fn lock(seen: &Seen) -> MutexGuard<'_, Vec<Text>> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
