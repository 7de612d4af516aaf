//! `steppe-lab`.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};
use lab::cache::Cache;
use lab::node::{self, Config};
use lab::tools::Progress;

#[derive(Parser)]
struct Cli {
    #[arg(long, env = "STEPPE_CACHE", global = true)]
    cache: Option<PathBuf>,
    #[arg(long, default_value = "steppe", global = true)]
    name: String,
    #[arg(long, global = true)]
    keep: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Up,
    Down,
}

struct Plain;

impl Progress for Plain {
    #[allow(clippy::print_stderr)]
    fn step(&mut self, what: &str) {
        eprintln!("{what}");
    }
}

#[tokio::main]
#[allow(clippy::print_stderr)]
async fn main() -> std::process::ExitCode {
    match work().await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("steppe-lab: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

async fn work() -> Result<()> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let cli = Cli::parse();
    let cache = Cache::open(cli.cache.as_deref())?;
    let config = Config { keep: cli.keep, ..Config::named(&cli.name)? };
    match cli.verb {
        Verb::Up => drop(node::up(&config, &cache, &mut Plain).await?),
        Verb::Down => drop(node::down(&config, &cache, &mut Plain).await?),
    }
    Ok(())
}
