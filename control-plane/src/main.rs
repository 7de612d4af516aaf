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
    /// Carry out what was asked for, watch the cells, send mail; any number of them run beside each other
    Worker,
    /// Bring the database to what this version needs; safe to repeat
    Migrate,
    /// What is done by hand, once in a while
    Admin {
        #[command(subcommand)]
        command: Admin,
    },
    /// Look at the configuration
    Config {
        #[command(subcommand)]
        command: Config,
    },
}

#[derive(Subcommand)]
enum Admin {
    /// Where servers live
    Cells {
        #[command(subcommand)]
        command: Cells,
    },
    /// What can be ordered
    Offers {
        #[command(subcommand)]
        command: Offers,
    },
    /// Who of us may log in
    Staff {
        #[command(subcommand)]
        command: Staff,
    },
}

#[derive(Subcommand)]
enum Cells {
    /// Add a cluster that an operator of ours runs in; its kubeconfig lies in the folder of that name; safe to repeat
    Add {
        /// Name of the cell and of its folder
        name: String,
        /// Zone of the names that servers there get, as the cell's own `spec.zone`
        #[arg(long)]
        zone: names::Hostname,
    },
}

#[derive(Subcommand)]
enum Staff {
    /// Make an account; the password is read from standard input, the second factor is printed once
    Create {
        /// Mail address
        email: domain::Email,
        /// Name, as customers read it
        #[arg(long)]
        name: String,
    },
    /// Shut somebody out at once
    Disable {
        /// Mail address
        email: domain::Email,
    },
}

#[derive(Subcommand)]
enum Offers {
    /// Make what can be ordered what is in a file; a changed offer becomes a new version, nothing is deleted; safe to repeat
    Sync {
        /// TOML file with one `[[offer]]` each
        file: std::path::PathBuf,
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
        Command::Worker => command::block_on(command::worker::run(cli.given)),
        Command::Migrate => command::block_on(command::migrate::run(cli.given)),
        Command::Admin { command: Admin::Offers { command: Offers::Sync { file } } } => {
            command::block_on(command::admin::offers::sync(cli.given, &file))
        }
        Command::Admin { command: Admin::Cells { command: Cells::Add { name, zone } } } => {
            command::block_on(command::admin::cells::add(cli.given, &name, &zone))
        }
        Command::Admin { command: Admin::Staff { command } } => match command {
            Staff::Create { email, name } => command::block_on(command::admin::staff::create(cli.given, &email, &name)),
            Staff::Disable { email } => command::block_on(command::admin::staff::disable(cli.given, &email)),
        },
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
