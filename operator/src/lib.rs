//! The operator: turns custom resources into isolated running servers, keeps them, stops them and hands them over.
//!
//! One reconcile has five steps: observe (I/O), validate (pure), plan (pure), apply (I/O), status (pure). Everything
//! foreign is a trait in [`Deps`], so that [`run`] can run the whole operator inside a test.

pub mod account;
pub mod apply;
pub mod backoff;
pub mod cache;
pub mod cell;
pub mod clock;
pub mod condition;
pub mod config;
pub mod context;
pub mod controller;
pub mod error;
pub mod events;
pub mod export;
pub mod grants;
pub mod health;
pub mod instance;
pub mod job;
pub mod keys;
pub mod kind;
pub mod lease;
pub mod metrics;
pub mod net;
pub mod probe;
pub mod purge;
pub mod seal;
pub mod selector;
pub mod status;
pub mod store;
pub mod work;

use std::sync::Arc;

use kube::Client;
use kube::client::ClientBuilder;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use config::Config;
pub use context::{Context, Deps};
pub use error::{Error, Step};

use apply::Writer;
use cache::Caches;
use events::Events;
use lease::Elector;
use metrics::Metrics;
use probe::Probes;

/// Why the operator stopped though nobody asked it to. The process should end and be started anew.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// A port could not be opened or broke.
    #[error("serving the operator's own pages: {0}")]
    Pages(#[from] std::io::Error),
    /// The selector cannot be read.
    #[error("--selector: {0}")]
    Selector(String),
    /// Another replica leads now.
    #[error("the lease was lost; another replica may lead now")]
    LeaseLost,
    /// A part ended by itself, which is a defect.
    #[error("a part of the operator ended by itself: {0}")]
    Part(String),
}

/// A client that counts its requests.
///
/// # Errors
/// When the configuration holds a certificate or key that cannot be used.
pub fn client(config: kube::Config, metrics: &Metrics) -> Result<Client, kube::Error> {
    Ok(ClientBuilder::try_from(config)?.with_layer(&metrics.layer()).build())
}

/// Runs the operator until `stop`. Reconciles that have begun end before it returns.
///
/// # Errors
/// See [`Stopped`].
pub async fn run(deps: Deps, stop: CancellationToken) -> Result<(), Stopped> {
    let all = stop.child_token();
    let _ended = all.clone().drop_guard();
    let context = context(deps, &all)?;
    let mut parts: JoinSet<Result<(), Stopped>> = JoinSet::new();

    let listener = health::bind(context.config.listen).await?;
    let pages = health::serve(listener, context.caches.clone(), context.metrics.clone(), all.clone());
    parts.spawn(async move { Ok(pages.await?) });
    let grants = grants::serve(context.clone(), all.clone());
    parts.spawn(async move { Ok(grants.await?) });
    spawn_leading(&mut parts, &context, &all);

    let mut result = Ok(());
    while let Some(part) = parts.join_next().await {
        let part = part.unwrap_or_else(|error| Err(Stopped::Part(error.to_string())));
        if result.is_ok() && !stop.is_cancelled() {
            result = part.and(Err(Stopped::Part("it was not told to".to_owned())));
        }
        all.cancel();
    }
    result
}

fn context(deps: Deps, stop: &CancellationToken) -> Result<Arc<Context>, Stopped> {
    let Deps { client, config, clock, random, prober, store, metrics } = deps;
    let selector = config.selector.as_deref().map(selector::parse).transpose().map_err(Stopped::Selector)?;
    let caches = Caches::start(&client, config.selector.as_deref(), &metrics, stop);
    let probes = Probes::new(prober, clock.clone(), config.probe_every, config.probes);
    Ok(Arc::new(Context {
        selector,
        writer: Writer::new(client.clone(), metrics.clone()),
        instances: instance::Memory::default(),
        events: Events::new(client.clone(), &config.replica),
        probes: Arc::new(probes),
        client,
        config,
        clock,
        random,
        store,
        metrics,
        caches,
        looking: tokio::sync::Mutex::default(),
        ground: std::sync::RwLock::default(),
    }))
}

// What only one replica may do: all reconcilers.
fn spawn_leading(parts: &mut JoinSet<Result<(), Stopped>>, context: &Arc<Context>, all: &CancellationToken) {
    let context = context.clone();
    let all = all.clone();
    parts.spawn(async move {
        if !context.config.leader_elect {
            context.metrics.leads(true);
            lead(context, all).await;
            return Ok(());
        }
        let mut elector = Elector::new(
            context.client.clone(),
            &context.config.system_namespace,
            &context.config.replica,
            context.clock.clone(),
        );
        if !elector.win(&all).await {
            return Ok(());
        }
        tracing::info!(replica = context.config.replica, "leading");
        context.metrics.leads(true);
        let work = all.child_token();
        let give_back = CancellationToken::new();
        let mut holding = {
            let give_back = give_back.clone();
            tokio::spawn(async move { elector.hold(&give_back).await })
        };
        tokio::select! {
            _ = &mut holding => {
                // Not awaited to their end: a write after the lease is lost is the very thing to avoid.
                work.cancel();
                context.metrics.leads(false);
                Err(Stopped::LeaseLost)
            }
            () = lead(context.clone(), work.clone()) => {
                give_back.cancel();
                let _ = holding.await;
                Ok(())
            }
        }
    });
}

async fn lead(context: Arc<Context>, stop: CancellationToken) {
    let poked = context.caches.clone();
    // Tasks of their own, so that they share the cores; aborted when this is dropped.
    let mut loops = JoinSet::new();
    loops.spawn(context.probes.clone().run(move |name| poked.poke(name), stop.clone()));
    loops.spawn(controller::drive::<cell::CellReconciler>(context.clone(), stop.clone()));
    loops.spawn(controller::drive::<instance::InstanceReconciler>(context.clone(), stop.clone()));
    loops.spawn(instance::sweep(context.clone(), stop.clone()));
    loops.spawn(export::run(context.clone(), stop.clone()));
    loops.spawn(account::run(context, stop.clone()));
    while let Some(ended) = loops.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a reconciler broke; all are stopped");
        }
        stop.cancel();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn an_operator_that_has_not_seen_the_cluster_yet_ends_when_it_is_told_to() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let metrics = Metrics::default();
        // Nobody listens there, so no first list ever comes.
        let nowhere = kube::Config::new("http://127.0.0.1:1".parse().unwrap());
        let deps = Deps {
            client: client(nowhere, &metrics).unwrap(),
            config: Config::default(),
            clock: Arc::new(clock::SystemClock),
            random: Arc::new(clock::SystemRandom),
            prober: Arc::new(probe::fake::FakeProber::default()),
            store: Arc::new(store::fake::FakeStore::default()),
            metrics,
        };
        let stop = CancellationToken::new();
        let running = tokio::spawn(run(deps, stop.clone()));
        stop.cancel();
        tokio::time::timeout(Duration::from_secs(60), running).await.expect("it goes on").unwrap().unwrap();
    }
}
