//! Schemathesis: makes up requests from the description of an API and looks whether the answers are described.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use tokio::process::Command;

use crate::cache::Cache;
use crate::python;

const REQUIREMENTS: &str = include_str!("../schemathesis/requirements.txt");

/// The program with its own Python environment, in the cache.
#[derive(Debug, Clone)]
pub struct Schemathesis {
    folder: PathBuf,
}

/// What is tried.
#[derive(Debug)]
pub struct Trial<'a> {
    /// The description, a file.
    pub description: &'a Path,
    /// Where the API is.
    pub base: &'a str,
    /// Its configuration (`schemathesis.toml`).
    pub config: &'a str,
    /// More arguments of `st run`.
    pub args: &'a [&'a str],
}

impl Schemathesis {
    /// Makes the environment, once per version.
    ///
    /// # Errors
    /// When `python3` with its `venv` module is missing or the packages cannot be fetched.
    pub async fn prepare(cache: &Cache) -> Result<Self> {
        Ok(Self { folder: python::environment(cache, "schemathesis", REQUIREMENTS, &[]).await? })
    }

    /// Runs it in `folder`, where it leaves its own files; what it said.
    ///
    /// # Errors
    /// With what it said, when it found something.
    pub async fn run(&self, folder: &Path, trial: &Trial<'_>) -> Result<String> {
        let config = folder.join("schemathesis.toml");
        std::fs::write(&config, trial.config)?;
        let output = Command::new(self.folder.join("venv/bin/schemathesis"))
            .arg("--config-file")
            .arg(&config)
            .arg("run")
            .arg(trial.description)
            .args(["--url", trial.base])
            .args(trial.args)
            .current_dir(folder)
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .context("starting schemathesis")?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            bail!("{said}\n{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(said)
    }
}
