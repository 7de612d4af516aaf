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
    /// Look whether everything that the configuration names answers and is what it should be
    Doctor,
    /// Describe the API: OpenAPI 3.1
    Openapi,
    /// Look at the configuration
    Config {
        #[command(subcommand)]
        command: Config,
    },
}

#[derive(Subcommand)]
enum Admin {
    /// Take a server into the database that runs in a cell and is unknown here; it goes on as it was
    Adopt {
        #[command(flatten)]
        options: command::admin::adopt::Options,
    },
    /// Where servers live
    Cells {
        #[command(subcommand)]
        command: Cells,
    },
    /// Describe the staff API: OpenAPI 3.1, as JSON
    Openapi,
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
    /// Add a cell; its kubeconfig is read from its folder below `cells-dir`
    Add {
        /// Its name: that of its folder
        name: String,
        /// The zone whose names servers in it get
        zone: names::Hostname,
    },
    /// List all cells with their room
    List,
    /// Grant a cell room for so many servers of a size; without a figure, as many as it says that it has
    Room {
        /// Its name
        name: String,
        /// The size of server: small, medium or large
        size: names::Size,
        /// How many places
        places: Option<u32>,
    },
    /// Place new servers there again
    Open {
        /// Its name
        name: String,
    },
    /// Place no new servers there
    Close {
        /// Its name
        name: String,
    },
    /// Write to a cell again that had later wishes than this database, after somebody has looked why
    Trust {
        /// Its name
        name: String,
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
        /// TOML file with one `[[offer]]` each; `-` for standard input
        file: std::path::PathBuf,
    },
}

#[derive(Subcommand)]
enum Config {
    /// Say whether the configuration can be used, and what is in force; shows no secret
    Check,
}

fn admin(given: Given, command: Admin) -> anyhow::Result<()> {
    use command::admin::{adopt, cells, offers, staff};
    match command {
        Admin::Adopt { options } => command::block_on(adopt::run(given, &options)),
        Admin::Cells { command } => match command {
            Cells::Add { name, zone } => command::block_on(cells::add(given, &name, &zone)),
            Cells::List => command::block_on(cells::list(given)),
            Cells::Room { name, size, places } => command::block_on(cells::room(given, &name, size, places)),
            Cells::Open { name } => command::block_on(cells::open(given, &name, true)),
            Cells::Close { name } => command::block_on(cells::open(given, &name, false)),
            Cells::Trust { name } => command::block_on(cells::trust(given, &name)),
        },
        Admin::Openapi => command::say(control_plane::staff::api::text()?.trim_end()),
        Admin::Offers { command: Offers::Sync { file } } => command::block_on(offers::sync(given, &file)),
        Admin::Staff { command } => match command {
            Staff::Create { email, name } => command::block_on(staff::create(given, &email, &name)),
            Staff::Disable { email } => command::block_on(staff::disable(given, &email)),
        },
    }
}

fn main() -> ExitCode {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Server => command::block_on(command::server::run(cli.given)),
        Command::Worker => command::block_on(command::worker::run(cli.given)),
        Command::Migrate => command::block_on(command::migrate::run(cli.given)),
        Command::Admin { command } => admin(cli.given, command),
        Command::Doctor => command::block_on(command::doctor::run(cli.given)),
        Command::Openapi => command::openapi::print(),
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
