//! `steppe-operator`: see `--help`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use operator::clock::{SystemClock, SystemRandom};
use operator::metrics::Metrics;
use operator::probe::HttpProber;
use operator::store::S3Store;
use operator::{Config, Deps};
use tokio_util::sync::CancellationToken;

/// Turns Instance objects into servers, keeps them, and hands them over.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the operator.
    Run(Box<Config>),
    /// Write the custom resource definitions, one YAML file per kind.
    Crds {
        /// The folder to write to; without it everything goes to the standard output.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Run the purger, with a credential of its own.
    Purger(Box<operator::purge::Config>),
    /// Make the platform's keys.
    Keys {
        #[command(subcommand)]
        command: Keys,
    },
    /// Run inside a tenant's pod: the programs of jobs and init containers.
    Job(operator::job::JobArgs),
}

#[derive(Subcommand)]
enum Keys {
    /// Print the Secret with new keys. Apply it once, and keep a copy offline: without it no bundle with a key of its own
    /// can be opened.
    Generate {
        /// The Secret's name, as in the chart's `secrets.keys`.
        #[arg(long, default_value = "steppe-operator-keys")]
        name: String,
    },
}

fn main() -> anyhow::Result<ExitCode> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match Cli::parse().command {
        Command::Run(config) => {
            runtime()?.block_on(run(*config))?;
        }
        Command::Purger(config) => runtime()?.block_on(purge(*config))?,
        Command::Crds { out } => crds(out.as_deref())?,
        Command::Keys { command: Keys::Generate { name } } => {
            let text = operator::keys::manifest(&name, crd::labels::SYSTEM_NAMESPACE, &SystemRandom)?;
            write!(std::io::stdout().lock(), "{text}")?;
        }
        Command::Job(args) => {
            log();
            return Ok(runtime()?.block_on(operator::job::run(args)));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting the runtime")
}

fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(filter).with_writer(std::io::stderr).init();
}

async fn run(config: Config) -> anyhow::Result<()> {
    log();
    let metrics = Metrics::default();
    let kube = kube::Config::infer()
        .await
        .context("finding the API server (in a pod by its ServiceAccount, elsewhere by KUBECONFIG)")?;
    let client = operator::client(kube, &metrics).context("making a client for the API server")?;
    let deps = Deps {
        client,
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        prober: Arc::new(HttpProber::new()),
        store: Arc::new(S3Store::new(&config.store_dir)),
        metrics,
        config,
    };
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(stop.clone()));
    operator::run(deps, stop).await?;
    tracing::info!("stopped");
    Ok(())
}

async fn purge(config: operator::purge::Config) -> anyhow::Result<()> {
    log();
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(stop.clone()));
    operator::purge::run(config, stop).await
}

async fn stop_on_signal(stop: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            tracing::info!("stopping: reconciles that have begun end first");
        }
        Err(error) => tracing::error!(%error, "signals cannot be received"),
    }
    stop.cancel();
}

/// The definitions as files. They survive an uninstall of the chart: with a definition all its objects would go.
fn crds(out: Option<&Path>) -> anyhow::Result<()> {
    for mut definition in crd::all() {
        definition
            .metadata
            .annotations
            .get_or_insert_default()
            .insert("helm.sh/resource-policy".to_owned(), "keep".to_owned());
        let name = format!("{}.yaml", definition.spec.names.plural);
        let text = serde_saphyr::to_string(&definition)
            .with_context(|| format!("writing the definition of {}", definition.spec.names.kind))?;
        match out {
            Some(folder) => {
                let path = folder.join(name);
                std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
            }
            None => write!(std::io::stdout().lock(), "---\n{text}")?,
        }
    }
    Ok(())
}
