//! `steppe-lab demo`: a cell on this machine (or in a cluster that was named), two servers on it, and what their
//! owners do.

mod elsewhere;
mod life;
mod raise;
mod vacancy;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use tokio::time::Instant;

use crate::cache::Cache;
use crate::node::{self, Config};
use crate::tools::Progress;
pub use elsewhere::{Named, Place, elsewhere, for_tests};
pub use life::{Living, Seconds, Taken, federate, log_in, restore, take, two_servers};
pub use raise::{Cell, chart, on_ground};
pub use vacancy::vacant;

/// What the demo is told.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Go through a server's whole life, check each step, and end.
    #[arg(long)]
    pub once: bool,
    /// Print one JSON line on standard output: the seconds of each step.
    #[arg(long)]
    pub json: bool,
    /// Use the existing cluster of this kubeconfig context instead of one on this machine.
    #[arg(long, requires = "registry")]
    pub context: Option<String>,
    /// Push images to this registry, from which that cluster can pull.
    #[arg(long)]
    pub registry: Option<String>,
    /// What only its owner knows of that cluster (zone, ingress, object store, networks), a JSON file; see
    /// `docs/operating.md`.
    #[arg(long)]
    pub place: Option<PathBuf>,
}

/// Runs the demo.
///
/// # Errors
/// When any step fails; the error says which, and what was seen.
pub async fn run(options: &Options, config: &Config, cache: &Cache, progress: &mut dyn Progress) -> Result<()> {
    let mut seconds = Seconds::default();
    let begun = Instant::now();
    let cell = cell(options, config, cache, progress).await?;
    seconds.cluster = life::rounded(begun.elapsed());
    let work = tempfile::tempdir_in(cache.root())?;
    let names = names();
    let [first, second] = two_servers(&cell.site, [&names.0, &names.1], work.path(), &mut seconds, progress).await?;
    if options.once {
        progress.step("Taking the first server away");
        let taken = take(&cell.site, &first, &cell.bucket, work.path(), &mut seconds).await?;
        progress.step("Bringing it up on a plain Debian");
        let begun = Instant::now();
        restore(&cell.site, cache, &first, &second.account(), &taken, work.path(), &cell.public_key).await?;
        seconds.restore = life::rounded(begun.elapsed());
    }
    tell(options, &cell, &[first, second], &seconds)
}

async fn cell(options: &Options, config: &Config, cache: &Cache, progress: &mut dyn Progress) -> Result<Cell> {
    let Some(context) = &options.context else {
        let ground = node::up(config, cache, progress).await?;
        return on_ground(&ground, cache, progress).await;
    };
    let registry =
        options.registry.as_deref().context("--context needs --registry, from which the cluster can pull")?;
    let place = options.place.as_deref().context("--context needs --place; docs/operating.md tells what is in it")?;
    let named = Named { context, kubeconfig: None, registry, place };
    elsewhere(&named, cache, progress).await
}

/// Names that a repeat of the demo on the same cell does not meet again.
fn names() -> (String, String) {
    let stamp = crate::journey::stamp();
    (format!("birds-{stamp}"), format!("trees-{stamp}"))
}

#[allow(clippy::print_stdout)] // The demo's results are its output.
fn tell(options: &Options, cell: &Cell, servers: &[Living], seconds: &Seconds) -> Result<()> {
    if options.json {
        println!("{}", serde_json::to_string(seconds)?);
        return Ok(());
    }
    println!("\nTwo servers are up and follow each other:\n");
    for living in servers {
        println!("  {}", living.order.base());
        println!("    handle {}  password {}\n", living.order.handle, living.password);
    }
    println!("{}", cell.how_to_look);
    Ok(())
}
