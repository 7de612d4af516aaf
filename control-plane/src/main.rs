//! `steppe`: see `--help`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use control_plane::Given;
use control_plane::command;

/// Hosts Mastodon-compatible servers: dashboard, API, orders, and the work that follows from them.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    given: Given,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve customers' and staff's pages and APIs
    Server,
    /// Bring the database to what this version needs; safe to repeat
    Migrate,
    /// Look at the configuration
    Config {
        #[command(subcommand)]
        command: Config,
    },
}

#[derive(Subcommand)]
enum Config {
    /// Say whether the configuration can be used, and what is in force; shows no secret
    Check,
}

fn main() -> ExitCode {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Server => command::block_on(command::server::run(cli.given)),
        Command::Migrate => command::block_on(command::migrate::run(cli.given)),
        Command::Config { command: Config::Check } => command::config::check(cli.given),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            command::complain(&error);
            ExitCode::FAILURE
        }
    }
}
