//! Programs that run inside tenants' pods: `steppe-operator job …`.
//!
//! They have no rights in the API. Arguments and mounted files come in; an exit code and a termination message go out
//! ([`outcome`]). Each may be killed between any two lines and run again. None prints a secret.

pub mod account;
pub mod birth;
mod durable;
pub mod export;
pub mod identity;
pub mod outcome;
mod password;
pub mod prepare;
pub mod snac;

use std::path::PathBuf;
use std::process::ExitCode;

use names::Flavour;
use serde::Serialize;

use crate::clock::{Clock, Random, SystemClock, SystemRandom};
use outcome::Failure;

/// Options of `steppe-operator job`.
#[derive(Debug, Clone, clap::Args)]
pub struct JobArgs {
    /// Where the termination message goes.
    #[arg(long, global = true, default_value = "/dev/termination-log")]
    pub termination_log: PathBuf,
    /// What to do.
    #[command(subcommand)]
    pub job: Job,
}

/// The programs.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Job {
    /// Makes a server's identity, once.
    Birth(birth::BirthArgs),
    /// Compares volume and identity before a server starts, and applies its settings.
    Prepare(prepare::PrepareArgs),
    /// Adds or removes an account, or gives one a new password.
    Account(account::AccountArgs),
    /// Streams a stopped server's data to the object store.
    Export(export::ExportArgs),
    /// Copies this program into a shared folder, so that a container of another image can run it.
    Install(InstallArgs),
}

/// Where to copy this program to.
#[derive(Debug, Clone, clap::Args)]
pub struct InstallArgs {
    /// The folder.
    #[arg(long, default_value = "/steppe")]
    pub into: PathBuf,
}

/// Runs a program with the clock and the randomness of the machine.
pub async fn run(args: JobArgs) -> ExitCode {
    let (clock, random): (&dyn Clock, &dyn Random) = (&SystemClock, &SystemRandom);
    let log = &args.termination_log;
    match args.job {
        Job::Birth(args) => finish(log, "birth", birth::run(&args, clock.now(), random)),
        Job::Prepare(args) => finish(log, "prepare", prepare::run(&args)),
        Job::Account(args) => finish(log, "account", account::run(&args, random)),
        Job::Export(args) => finish(log, "export", export::run(&args).await),
        Job::Install(args) => finish(log, "install", install(&args)),
    }
}

fn finish<T: Serialize>(path: &std::path::Path, job: &str, result: Result<T, Failure>) -> ExitCode {
    match &result {
        Ok(_) => tracing::info!(job, "done"),
        Err(failure) => tracing::error!(job, code = failure.code, reason = failure.reason, "{failure}"),
    }
    outcome::report(path, result).map_or_else(
        |error| {
            tracing::error!(job, %error, "the termination message could not be written to {}", path.display());
            ExitCode::from(outcome::AGAIN)
        },
        ExitCode::from,
    )
}

fn install(args: &InstallArgs) -> Result<(), Failure> {
    let failed = |e| Failure::again(format!("copying this program into {}", args.into.display()), e);
    let program = std::env::current_exe().map_err(failed)?;
    std::fs::copy(program, args.into.join("steppe-operator")).map_err(failed)?;
    Ok(())
}

/// Refuses what is not built yet.
fn only_snac(flavour: Flavour) -> Result<(), Failure> {
    match flavour {
        Flavour::Snac => Ok(()),
        Flavour::Mastodon | Flavour::GlitchSoc | Flavour::GoToSocial => {
            Err(Failure::refused("FlavourUnknown", format!("this version of the operator cannot run {flavour}")))
        }
    }
}
