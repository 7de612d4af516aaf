//! The words `cargo xtask` understands, and the ambient settings it heeds: both are read here, once, by clap.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

/// Check, test and show Steppe.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    pub ambient: Ambient,
    #[command(subcommand)]
    pub command: Command,
}

/// What the surroundings say. Everything may be given as an option too.
#[derive(Debug, Args)]
pub struct Ambient {
    /// Folder of build output, downloads, images and logs; shared by clones [default: the user's cache + /steppe]
    #[arg(long, env = "STEPPE_CACHE", value_name = "DIR")]
    pub cache: Option<PathBuf>,
    /// Cargo's build output, when it is not to be below the cache folder
    #[arg(long, env = "CARGO_TARGET_DIR", value_name = "DIR")]
    pub target_dir: Option<PathBuf>,
    /// Set by build servers: plain lines instead of bars
    #[arg(long, env = "CI", hide = true)]
    pub ci: Option<String>,
    #[arg(long, env = "KUBECONFIG", hide = true)]
    pub kubeconfig: Option<OsString>,
    /// The ground that node tests share, when it is not to be `test`
    #[arg(long, env = "STEPPE_TEST_GROUND", hide = true)]
    pub test_ground: Option<String>,
    /// An existing, empty cluster for the tests that can use one
    #[arg(long, env = "STEPPE_TEST_CONTEXT", hide = true)]
    pub test_context: Option<String>,
    /// Where images go when the tests use an existing cluster
    #[arg(long, env = "STEPPE_TEST_REGISTRY", hide = true)]
    pub test_registry: Option<String>,
    /// What only its owner knows of that cluster; see docs/operating.md
    #[arg(long, env = "STEPPE_TEST_PLACE", hide = true)]
    pub test_place: Option<PathBuf>,
    #[arg(long, env = "XDG_CACHE_HOME", hide = true)]
    pub xdg_cache: Option<PathBuf>,
    #[arg(long, env = "HOME", hide = true)]
    pub home: Option<PathBuf>,
    /// Colours and bars are of no use on such terminals
    #[arg(long, env = "TERM", hide = true)]
    pub term: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check the rules of this repository: format, clippy, crates, licences, purity, arrows, lengths, docs
    Lint,
    /// Regenerate the derived files: answers to the queries, CRDs of the chart, API and configuration reference
    Gen {
        /// Change nothing; fail and show the difference when a derived file is not what the sources say
        #[arg(long)]
        check: bool,
    },
    /// Run everything that can fail; the last line is `N passed, N failed`
    Test(TestOptions),
    /// Bring up a cluster and show the journey: create, log in, post, federate, export, restore
    Demo(DemoOptions),
    /// Measure
    Bench {
        /// Passed on to `steppe-bench`: `--help` tells them
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<OsString>,
    },
    /// The cluster by itself
    Cluster {
        action: ClusterAction,
        /// Passed on to `steppe-lab cluster`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<OsString>,
    },
}

#[derive(Debug, Args)]
pub struct TestOptions {
    /// Only tests whose name contains this; lint and gen are left out then
    pub filter: Option<String>,
    /// Only this stage of the Rust tests; lint and gen are left out then
    #[arg(long, value_enum)]
    pub only: Option<OnlyStage>,
    /// With an empty cache folder of its own, to see what a new machine pays
    #[arg(long)]
    pub cold: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnlyStage {
    Unit,
    Db,
    Light,
    Ground,
    Node,
    E2e,
}

#[derive(Debug, Args)]
pub struct DemoOptions {
    /// End after the journey instead of staying up
    #[arg(long)]
    pub once: bool,
    /// Print exactly one JSON line on standard output
    #[arg(long)]
    pub json: bool,
    /// Use this existing cluster instead of one of our own
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// Where images go when an existing cluster is used
    #[arg(long, value_name = "REGISTRY")]
    pub registry: Option<String>,
    /// What only its owner knows of that cluster; see docs/operating.md
    #[arg(long, value_name = "FILE")]
    pub place: Option<String>,
    /// With an empty cache folder of its own
    #[arg(long)]
    pub cold: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ClusterAction {
    Up,
    Down,
    Status,
}

impl ClusterAction {
    pub fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Status => "status",
        }
    }
}

impl Cli {
    /// Without a command all of them are shown: settings found in the environment are no reason to say less.
    pub fn read() -> Self {
        Self::try_parse().unwrap_or_else(|error| {
            if error.kind() == ErrorKind::MissingSubcommand {
                Self::command().print_long_help().ok();
                std::process::exit(2);
            }
            error.exit()
        })
    }

    /// The existing cluster that was named for this command.
    pub fn named_cluster(&self) -> Option<&str> {
        let name = match &self.command {
            Command::Demo(options) => options.context.as_deref(),
            Command::Test(_) => self.ambient.test_context.as_deref(),
            Command::Lint | Command::Gen { .. } | Command::Bench { .. } | Command::Cluster { .. } => None,
        };
        name.filter(|name| !name.is_empty())
    }
}

impl Command {
    /// Whether an empty cache folder was asked for.
    pub fn cold(&self) -> bool {
        match self {
            Self::Test(options) => options.cold,
            Self::Demo(options) => options.cold,
            Self::Lint | Self::Gen { .. } | Self::Bench { .. } | Self::Cluster { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_cluster_is_named_by_the_command_that_uses_it() {
        let named = |args: &[&str]| Cli::parse_from(args).named_cluster().map(str::to_owned);
        assert_eq!(named(&["xtask", "demo", "--context", "kind-one"]).as_deref(), Some("kind-one"));
        assert_eq!(named(&["xtask", "--test-context", "two", "test"]).as_deref(), Some("two"));
        assert_eq!(named(&["xtask", "--test-context", "two", "demo"]), None);
        assert_eq!(named(&["xtask", "--test-context", "", "test"]), None);
    }

    #[test]
    fn options_for_the_lab_are_passed_on() {
        let cli = Cli::parse_from(["xtask", "cluster", "up", "--name", "second"]);
        assert!(matches!(
            cli.command,
            Command::Cluster { action: ClusterAction::Up, words } if words == ["--name", "second"]
        ));
    }
}
