//! Journeys through pages in a real browser: Debian's Chromium, driven by Playwright from a file of `tests/browser`.
//!
//! A journey sees what its [`Visit`] tells it, and its [`Outcome`] tells what it returned, what axe found on the pages it
//! was shown, and what went on beside: errors in the console, requests that failed, requests to somebody else.

mod home;
mod modules;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};

pub use modules::install;

use crate::cache::Cache;
use crate::process::find;
use crate::tools::Progress;
use home::Home;

/// How many of a journey's last steps are told when it fails.
const LAST_STEPS: usize = 5;

/// A browser and what drives it.
#[derive(Clone, Debug)]
pub struct Browser {
    modules: PathBuf,
    chromium: PathBuf,
    journeys: PathBuf,
}

/// What a journey is told.
#[derive(Clone, Debug)]
pub struct Visit {
    /// What the journey itself asks for: addresses, names, passwords.
    pub given: Value,
    /// The hosts whose pages these are, with all below them. A request to any other is told in the outcome.
    pub own: Vec<String>,
    /// An authority to trust, PEM.
    pub ca: Option<PathBuf>,
    /// Names (`*` stands for anything) and the addresses they are found at instead of asking a name server.
    pub hosts: Vec<(String, String)>,
    /// Where its pictures go. Those of a failure are called `failed-N.png`.
    pub pictures: PathBuf,
    /// How long all of it may take. A deadline, not a measure.
    pub limit: Duration,
}

/// What came of a journey that reached its end.
#[derive(Clone, Debug, Deserialize)]
pub struct Outcome {
    /// What it returned.
    pub result: Value,
    /// What axe found.
    pub findings: Vec<Finding>,
    /// Errors and warnings in the console.
    pub console: Vec<String>,
    /// Requests without an answer.
    pub failed: Vec<String>,
    /// Requests to others.
    pub foreign: Vec<String>,
}

/// A rule that a page breaks.
#[derive(Clone, Debug, Deserialize)]
pub struct Finding {
    /// What the journey calls the page.
    pub page: String,
    /// `light` or `dark`.
    pub scheme: String,
    /// axe's name of the rule.
    pub rule: String,
    /// `minor` to `critical`.
    pub impact: Option<String>,
    /// What to do.
    pub help: String,
    /// The elements, and what is wrong with each.
    pub places: Vec<String>,
}

/// What came of a journey, as it prints it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Told {
    Failed { error: String, pages: Vec<Value>, console: Vec<String> },
    Done(Outcome),
}

impl Outcome {
    /// What is wrong with the pages, whatever the journey thought of them; empty is good.
    pub fn complaints(&self) -> Vec<String> {
        let findings = self.findings.iter().map(|one| {
            format!("{} ({}): {} [{}]\n  {}", one.page, one.scheme, one.help, one.rule, one.places.join("\n  "))
        });
        let beside = [("console", &self.console), ("failed", &self.failed), ("foreign", &self.foreign)];
        let beside =
            beside.into_iter().flat_map(|(what, lines)| lines.iter().map(move |line| format!("{what}: {line}")));
        findings.chain(beside).collect()
    }
}

impl Browser {
    /// Finds the browser and fetches what drives it, once. The packages must be there: [`install`] sees to that.
    pub async fn prepare(cache: &Cache, progress: &mut dyn Progress) -> Result<Self> {
        let chromium = find(Path::new("chromium")).context("Debian's package `chromium`, or `steppe-lab browser`")?;
        let modules = modules::ready(cache, progress).await?;
        let journeys = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/browser");
        Ok(Self { modules, chromium, journeys })
    }

    /// Runs `tests/browser/<journey>.js` to its end.
    ///
    /// # Errors
    /// When it fails or takes too long: with its last steps, and what the pages showed.
    pub async fn run(&self, journey: &str, visit: &Visit) -> Result<Outcome> {
        std::fs::create_dir_all(&visit.pictures)
            .with_context(|| format!("cannot create {}", visit.pictures.display()))?;
        let home = Home::make(visit.ca.as_deref())?;
        let mut node = self.start(journey, &home)?;
        let mut input = node.stdin.take().context("node has no input")?;
        let config = json!({
            "given": visit.given,
            "own": visit.own,
            "chromium": self.chromium,
            "args": arguments(&visit.hosts),
            "pictures": visit.pictures.canonicalize()?,
        });
        input.write_all(format!("{config}\n").as_bytes()).await.context("cannot tell the journey what to do")?;
        let mut steps = Vec::new();
        let told = match tokio::time::timeout(visit.limit, listen(&mut node, &mut steps)).await {
            Ok(told) => told.with_context(|| format!("journey {journey}\n{}", last(&steps)))?,
            Err(_) => bail!("journey {journey}: not over after {} s\n{}", visit.limit.as_secs(), last(&steps)),
        };
        // It lives as long as this pipe.
        drop(input);
        match told {
            Told::Done(outcome) => Ok(outcome),
            Told::Failed { error, pages, console } => {
                let pages: Vec<String> = pages.iter().map(Value::to_string).collect();
                bail!(
                    "journey {journey}: {error}\n{}\npages: {}\nconsole: {}\npictures: {}",
                    last(&steps),
                    pages.join("\n"),
                    console.join("\n"),
                    visit.pictures.display()
                )
            }
        }
    }

    fn start(&self, journey: &str, home: &Home) -> Result<Child> {
        let file = self.journeys.join(format!("{journey}.js"));
        if !file.is_file() {
            bail!("there is no journey {}", file.display());
        }
        let mut command = Command::new("node");
        command.arg(&file).env("NODE_PATH", &self.modules).env_remove("NODE_OPTIONS");
        // Chromium looks for trust in HOME, and Playwright's files go to TMPDIR: both are gone after the journey.
        command.env("HOME", home.folder()).env("TMPDIR", home.folder()).env("XDG_CONFIG_HOME", home.folder());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command.spawn().context("cannot run node: Debian's package `nodejs`, or `steppe-lab browser`")
    }
}

/// Hears a journey's steps and its outcome.
async fn listen(node: &mut Child, steps: &mut Vec<String>) -> Result<Told> {
    let mut said = BufReader::new(node.stderr.take().context("node has no output")?).lines();
    let mut out = node.stdout.take().context("node has no output")?;
    let steps = async {
        while let Some(line) = said.next_line().await? {
            steps.push(line);
        }
        anyhow::Ok(())
    };
    let mut text = String::new();
    let outcome = async { Ok(out.read_to_string(&mut text).await.map(drop)?) };
    tokio::try_join!(steps, outcome)?;
    let status = node.wait().await?;
    serde_json::from_str(&text).with_context(|| format!("it ended with {status} and this outcome: {text:?}"))
}

fn last(steps: &[String]) -> String {
    let from = steps.len().saturating_sub(LAST_STEPS);
    format!("steps:\n  {}", steps[from..].join("\n  "))
}

/// Chromium's arguments beside those of Playwright.
fn arguments(hosts: &[(String, String)]) -> Vec<String> {
    // Nothing of its own is asked of anybody, and what a page asks for is found where we say.
    let mut args = vec!["--disable-background-networking".to_owned(), "--no-default-browser-check".to_owned()];
    if !hosts.is_empty() {
        let rules: Vec<String> = hosts.iter().map(|(name, address)| format!("MAP {name} {address}")).collect();
        args.push(format!("--host-resolver-rules={}", rules.join(",")));
    }
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_where_we_say() {
        let hosts =
            [("*.steppe.test".to_owned(), "10.244.0.1".to_owned()), ("a.test".to_owned(), "127.0.0.1".to_owned())];
        let rules = "--host-resolver-rules=MAP *.steppe.test 10.244.0.1,MAP a.test 127.0.0.1";
        assert_eq!(arguments(&hosts).last().map(String::as_str), Some(rules));
    }

    #[test]
    fn a_failure_and_an_outcome_are_told_apart() {
        let failed = r#"{"error":"no button","pages":[],"findings":[],"console":[],"failed":[],"foreign":[]}"#;
        assert!(matches!(serde_json::from_str(failed).unwrap(), Told::Failed { .. }));
        let done = r#"{"result":null,"findings":[{"page":"p","scheme":"dark","rule":"r","impact":"minor","help":"h",
            "places":["a"]}],"console":["x"],"failed":[],"foreign":["y"]}"#;
        let Told::Done(outcome) = serde_json::from_str(done).unwrap() else { panic!("no outcome") };
        assert_eq!(outcome.complaints(), ["p (dark): h [r]\n  a", "console: x", "foreign: y"]);
    }
}
