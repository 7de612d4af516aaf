//! The purger as a program: passes on a signal and on a timer, by one code path; sweeps every hour.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse as _;
use axum::routing::get;
use bundle::format::{PublicKey, Signer};
use bundle::seal::Identities;
use clap::Args;
use crd::Purge;
use futures::{StreamExt as _, pin_mut};
use kube::core::PartialObjectMeta;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::pass::Again;
use super::{Keys, Metrics, Purger};
use crate::clock::SystemClock;
use crate::events::Events;
use crate::store::S3Store;

/// How long the purger waits for the cluster to do its part.
const SOON: Duration = Duration::from_secs(2);
/// How often it looks though nothing happened: time may have come, a server may have stopped.
const LATER: Duration = Duration::from_secs(30);
/// How often bundles are looked through.
const SWEEP: Duration = Duration::from_secs(3600);
/// How long it waits after a sweep that failed.
const SWEEP_AGAIN: Duration = Duration::from_secs(300);

/// Options of `steppe-operator purger`.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Label selector: only purges and instances that match are looked at.
    #[arg(long, env = "STEPPE_SELECTOR")]
    pub selector: Option<String>,
    /// Tenants' namespaces are called this, followed by the instance's name.
    #[arg(long, env = "STEPPE_NAMESPACE_PREFIX", default_value = "steppe-t-")]
    pub namespace_prefix: String,
    /// How many different people must approve a purge.
    #[arg(long, env = "STEPPE_APPROVALS", default_value_t = 1)]
    pub approvals: usize,
    /// How many days the last bundle of a purged server is kept.
    #[arg(long, env = "STEPPE_KEEP_FINAL_DAYS", default_value_t = 90)]
    pub keep_final_days: i64,
    /// How many days a bundle that somebody asked for is kept once there is a newer one.
    #[arg(long, env = "STEPPE_KEEP_REQUESTED_DAYS", default_value_t = 30)]
    pub keep_requested_days: i64,
    /// Folder with the platform's keys: `signing.pub.pem` and `wrapping.txt`.
    #[arg(long, env = "STEPPE_KEYS_DIR", default_value = "/etc/steppe/keys")]
    pub keys_dir: PathBuf,
    /// Folder with the object store's credentials: `access-key` and `secret-key`, with the right to delete.
    #[arg(long, env = "STEPPE_STORE_DIR", default_value = "/etc/steppe/store")]
    pub store_dir: PathBuf,
    /// The name of this replica in events.
    #[arg(long, env = "STEPPE_REPLICA", default_value = "steppe-purger")]
    pub replica: String,
    /// Where `/healthz`, `/readyz` and `/metrics` are served.
    #[arg(long, env = "STEPPE_LISTEN", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,
}

impl Default for Config {
    /// The same values as on the command line.
    fn default() -> Self {
        Self {
            selector: None,
            namespace_prefix: "steppe-t-".to_owned(),
            approvals: 1,
            keep_final_days: 90,
            keep_requested_days: 30,
            keys_dir: "/etc/steppe/keys".into(),
            store_dir: "/etc/steppe/store".into(),
            replica: "steppe-purger".to_owned(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        }
    }
}

impl Keys {
    /// Reads `signing.pub.pem` (or takes the public half of `signing.pem`, where only that is there) and `wrapping.txt`.
    ///
    /// # Errors
    /// When a file is missing or is no key.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let text = |name: &str| {
            let path = folder.join(name);
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        let signing = match text("signing.pub.pem") {
            Ok(pem) => PublicKey::from_pem(&pem).context("signing.pub.pem")?,
            Err(missing) => {
                Signer::from_pem(&text("signing.pem").map_err(|_| missing)?).context("signing.pem")?.public()
            }
        };
        let wrapping = Identities::parse(&text("wrapping.txt")?).context("wrapping.txt")?;
        Ok(Self { signing, wrapping })
    }
}

/// Runs the purger until `stop`, which may fall between any two writes.
///
/// # Errors
/// When the keys cannot be read, the port cannot be had, or there is no way to the API server.
pub async fn run(config: Config, stop: CancellationToken) -> anyhow::Result<()> {
    let keys = Keys::read(&config.keys_dir).context("the platform's keys (Secret steppe-operator-keys)")?;
    let client = Client::try_default().await.context("no way to the API server")?;
    let store = S3Store::new(&config.store_dir);
    let listener = crate::health::bind(config.listen).await?;
    let purger = Purger {
        events: Events::new(client.clone(), &config.replica),
        client,
        clock: Arc::new(SystemClock),
        store: Arc::new(store),
        keys,
        metrics: Metrics::default(),
        config,
    };
    let pages =
        axum::serve(listener, pages(purger.metrics.clone())).with_graceful_shutdown(stop.clone().cancelled_owned());
    let (served, ()) = tokio::join!(pages.into_future(), work(&purger, &stop));
    served.context("serving the health pages")
}

/// Passes and sweeps until `stop`.
pub async fn work(purger: &Purger, stop: &CancellationToken) {
    let changed = Notify::new();
    tokio::select! {
        () = stop.cancelled() => {}
        () = watch(purger, &changed) => {}
        () = turn(purger, &changed) => {}
    }
}

async fn turn(purger: &Purger, changed: &Notify) {
    let mut sweep = Instant::now();
    loop {
        let passed = purger.pass().await;
        purger.metrics.passed(passed.is_ok());
        let wait = match passed {
            Ok(Again::Now) => Duration::ZERO,
            Ok(Again::Soon) => SOON,
            Ok(Again::Later) => LATER,
            Err(error) if error.stale => SOON,
            Err(error) => {
                tracing::error!(error = error.chain(), "a pass over all purges failed");
                LATER
            }
        };
        if Instant::now() >= sweep {
            let swept = purger.sweep().await;
            sweep = Instant::now() + if swept.is_ok() { SWEEP } else { SWEEP_AGAIN };
            if let Err(error) = swept {
                tracing::error!(error = error.chain(), "a sweep of old bundles failed");
            }
        }
        tokio::select! {
            () = changed.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Says when a purge was made or changed.
async fn watch(purger: &Purger, changed: &Notify) {
    let mut options = watcher::Config::default();
    if let Some(selector) = &purger.config.selector {
        options = options.labels(selector);
    }
    let events = watcher(Api::<PartialObjectMeta<Purge>>::all(purger.client.clone()), options).default_backoff();
    pin_mut!(events);
    while let Some(event) = events.next().await {
        match event {
            Ok(_) => changed.notify_one(),
            Err(error) => tracing::warn!(%error, "the watch of purges broke and is started again"),
        }
    }
}

fn pages(metrics: Metrics) -> Router {
    let text = move || async move {
        match metrics.text() {
            Ok(text) => {
                let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
                ([(header::CONTENT_TYPE, kind)], text).into_response()
            }
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        }
    };
    let ok = || async { "ok\n" };
    Router::new().route("/healthz", get(ok)).route("/readyz", get(ok)).route("/metrics", get(text))
}
