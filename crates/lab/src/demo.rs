//! `steppe-lab demo`: a cell on this machine (or in a cluster that was named), two servers on it, and what their
//! owners do; on this machine with a control plane beside it, where a customer orders a third.

mod elsewhere;
mod life;
mod ordered;
mod raise;
mod vacancy;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use tokio::time::Instant;

use crate::cache::Cache;
use crate::control::ControlPlane;
use crate::node::{self, Config, Ground};
use crate::tools::Progress;
pub use elsewhere::{Named, Place, elsewhere, for_tests};
pub use life::{Dashboard, Living, Seconds, Taken, boot, federate, log_in, restore, take, two_servers};
pub use ordered::{Ordered, fetch, leave, order};
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
    let (cell, ground) = cell(options, config, cache, progress).await?;
    seconds.cluster = life::rounded(begun.elapsed());
    let work = tempfile::tempdir_in(cache.root())?;
    let (names, ordered) = names();
    let control = control(&cell, ground.as_ref(), cache, &mut seconds, progress).await?;
    let [first, second] = two_servers(&cell.site, [&names[0], &names[1]], work.path(), &mut seconds, progress).await?;
    if options.once {
        progress.step("Taking the first server away");
        let taken = take(&cell.site, &first, &cell.bucket, work.path(), &mut seconds).await?;
        progress.step("Bringing it up on a plain Debian");
        let begun = Instant::now();
        restore(&cell.site, cache, &first, &second.account(), &taken, work.path(), &cell.public_key).await?;
        seconds.restore = life::rounded(begun.elapsed());
        if let (Some(control), Some(dashboard)) = (&control, &mut seconds.dashboard) {
            at_the_dashboard(control, &cell, cache, &ordered, dashboard, progress).await?;
        }
    }
    tell(options, &cell, control.as_ref(), &[first, second], &seconds).await
}

/// The same life once more, by the way a customer goes.
async fn at_the_dashboard(
    control: &ControlPlane,
    cell: &Cell,
    cache: &Cache,
    name: &str,
    seconds: &mut Dashboard,
    progress: &mut dyn Progress,
) -> Result<()> {
    let work = tempfile::tempdir_in(cache.root())?;
    progress.step(&format!("Signing up at the dashboard and ordering {name}"));
    let mut ordered = order(control, cell, name, seconds).await.with_context(|| control.tails(20))?;
    progress.step("Taking it away, as its owner would");
    let left = leave(control, cell, cache, &mut ordered, work.path(), seconds).await;
    left.with_context(|| control.tails(20))
}

/// The control plane, where the ground is ours.
async fn control(
    cell: &Cell,
    ground: Option<&Ground>,
    cache: &Cache,
    seconds: &mut Seconds,
    progress: &mut dyn Progress,
) -> Result<Option<ControlPlane>> {
    let Some(ground) = ground else {
        progress.step("Leaving the control plane out: it is shown on a cluster of our own, without --context");
        return Ok(None);
    };
    let begun = Instant::now();
    let control = ControlPlane::on(ground, cell, cache, progress).await?;
    let control_plane = life::rounded(begun.elapsed());
    seconds.dashboard = Some(Dashboard { control_plane, ..Dashboard::default() });
    Ok(Some(control))
}

async fn cell(
    options: &Options,
    config: &Config,
    cache: &Cache,
    progress: &mut dyn Progress,
) -> Result<(Cell, Option<Ground>)> {
    let Some(context) = &options.context else {
        let ground = node::up(config, cache, progress).await?;
        return Ok((on_ground(&ground, cache, progress).await?, Some(ground)));
    };
    let registry =
        options.registry.as_deref().context("--context needs --registry, from which the cluster can pull")?;
    let place = options.place.as_deref().context("--context needs --place; docs/operating.md tells what is in it")?;
    let named = Named { context, kubeconfig: None, registry, place };
    Ok((elsewhere(&named, cache, progress).await?, None))
}

/// Names that a repeat of the demo on the same cell does not meet again: of two servers made in the cell, and of one that
/// is ordered.
fn names() -> ([String; 2], String) {
    let stamp = crate::journey::stamp();
    (["birds", "trees"].map(|name| format!("{name}-{stamp}")), format!("reeds-{stamp}"))
}

#[allow(clippy::print_stdout)] // The demo's results are its output.
async fn tell(
    options: &Options,
    cell: &Cell,
    control: Option<&ControlPlane>,
    servers: &[Living],
    seconds: &Seconds,
) -> Result<()> {
    if options.json {
        println!("{}", serde_json::to_string(seconds)?);
        return Ok(());
    }
    println!("\nTwo servers are up and follow each other:\n");
    for living in servers {
        println!("  {}", living.order.base());
        println!("    handle {}  password {}\n", living.order.handle, living.password);
    }
    match control {
        Some(control) => println!("{}", control.how_to_look().await?),
        None => println!("The control plane was left out: it is shown on a cluster of our own, without --context.\n"),
    }
    println!("{}", cell.how_to_look);
    Ok(())
}
