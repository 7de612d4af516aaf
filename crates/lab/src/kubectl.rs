//! kubectl, told which cluster, so that no slip can reach another one.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

use crate::node::Ground;

/// kubectl for one cluster.
#[derive(Clone, Debug)]
pub struct Kubectl {
    program: PathBuf,
    cluster: Vec<OsString>,
}

impl Kubectl {
    /// Of a ground.
    #[must_use]
    pub fn of(ground: &Ground) -> Self {
        let cluster = vec!["--kubeconfig".into(), ground.kubeconfig.clone().into_os_string()];
        Self { program: ground.kubectl.clone(), cluster }
    }

    /// Of the cluster that `context` names in `kubeconfig`, or in the usual one.
    #[must_use]
    pub fn named(program: PathBuf, context: &str, kubeconfig: Option<&Path>) -> Self {
        let mut cluster: Vec<OsString> = vec!["--context".into(), context.into()];
        if let Some(path) = kubeconfig {
            cluster.extend(["--kubeconfig".into(), path.as_os_str().to_owned()]);
        }
        Self { program, cluster }
    }

    /// A command to add words to.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.cluster).stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Runs a command in a pod; what it printed.
    ///
    /// # Errors
    /// When it fails; the error holds what it said.
    pub async fn exec(&self, space: &str, pod: &str, words: &[&str]) -> Result<String> {
        let mut command = self.command();
        command.args(["exec", "-n", space, pod, "--"]).args(words);
        let output = command.output().await.context("cannot run kubectl")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{words:?} in {space}/{pod}: {text} {said}");
        Ok(text)
    }
}
