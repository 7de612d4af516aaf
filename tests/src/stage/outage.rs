//! Everything of ours is dead: the operator and the purger, the control plane and its database. What is not ours goes on:
//! the cluster, its ingress controller, and the static pages of servers that stand still, which need none of our programs.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use crd::labels::SYSTEM_NAMESPACE;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, Patch, PatchParams};
use lab::control::Program;
use lab::{postgres, wait};
use serde_json::json;

use super::Stage;
use crate::node::{self, process};

/// Our programs in the cell.
const OURS: [&str; 2] = ["operator", "purger"];
/// How long the dead may take to be gone, and to be back. A deadline, not a measure.
const LIMIT: Duration = Duration::from_secs(90);

/// A time without anything of ours.
pub struct Outage<'a> {
    stage: &'a Stage,
    replicas: Vec<(&'static str, i32)>,
}

impl<'a> Outage<'a> {
    /// Kills everything of ours, and sees that it is dead.
    ///
    /// # Errors
    /// When something lives on.
    pub async fn begin(stage: &'a Stage) -> Result<Self> {
        let mut outage = Self { stage, replicas: Vec::new() };
        for name in OURS {
            let scale = deployments(stage).get(&deployment(name)).await?;
            let replicas = scale.spec.and_then(|spec| spec.replicas).unwrap_or(1);
            ensure!(replicas > 0, "{name} was not there before");
            outage.replicas.push((name, replicas));
        }
        for program in Program::ALL {
            stage.control.kill(program).await?;
        }
        postgres::kill(&stage.control.ground)?;
        for (name, _) in &outage.replicas {
            outage.scale(name, 0).await?;
            outage.kill(name).await?;
        }
        ensure!(stage.database().await.is_err(), "the database answers");
        ensure!(stage.control.dashboard.customer().get("/").await?.status == 502, "the dashboard answers");
        Ok(outage)
    }

    /// Starts everything again and waits until it answers.
    ///
    /// # Errors
    /// When something does not come back.
    pub async fn end(self) -> Result<()> {
        let stage = self.stage;
        postgres::on(&stage.control.ground, &node::cache()?).await?;
        for program in Program::ALL {
            stage.control.start(program)?;
        }
        for (name, replicas) in &self.replicas {
            self.scale(name, *replicas).await?;
        }
        stage.control.answers().await?;
        for (name, replicas) in self.replicas {
            wait::until(&format!("{name} to be back"), LIMIT, async || {
                let status = deployments(stage).get(&deployment(name)).await?.status.unwrap_or_default();
                Ok((status.ready_replicas == Some(replicas)).then_some(()))
            })
            .await?;
        }
        Ok(())
    }

    async fn scale(&self, name: &str, replicas: i32) -> Result<()> {
        let patch = Patch::Merge(json!({ "spec": { "replicas": replicas } }));
        deployments(self.stage).patch(&deployment(name), &PatchParams::default(), &patch).await?;
        Ok(())
    }

    /// Its pods die at once, and are not replaced.
    async fn kill(&self, name: &str) -> Result<()> {
        let pods: Api<Pod> = Api::namespaced(self.stage.cell.site.client.clone(), SYSTEM_NAMESPACE);
        let list = ListParams::default().labels(&format!("app.kubernetes.io/component={name}"));
        wait::until(&format!("the end of {name}"), LIMIT, async || {
            let found = pods.list(&list).await?.items;
            for pod in &found {
                process::kill(&self.stage.control.ground, pod)?;
                process::lose(&pods, pod).await?;
            }
            Ok(found.is_empty().then_some(()))
        })
        .await
        .with_context(|| format!("{name} lives on"))
    }
}

fn deployments(stage: &Stage) -> Api<Deployment> {
    Api::namespaced(stage.cell.site.client.clone(), SYSTEM_NAMESPACE)
}

fn deployment(name: &str) -> String {
    format!("steppe-{name}")
}
