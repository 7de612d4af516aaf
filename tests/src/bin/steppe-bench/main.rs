//! `steppe-bench`: what Steppe costs, beside the least that could be paid for the same. Counts and ratios of one run;
//! nothing here decides whether a change is good.
#![allow(clippy::cast_precision_loss, reason = "figures are shown with three digits")]

mod control;
mod converge;
mod export;
mod frame;
mod machine;
mod memory;
mod null;
mod pack;
mod ready;
mod recorder;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand, ValueEnum};
use lab::cache::Cache;
use lab::report::{self, How, Report};
use tokio::signal::unix::{SignalKind, signal};

use frame::{Chapter, Run};

/// Measures what Steppe costs.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    /// Folder for everything built or downloaded once [default: the user's cache folder/steppe]
    #[arg(long, env = "STEPPE_CACHE", global = true)]
    cache: Option<PathBuf>,
    /// How progress is told
    #[arg(long, env = "STEPPE_PROGRESS", value_enum, default_value = "text", global = true)]
    progress: How,
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    part: Option<Part>,
}

/// What is measured and how.
#[derive(Debug, Args)]
pub struct Options {
    /// Only these questions
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Question>,
    /// Seconds to ready on real pods too, on a ground of its own that is taken away afterwards
    #[arg(long)]
    node: bool,
    /// How often A-B-B-A is gone through
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How many servers are made at once
    #[arg(long, default_value_t = 50)]
    tenants: usize,
    /// How many requests run at once; the operator reconciles 16 objects at once
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// The name of the ground for `--node`
    #[arg(long, default_value = "bench")]
    name: String,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Question {
    /// Servers a second and API calls for each
    Converge,
    /// Bytes of a bundle for a second of processor time
    Export,
    /// Memory of the operator
    Memory,
    /// Reads and operations a second of the control plane, and its memory
    Control,
    /// Seconds to ready on real pods
    Ready,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Pack a folder into a bundle that goes nowhere
    #[command(hide = true)]
    Pack { folder: PathBuf },
}

#[tokio::main]
async fn main() -> ExitCode {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match until_told(&Cli::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(130),
        Err(error) => {
            report::error("steppe-bench", &error);
            ExitCode::FAILURE
        }
    }
}

/// Whether it went on to its end. Who interrupts it finds nothing of it left: programs and grounds go.
async fn until_told(cli: &Cli) -> Result<bool> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        done = work(cli) => return done.map(|()| true),
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    if questions(&cli.options).contains(&Question::Ready) {
        ready::take_away(&cli.options, &Cache::open(cli.cache.as_deref())?).await?;
    }
    Ok(false)
}

async fn work(cli: &Cli) -> Result<()> {
    if let Some(Part::Pack { folder }) = &cli.part {
        return report::result(&serde_json::to_string(&pack::pack(folder).await?)?);
    }
    let cache = Cache::open(cli.cache.as_deref())?;
    let mut progress = Report::new("bench", cli.progress);
    let before = machine::load();
    let mut chapters = Vec::new();
    for question in questions(&cli.options) {
        chapters.push(answer(question, &cli.options, &cache, &mut progress).await?);
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let run = Run::of(cli.options.rounds, [before, machine::load()], cores, chapters);
    report::result(&if cli.options.json { serde_json::to_string(&run)? } else { table::text(&run) })
}

/// Those that were asked for; without any, all that need no node, and `ready` with `--node`.
fn questions(options: &Options) -> Vec<Question> {
    use Question::{Control, Converge, Export, Memory, Ready};
    let mut all = if options.only.is_empty() { vec![Converge, Export, Memory, Control] } else { options.only.clone() };
    if options.node && !all.contains(&Ready) {
        all.push(Ready);
    }
    all
}

async fn answer(question: Question, options: &Options, cache: &Cache, progress: &mut Report) -> Result<Chapter> {
    match question {
        Question::Converge => converge::measure(options, cache, progress).await,
        Question::Export => export::measure(options, cache, progress).await,
        Question::Memory => memory::measure(options, cache, progress).await,
        Question::Control => control::measure(options, cache, progress).await,
        Question::Ready => ready::measure(options, cache, progress).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn asked(words: &[&str]) -> Vec<Question> {
        questions(&Cli::parse_from([&["bench"], words].concat()).options)
    }

    #[test]
    fn words_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_node_is_used_only_when_asked_for() {
        use Question::{Control, Converge, Export, Memory, Ready};
        assert_eq!(asked(&[]), [Converge, Export, Memory, Control]);
        assert_eq!(asked(&["--node"]), [Converge, Export, Memory, Control, Ready]);
        assert_eq!(asked(&["--only", "ready"]), [Ready]);
        assert_eq!(asked(&["--only", "export,memory", "--node"]), [Export, Memory, Ready]);
    }
}
