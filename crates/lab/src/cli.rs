//! The words `steppe-lab` understands.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use lab::report::How;

/// A real Kubernetes on this machine, for trying Steppe.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Cli {
    /// Folder for everything built or downloaded once [default: the user's cache folder/steppe]
    #[arg(long, env = "STEPPE_CACHE", global = true)]
    pub cache: Option<PathBuf>,
    /// How progress is told
    #[arg(long, env = "STEPPE_PROGRESS", value_enum, default_value = "text", global = true)]
    pub progress: How,
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Check what the machine must have, and install the missing Debian packages
    Preflight,
    /// Build Kubernetes, the services and the mail server
    Tools,
    /// Make the images
    Images,
    /// Install a browser and fetch what drives it
    Browser,
    /// The cluster
    Cluster {
        #[command(subcommand)]
        action: Action,
    },
    /// Bring a cell up with two servers on it, and show how to log in
    Demo {
        /// The ground's name
        #[arg(long, default_value = "steppe")]
        name: String,
        #[command(flatten)]
        options: lab::demo::Options,
    },
    /// Print the mails that a ground's people were sent, the newest last
    Mails {
        /// The ground's name
        #[arg(long, default_value = "steppe")]
        name: String,
        /// Only those for this address
        #[arg(long)]
        to: Option<String>,
    },
    /// Print the code that the demo's staff member is asked for beside the password
    Code {
        /// The ground's name
        #[arg(long, default_value = "steppe")]
        name: String,
    },
    /// Ask PostgreSQL about queries and print its answers as JSON; `cargo xtask gen` runs this by itself
    #[command(hide = true)]
    Queries {
        /// The folder with the migrations that make the tables
        #[arg(long)]
        migrations: PathBuf,
        /// A file with a JSON array of queries
        #[arg(long)]
        list: PathBuf,
    },
    /// Look whether an existing cluster may be used for tests: it was named, and is empty but for system namespaces
    Elsewhere {
        /// Its context in the kubeconfig
        #[arg(long, env = "STEPPE_TEST_CONTEXT")]
        context: String,
        /// The registry that it can pull from
        #[arg(long, env = "STEPPE_TEST_REGISTRY")]
        registry: String,
        /// What only its owner knows of it; see docs/operating.md
        #[arg(long, env = "STEPPE_TEST_PLACE")]
        place: PathBuf,
        /// The run that asks; a cluster that it has begun to use is its own
        #[arg(long, env = "STEPPE_TEST_RUN")]
        run: Option<String>,
    },
    /// Follow a ground's objects for ingress and policies; the ground runs this by itself
    #[command(hide = true)]
    Watch {
        #[arg(long)]
        ground: String,
    },
    #[command(flatten)]
    Direct(Action),
}

#[derive(Debug, Subcommand)]
pub enum Action {
    /// Bring a ground up, or find it up
    Up {
        /// Its name
        #[arg(long, default_value = "steppe")]
        name: String,
        /// Go on with the data that `down --keep` left
        #[arg(long)]
        keep: bool,
        /// Only the node: no DNS, volumes, object store, ingress, policies, images
        #[arg(long)]
        bare: bool,
        /// Print its description as JSON
        #[arg(long)]
        json: bool,
    },
    /// Take a ground away, with all its data
    Down {
        /// Its name
        #[arg(long, default_value = "steppe")]
        name: String,
        /// Leave its data for `up --keep`
        #[arg(long)]
        keep: bool,
    },
    /// Show how grounds are; ends with 3 when one is not up, or there is none
    Status {
        /// Only this one
        #[arg(long)]
        name: Option<String>,
        /// Print a JSON object for each
        #[arg(long)]
        json: bool,
    },
}

impl Verb {
    /// The word progress is told under.
    pub fn stage(&self) -> &'static str {
        match self {
            Self::Preflight => "preflight",
            Self::Tools => "tools",
            Self::Images => "images",
            Self::Browser => "browser",
            Self::Cluster { .. } | Self::Direct(_) => "cluster",
            Self::Demo { .. } => "demo",
            Self::Mails { .. } => "mails",
            Self::Code { .. } => "code",
            Self::Queries { .. } => "queries",
            Self::Elsewhere { .. } => "elsewhere",
            Self::Watch { .. } => "watch",
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_words_are_consistent() {
        Cli::command().debug_assert();
        for words in [&["lab", "cluster", "up", "--name", "a"][..], &["lab", "up", "--name", "a", "--progress", "json"]]
        {
            let cli = Cli::parse_from(words);
            assert!(matches!(
                &cli.verb,
                Verb::Cluster { action: Action::Up { name, .. } } | Verb::Direct(Action::Up { name, .. }) if name == "a"
            ));
        }
    }
}
