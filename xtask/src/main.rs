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
mod prerequisites;
mod progress;
mod stop;
mod test;
mod workspace;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Command};
use crate::context::Context;
use crate::stop::Interrupted;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
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

/// True: everything asked for was done and found good.
fn run(cli: &Cli) -> anyhow::Result<bool> {
    let context = Context::open(cli)?;
    match &cli.command {
        Command::Lint => lint::command(&context),
        Command::Gen { check } => derived::command(&context, *check),
        Command::Test(options) => test::command(&context, options),
        Command::Demo(options) => lab::demo(&context, options),
        Command::Bench { words } => lab::pass_on(&context, "bench", words),
        Command::Cluster { action, words } => lab::cluster(&context, *action, words),
    }
}
