//! Processes inside pods, killed as a machine kills them: at once, and without asking.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use crd::labels;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, ListParams};
use kube::{Api, Client, ResourceExt as _};
use lab::node::{Ground, cgroup};
use lab::wait;

/// How long the operator may take to be there again, its lease included.
const LIMIT: Duration = Duration::from_secs(120);

/// The id of the process of a pod's first container, as the node knows it; `None` when it does not run.
#[must_use]
pub fn container(pod: &Pod) -> Option<String> {
    let first = pod.status.as_ref()?.container_statuses.as_ref()?.first()?;
    first.state.as_ref()?.running.as_ref()?;
    let (_, id) = first.container_id.as_ref()?.split_once("://")?;
    Some(id.to_owned())
}

/// Kills what runs in a pod's first container; `false` when it was dead already.
///
/// # Errors
/// When the kernel refuses.
pub fn kill(ground: &Ground, pod: &Pod) -> Result<bool> {
    let Some(container) = container(pod) else { return Ok(false) };
    Ok(cgroup::kill_container(&ground.cgroup, &container)? > 0)
}

/// Takes a pod's object away without waiting for its node, as for a node that is lost. `false` when it was gone already.
///
/// # Errors
/// When the API server refuses.
pub async fn lose(pods: &Api<Pod>, pod: &Pod) -> Result<bool> {
    match pods.delete(&pod.name_any(), &DeleteParams::default().grace_period(0)).await {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The operator of a cell with one replica.
#[derive(Clone)]
pub struct Operator {
    ground: Ground,
    pods: Api<Pod>,
    leases: Api<Lease>,
}

/// Who leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reign {
    /// Its process.
    container: String,
    /// How often the pod's process was started again.
    pub restarts: i32,
    /// When the lease was renewed last.
    renewed: Option<Timestamp>,
}

/// Who led.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallen {
    container: String,
    /// As read after its end.
    renewed: Option<Timestamp>,
}

impl Operator {
    /// The operator of a ground's cell.
    #[must_use]
    pub fn of(ground: &Ground, client: &Client) -> Self {
        Self {
            ground: ground.clone(),
            pods: Api::namespaced(client.clone(), labels::SYSTEM_NAMESPACE),
            leases: Api::namespaced(client.clone(), labels::SYSTEM_NAMESPACE),
        }
    }

    /// Its pod.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub async fn pod(&self) -> Result<Pod> {
        let list = ListParams::default().labels("app.kubernetes.io/component=operator");
        let mut pods = self.pods.list(&list).await?.items;
        ensure!(pods.len() == 1, "the operator has {} pods", pods.len());
        pods.pop().context("no pod")
    }

    /// Waits until it leads; after an end, until another process does.
    ///
    /// # Errors
    /// When none does in time; the error says what was seen.
    pub async fn leads(&self, after: Option<&Fallen>) -> Result<Reign> {
        wait::until("the operator to lead", LIMIT, async || {
            let reign = self.reign().await?;
            let other = |fallen: &Fallen| fallen.container != reign.container && fallen.renewed < reign.renewed;
            Ok(after.is_none_or(other).then_some(reign))
        })
        .await
    }

    async fn reign(&self) -> Result<Reign> {
        let (pod, lease) = (self.pod().await?, self.lease().await?);
        let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
        let restarts = statuses.into_iter().flatten().map(|one| one.restart_count).sum();
        let container = container(&pod).with_context(|| format!("its process does not run: {statuses:?}"))?;
        if lease.holder_identity != pod.metadata.name {
            bail!("{:?} holds the lease, the pod is {}", lease.holder_identity, pod.name_any());
        }
        Ok(Reign { container, restarts, renewed: lease.renew_time.map(|time| time.0) })
    }

    async fn lease(&self) -> Result<LeaseSpec> {
        self.leases.get(operator::lease::NAME).await?.spec.context("a lease without spec")
    }

    /// SIGKILL. The kubelet starts it again in the same pod; at once the first time, later it waits.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn kill(&self) -> Result<Fallen> {
        let pod = self.pod().await?;
        let container = container(&pod).context("the operator's process does not run")?;
        ensure!(kill(&self.ground, &pod)?, "the operator's process was dead already");
        Ok(Fallen { container, renewed: self.lease().await?.renew_time.map(|time| time.0) })
    }

    /// The pod's object is taken away by force; another one is made in its place.
    ///
    /// # Errors
    /// When there is none.
    pub async fn lose(&self) -> Result<Fallen> {
        let pod = self.pod().await?;
        let container = container(&pod).context("the operator's process does not run")?;
        ensure!(lose(&self.pods, &pod).await?, "the operator's pod was gone already");
        Ok(Fallen { container, renewed: self.lease().await?.renew_time.map(|time| time.0) })
    }

    /// SIGKILL, and its pod is lost as well: nobody gives the lease back, so that it has to run out.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn vanish(&self) -> Result<Fallen> {
        let pod = self.pod().await?;
        let fallen = self.kill().await?;
        lose(&self.pods, &pod).await?;
        Ok(fallen)
    }
}
