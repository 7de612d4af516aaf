//! What every command needs: where we are, where things are kept, how to show and how to stop.

use std::ffi::{OsStr, OsString};
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::cache::Cache;
use crate::child::Program;
use crate::cli::{Cli, Command};
use crate::history::History;
use crate::lock::Lock;
use crate::log::Log;
use crate::progress::{Progress, Step};
use crate::stop::Stop;
use crate::{target, workspace};

/// Cargo describes xtask itself by these when it runs it; to the programs we start they would be lies.
const LEFT_BY_CARGO: [&str; 15] = [
    "CARGO_BIN_NAME",
    "CARGO_CRATE_NAME",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "CARGO_PKG_AUTHORS",
    "CARGO_PKG_DESCRIPTION",
    "CARGO_PKG_HOMEPAGE",
    "CARGO_PKG_LICENSE",
    "CARGO_PKG_LICENSE_FILE",
    "CARGO_PKG_NAME",
    "CARGO_PKG_README",
    "CARGO_PKG_REPOSITORY",
    "CARGO_PKG_RUST_VERSION",
    "CARGO_PKG_VERSION",
    "CARGO_PRIMARY_PACKAGE",
];

/// What tells the tests of an existing cluster.
const OF_TESTS: [&str; 4] = ["STEPPE_TEST_CONTEXT", "STEPPE_TEST_REGISTRY", "STEPPE_TEST_PLACE", "STEPPE_TEST_RUN"];

/// Leads to existing clusters, which only those see that use one that was named.
const OF_CLUSTERS: [&str; 5] = ["KUBECONFIG", OF_TESTS[0], OF_TESTS[1], OF_TESTS[2], OF_TESTS[3]];

pub struct Context {
    /// The repository.
    pub root: PathBuf,
    pub cache: Cache,
    pub history: History,
    pub progress: Progress,
    pub stop: Stop,
    /// The ground of ours that node tests share.
    pub test_ground: String,
    kubeconfig: Option<PathBuf>,
    /// An existing cluster, used because it was named.
    cluster: Option<String>,
    /// What the tests are told of it.
    elsewhere: Vec<(&'static str, OsString)>,
}

impl Context {
    pub fn open(cli: &Cli) -> anyhow::Result<Self> {
        let ambient = &cli.ambient;
        let root = repository()?;
        let cache = Cache::locate(ambient, &root, cli.command.cold(), std::process::id())?;
        cache.create()?;
        let ci = ambient.ci.as_deref().is_some_and(|ci| !matches!(ci, "" | "0" | "false"));
        let dumb = ambient.term.as_deref().is_none_or(|term| term == "dumb");
        let context = Self {
            history: History::open(&cache.history(), cache.cold()),
            root,
            cache,
            progress: Progress::open(ci || dumb),
            stop: Stop::listen()?,
            test_ground: ambient.test_ground.clone().unwrap_or_else(|| "test".to_owned()),
            kubeconfig: ambient.kubeconfig.clone().filter(|path| !path.is_empty()).map(PathBuf::from),
            cluster: cli.named_cluster().map(str::to_owned),
            elsewhere: elsewhere(cli)?,
        };
        context.forget_gone();
        Ok(context)
    }

    /// Removes what clones have left that are gone. That it cannot be done stops nothing.
    fn forget_gone(&self) {
        match self.cache.forget_gone() {
            Ok(gone) if gone.is_empty() => {}
            Ok(gone) => {
                let (root, gone) = (self.cache.root.display(), gone.join(", "));
                self.progress.say(&format!("removed from {root} what clones have left that are gone: {gone}"));
            }
            Err(error) => self.progress.say(&format!("note: {error:#}")),
        }
    }

    /// The first lines of a command: where things are kept and what was found.
    pub fn announce(&self) {
        let cache = &self.cache;
        self.progress.say(&format!("cache folder {}", cache.root.display()));
        if !cache.target.starts_with(&cache.root) {
            self.progress.say(&format!("build output {}", cache.target.display()));
        }
        if cache.cold() {
            self.progress.say("cold run: that folder is new and stays; remove it when you have seen enough:");
            self.progress.say(&format!("  chmod -R u+w {0} && rm -r {0}", cache.root.display()));
        }
        if let Some(line) = clusters(self.kubeconfig.as_deref(), self.cluster.as_deref()) {
            self.progress.say(&line);
        }
    }

    /// Begins a step; it shows how long it took last time.
    pub fn begin(&self, name: &str) -> Step {
        self.progress.step(name, self.history.last(name))
    }

    /// Ends a step; only a good one is worth comparing with.
    pub fn end(&self, step: Step, good: bool, outcome: &str) {
        if good {
            self.history.record(step.name(), step.elapsed());
            if let Err(error) = self.history.save() {
                self.progress.say(&format!("note: {error:#}"));
            }
        }
        step.end(outcome);
    }

    /// The existing cluster that was named.
    pub fn cluster(&self) -> Option<&str> {
        self.cluster.as_deref()
    }

    /// As [`Context::program`], for those few that use the cluster that was named.
    pub fn program_for_clusters(&self, program: impl AsRef<OsStr>) -> Program {
        let mut program = self.program(program);
        if let (Some(_), Some(kubeconfig)) = (&self.cluster, &self.kubeconfig) {
            program = program.env("KUBECONFIG", kubeconfig);
        }
        for (name, value) in &self.elsewhere {
            program = program.env(name, value);
        }
        program
    }

    /// A program in the repository's folder with the environment all our children have. No cluster is in it.
    pub fn program(&self, program: impl AsRef<OsStr>) -> Program {
        let mut program = Program::new(program, &self.root);
        for name in LEFT_BY_CARGO.iter().chain(&OF_CLUSTERS) {
            program = program.without_env(name);
        }
        for (name, value) in self.cache.variables() {
            program = program.env(name, value);
        }
        program
    }

    /// A log file of this clone; the one of the run before is replaced.
    pub fn log(&self, name: &str) -> anyhow::Result<Log> {
        Log::create(&self.cache.logs().join(format!("{}.log", file_name(name))))
    }

    /// Lets one clone build at a time, in a folder that holds no other clone's crates.
    pub fn build_lock(&self, step: &Step) -> anyhow::Result<Lock> {
        let note = format!("{}, process {}", self.root.display(), std::process::id());
        let lock = Lock::take(&self.cache.root.join("locks/build"), &note, &self.stop, &mut |holder| {
            step.now(&format!("waiting for the build of {holder}"), None);
            self.progress.say(&format!("the build folder is in use by {holder}; waiting for it"));
        })?;
        let packages = workspace::packages(self)?;
        let names: Vec<String> = packages.workspace_packages().iter().map(|package| package.name.to_string()).collect();
        target::claim(&self.cache.target, &self.root, &names)?;
        Ok(lock)
    }
}

/// What the tests are told of the cluster that was named for them.
///
/// # Errors
/// When they could not use it: images and names have to get there.
fn elsewhere(cli: &Cli) -> anyhow::Result<Vec<(&'static str, OsString)>> {
    let (Command::Test(_), Some(name)) = (&cli.command, cli.named_cluster()) else {
        return Ok(Vec::new());
    };
    let (Some(registry), Some(place)) = (&cli.ambient.test_registry, &cli.ambient.test_place) else {
        bail!(
            "STEPPE_TEST_CONTEXT={name} needs STEPPE_TEST_REGISTRY, from which that cluster can pull, and \
             STEPPE_TEST_PLACE, a file that docs/operating.md describes"
        );
    };
    // Test programs run in other folders.
    let place = std::path::absolute(place)?;
    // Nobody has to guess it: it tells this run's cluster from one that an earlier run has left.
    let run = format!("{:016x}", RandomState::new().hash_one(std::process::id()));
    let [context, registry_name, place_name, run_name] = OF_TESTS;
    Ok(vec![
        (context, name.into()),
        (registry_name, registry.into()),
        (place_name, place.into_os_string()),
        (run_name, run.into()),
    ])
}

/// What is said of existing clusters.
fn clusters(kubeconfig: Option<&Path>, named: Option<&str>) -> Option<String> {
    match (kubeconfig, named) {
        (None, None) => None,
        (Some(path), None) => {
            Some(format!("KUBECONFIG={} found, not touched: a cluster is used only when named", path.display()))
        }
        (None, Some(name)) => Some(format!("the existing cluster {name} is used, because it was named")),
        (Some(path), Some(name)) => {
            Some(format!("the existing cluster {name} of {} is used, because it was named", path.display()))
        }
    }
}

/// `operator (lib operator)` becomes `operator-lib-operator`.
fn file_name(title: &str) -> String {
    let words = title.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
}

/// The folder of the workspace, as cargo knows it: the commands work from any folder below it.
fn repository() -> anyhow::Result<PathBuf> {
    let here = std::env::current_dir().context("finding the current folder")?;
    let manifest = Program::new("cargo", &here)
        .args(["locate-project", "--workspace", "--message-format", "plain"])
        .read()
        .context("finding the workspace; run this inside the repository")?;
    let folder = Path::new(manifest.trim()).parent().map(Path::to_owned);
    folder.with_context(|| format!("{} has no folder", manifest.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_have_plain_names() {
        assert_eq!(file_name("unit-operator (lib operator)"), "unit-operator-lib-operator");
        assert_eq!(file_name("cluster up"), "cluster-up");
    }

    #[test]
    fn tests_get_a_cluster_only_with_the_ways_to_it() {
        use clap::Parser as _;
        let told = |words: &[&str]| elsewhere(&Cli::parse_from([&["xtask"], words].concat()));
        let ways = ["--test-context", "one", "--test-registry", "r:5000", "--test-place", "/p.json"];
        assert_eq!(told(&[&ways[..], &["lint"]].concat()).unwrap(), []);
        let named = told(&[&ways[..], &["test"]].concat()).unwrap();
        let expected = [(OF_TESTS[0], "one"), (OF_TESTS[1], "r:5000"), (OF_TESTS[2], "/p.json")];
        assert_eq!(named[..3], expected.map(|(name, value)| (name, OsString::from(value))));
        assert_eq!(named[3].0, OF_TESTS[3]);
        let error = told(&["--test-context", "one", "test"]).unwrap_err().to_string();
        assert!(error.contains("STEPPE_TEST_REGISTRY") && error.contains("STEPPE_TEST_PLACE"), "{error}");
    }

    #[test]
    fn existing_clusters_are_told_of() {
        let config = Path::new("/home/ada/.kube/config");
        assert_eq!(clusters(None, None), None);
        assert!(clusters(Some(config), None).unwrap().contains("found, not touched"));
        assert!(clusters(Some(config), Some("kind-one")).unwrap().contains("kind-one of /home/ada"));
    }
}
