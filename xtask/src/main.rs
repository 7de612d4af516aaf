//! `cargo xtask`: the one command for checking, testing and showing Steppe.
//!
//! It stays thin on purpose: it builds in under a minute, prints its plan at once, and leaves heavy work to
//! `steppe-lab` and to `cargo`, whose progress it shows.

mod binaries;
mod cache;
mod cargo;
mod child;
mod cli;
mod clock;
mod context;
mod derived;
mod history;
mod lab;
mod lint;
mod lock;
mod log;
mod prerequisites;
mod progress;
mod stop;
mod target;
mod test;
mod workspace;

use std::process::ExitCode;

use crate::cli::{Cli, Command};
use crate::context::Context;
use crate::stop::Interrupted;

fn main() -> ExitCode {
    let cli = Cli::read();
    match run(&cli) {
        Ok(code) => code,
        Err(error) if error.downcast_ref::<Interrupted>().is_some() => {
            progress::complain("interrupted");
            ExitCode::from(130)
        }
        Err(error) => {
            progress::complain(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// What failed is a bad exit code; an error is what kept us from finding out.
fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    let context = Context::open(cli)?;
    let good = match &cli.command {
        Command::Lint => lint::command(&context)?,
        Command::Gen { check } => derived::command(&context, *check)?,
        Command::Test(options) => test::command(&context, options)?,
        Command::Demo(options) => return lab::demo(&context, options),
        Command::Bench { words } => return lab::bench(&context, words),
        Command::Cluster { action, words } => return lab::cluster(&context, *action, words),
    };
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
