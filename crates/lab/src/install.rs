//! Installing the chart, by the one way there is: `helm template | kubectl apply --server-side`, definitions first.
//! Demo and tests use it, so that what they prove is what `docs/operating.md` tells people to do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use crd::CellSpec;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::cache::Cache;
use crate::tools::{self, Progress};
use crate::wait;

/// Who the API server notes as the writer of what is applied here.
const MANAGER: &str = "steppe-install";
/// How long the definitions may take to be established.
const LIMIT: Duration = Duration::from_secs(60);

/// The chart's values; what is not here has the chart's defaults.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChartValues {
    /// The images and where they come from.
    pub images: Images,
    /// The label selector of operator and purger.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub selector: String,
    /// The filter of the log.
    pub log: String,
    /// How many operators.
    pub operator: Replicas,
    /// How many holding pages.
    pub holding: Replicas,
    /// The cell.
    pub cell: CellSpec,
}

/// The images of the chart.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Images {
    /// `steppe-operator`.
    pub operator: String,
    /// Caddy.
    pub holding: String,
    /// `Always`, `IfNotPresent` or `Never`.
    pub pull_policy: String,
}

/// How many of a program.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Replicas {
    /// How many.
    pub replicas: u32,
}

impl ChartValues {
    /// Values for a ground whose node has the images already. One of each program: there is one node.
    pub fn of_ground(operator: &str, holding: &str, cell: CellSpec) -> Self {
        Self {
            images: Images { operator: operator.into(), holding: holding.into(), pull_policy: "IfNotPresent".into() },
            selector: String::new(),
            log: "info".into(),
            operator: Replicas { replicas: 1 },
            holding: Replicas { replicas: 1 },
            cell,
        }
    }

    /// Values for a ground without nodes: no program of the chart is asked for.
    pub fn without_programs(cell: CellSpec) -> Self {
        Self {
            operator: Replicas { replicas: 0 },
            holding: Replicas { replicas: 0 },
            ..Self::of_ground("steppe-operator:none", "caddy:none", cell)
        }
    }
}

/// What installs the chart.
#[derive(Clone, Debug)]
pub struct Installer {
    helm: PathBuf,
    kubectl: PathBuf,
    chart: PathBuf,
}

impl Installer {
    /// Finds helm and kubectl in the cache, or builds them. `chart` is a folder below `charts` of the repository.
    pub async fn new(cache: &Cache, chart: &Path, progress: &mut dyn Progress) -> Result<Self> {
        if !chart.join("Chart.yaml").is_file() {
            bail!("{} is no chart: name a folder below charts of the repository", chart.display());
        }
        let helm = tools::services(cache, progress).await?.program("helm");
        let kubectl = tools::kubernetes(cache, progress).await?.program("kubectl");
        Ok(Self { helm, kubectl, chart: chart.to_owned() })
    }

    /// What `helm template` makes of the chart.
    pub async fn render(&self, values: &Value) -> Result<String> {
        let mut command = Command::new(&self.helm);
        command.args(["template", "steppe"]).arg(&self.chart).args([
            "--values",
            "-",
            "--kube-version",
            tools::KUBERNETES,
        ]);
        run(command, &values.to_string()).await.context("helm template")
    }

    /// Installs the chart, or brings it up to these values.
    pub async fn install(&self, kubeconfig: &Path, values: &ChartValues) -> Result<()> {
        let rendered = self.render(&serde_json::to_value(values)?).await?;
        let (definitions, rest) = definitions_first(&rendered);
        self.apply(kubeconfig, &definitions).await.context("the definitions")?;
        let wait = ["wait", "--for=condition=Established", "--timeout=60s", "--filename=-"];
        self.kubectl(kubeconfig, &wait, &definitions).await.context("the definitions")?;
        // Discovery follows a definition with a short delay.
        wait::until("the chart's objects to be taken", LIMIT, async || match self.apply(kubeconfig, &rest).await {
            Ok(()) => Ok(Some(())),
            Err(error) if format!("{error:#}").contains("no matches for kind") => Err(error),
            Err(error) => Err(wait::GiveUp(format!("{error:#}")).into()),
        })
        .await?;
        self.guarded(kubeconfig).await
    }

    /// Waits until the admission policies are in force: the API server reads them a moment after they are written.
    async fn guarded(&self, kubeconfig: &Path) -> Result<()> {
        for (kind, name, policy) in [
            ("cell", crd::labels::CELL, "steppe-keep-objects"),
            ("namespace", crd::labels::SYSTEM_NAMESPACE, "steppe-keep-namespaces"),
            ("customresourcedefinition", "cells.steppe.host", "steppe-keep-definitions"),
        ] {
            wait::until(&format!("policy {policy} to be in force"), LIMIT, async || {
                let tried = self.kubectl(kubeconfig, &["delete", kind, name, "--dry-run=server"], "").await;
                Ok(tried.is_err_and(|error| format!("{error:#}").contains(policy)).then_some(()))
            })
            .await?;
        }
        Ok(())
    }

    /// Applies a manifest as the chart's installer.
    pub async fn apply(&self, kubeconfig: &Path, manifest: &str) -> Result<()> {
        let manager = format!("--field-manager={MANAGER}");
        let apply = ["apply", "--server-side", "--force-conflicts", manager.as_str(), "--filename=-"];
        self.kubectl(kubeconfig, &apply, manifest).await.map(drop)
    }

    /// Makes or changes a Secret in the platform's namespace.
    pub async fn secret(&self, kubeconfig: &Path, name: &str, data: &BTreeMap<&str, String>) -> Result<()> {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": { "name": name, "namespace": crd::labels::SYSTEM_NAMESPACE },
            "stringData": data,
        });
        self.apply(kubeconfig, &secret.to_string()).await.with_context(|| format!("Secret {name}"))
    }

    /// Runs kubectl with `input` and gives what it printed.
    pub async fn kubectl(&self, kubeconfig: &Path, args: &[&str], input: &str) -> Result<String> {
        let discovery = tempfile::tempdir().context("cannot make a folder")?;
        let mut command = Command::new(&self.kubectl);
        command.arg("--kubeconfig").arg(kubeconfig).arg("--cache-dir").arg(discovery.path()).args(args);
        run(command, input).await.with_context(|| format!("kubectl {}", args.first().copied().unwrap_or_default()))
    }
}

/// Runs a program on `input`, with nothing of the environment but a home, and gives what it printed.
pub(crate) async fn run(mut command: Command, input: &str) -> Result<String> {
    let home = tempfile::tempdir().context("cannot make a folder")?;
    command.env_clear().env("HOME", home.path()).env("PATH", "/usr/bin:/bin");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().with_context(|| format!("cannot run {:?}", command.as_std().get_program()))?;
    let mut stdin = child.stdin.take().context("the program has no input")?;
    let input = input.to_owned();
    // Beside reading, or both would wait for each other once a pipe is full. Who stops reading says so by its exit code.
    let writer = tokio::spawn(async move { stdin.write_all(input.as_bytes()).await });
    let output = child.wait_with_output().await.context("cannot wait for the program")?;
    let _ = writer.await;
    if !output.status.success() {
        bail!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).context("the program printed no text")
}

/// The documents of a rendered chart in two manifests: definitions of resources, and all else.
fn definitions_first(rendered: &str) -> (String, String) {
    let (definitions, rest): (Vec<&str>, Vec<&str>) =
        documents(rendered).partition(|document| document.lines().any(|line| line == "kind: CustomResourceDefinition"));
    (definitions.join("\n---\n"), rest.join("\n---\n"))
}

fn documents(rendered: &str) -> impl Iterator<Item = &str> {
    let is_content = |line: &str| !line.trim().is_empty() && !line.starts_with('#');
    rendered.split("\n---").filter(move |document| document.lines().any(is_content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_come_apart_from_the_rest() {
        let rendered = "---\n# Source: a\nkind: Namespace\nmetadata: {}\n---\n# Source: b\nkind: CustomResourceDefinition\n\
                        spec:\n  kind: Deployment\n---\n# Source: empty\n---\nkind: Deployment\nspec:\n  kind: CustomResourceDefinition\n";
        let (definitions, rest) = definitions_first(rendered);
        assert!(definitions.contains("Source: b") && !definitions.contains("Source: a"));
        assert_eq!(rest.matches("\nkind: ").count() + usize::from(rest.starts_with("kind: ")), 2, "{rest}");
        assert!(!rest.contains("empty"));
    }

    #[test]
    fn values_have_the_charts_names() {
        let cell = json!({
            "zone": "steppe.test", "ingress": { "className": "caddy" },
            "objectStore": { "endpoint": "http://10.0.0.1:7070", "bucket": "steppe" },
            "networks": {}, "storageClass": "local-path", "versions": [],
        });
        let values = ChartValues::without_programs(serde_json::from_value(cell).unwrap());
        let values = serde_json::to_value(values).unwrap();
        assert_eq!(values["images"]["pullPolicy"], "IfNotPresent");
        assert_eq!(values["operator"]["replicas"], 0);
        assert_eq!(values["cell"]["objectStore"]["bucket"], "steppe");
        assert!(values.get("selector").is_none());
    }
}
