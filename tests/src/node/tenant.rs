//! A server as the cell's operator sees it: its objects, its pods, and its volume's folder on the node.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use crd::{Condition, Instance, labels};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod, Secret};
use kube::api::{DeleteParams, DynamicObject, ListParams};
use kube::{Api, Client, ResourceExt as _};
use lab::demo::Cell;
use lab::journey::Site;
use lab::kubectl::Kubectl;
use lab::node::Ground;
use lab::wait;
use operator::kind::Kind;

/// A server's objects in its cell.
#[derive(Clone)]
pub struct Tenant {
    /// The instance's name.
    pub name: String,
    /// Its namespace.
    pub space: String,
    /// With all rights.
    pub client: Client,
    kubectl: Kubectl,
    /// The folder of all volumes, on a ground of ours.
    volumes: Option<PathBuf>,
}

/// What a server has that outlives its processes, by name. What there must never be more of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Belongings {
    /// Claims in its namespace.
    pub claims: BTreeSet<String>,
    /// Volumes that were ever bound to a claim there.
    pub volumes: BTreeSet<String>,
    /// Secrets in its namespace, with their uids.
    pub secrets: BTreeSet<String>,
    /// Folders on the node, on a ground of ours.
    pub folders: BTreeSet<String>,
}

impl Tenant {
    /// The server called `name`.
    #[must_use]
    pub fn of(ground: &Ground, site: &Site, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            space: format!("steppe-t-{name}"),
            client: site.client.clone(),
            kubectl: Kubectl::of(ground),
            volumes: Some(ground.state_dir.join("volumes")),
        }
    }

    /// The server called `name` in a cell whose node's disk may be out of reach.
    #[must_use]
    pub fn anywhere(cell: &Cell, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            space: format!("steppe-t-{name}"),
            client: cell.site.client.clone(),
            kubectl: cell.kubectl.clone(),
            volumes: None,
        }
    }

    /// The API of something in its namespace.
    #[must_use]
    pub fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), &self.space)
    }

    /// The API of instances.
    #[must_use]
    pub fn instances(&self) -> Api<Instance> {
        Api::all(self.client.clone())
    }

    /// The instance as it is now.
    ///
    /// # Errors
    /// When there is none.
    pub async fn instance(&self) -> Result<Instance> {
        Ok(self.instances().get(&self.name).await?)
    }

    /// Waits until something is so about the instance.
    ///
    /// # Errors
    /// When it is not within `limit`; the error shows the last status.
    pub async fn until(&self, what: &str, limit: Duration, so: impl Fn(&Instance) -> bool) -> Result<Instance> {
        let what = format!("{}: {what}", self.name);
        wait::until(&what, limit, async || {
            let instance = self.instance().await?;
            if so(&instance) {
                return Ok(Some(instance));
            }
            bail!("{}", serde_json::to_string(&instance.status)?)
        })
        .await
    }

    /// Its pods of a role.
    ///
    /// # Errors
    /// When the API server does not answer.
    pub async fn pods(&self, role: &str) -> Result<Vec<Pod>> {
        let list = ListParams::default().labels(&format!("{}={role},{}", labels::ROLE, labels::INSTANCE_UID));
        Ok(self.api::<Pod>().list(&list).await?.items)
    }

    /// Its pods of a role that have not ended: the object of one that has stays for a moment.
    ///
    /// # Errors
    /// When the API server does not answer.
    pub async fn live_pods(&self, role: &str) -> Result<Vec<Pod>> {
        let ended = |pod: &Pod| {
            let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
            matches!(phase, Some("Succeeded" | "Failed"))
        };
        let mut pods = self.pods(role).await?;
        pods.retain(|pod| !ended(pod));
        Ok(pods)
    }

    /// The one pod that serves.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub async fn server(&self) -> Result<Pod> {
        let mut pods = self.pods("server").await?;
        ensure!(pods.len() == 1, "{} has {} server pods", self.name, pods.len());
        pods.pop().context("no pod")
    }

    /// Takes the serving pod away at once, as a node that dies does; the Deployment makes another.
    ///
    /// # Errors
    /// When there is none.
    pub async fn kill_server(&self) -> Result<()> {
        let pod = self.server().await?.name_any();
        self.api::<Pod>().delete(&pod, &DeleteParams::default().grace_period(0)).await?;
        Ok(())
    }

    /// Runs a command in the serving pod; what it printed.
    ///
    /// # Errors
    /// When it fails; the error holds what it said.
    pub async fn exec(&self, words: &[&str]) -> Result<String> {
        let pod = self.server().await?.name_any();
        self.kubectl.exec(&self.space, &pod, words).await
    }

    /// The name of its volume.
    ///
    /// # Errors
    /// When its claim is not bound.
    pub async fn volume(&self) -> Result<String> {
        let claim = self.api::<PersistentVolumeClaim>().get("data").await?;
        claim.spec.and_then(|spec| spec.volume_name).context("the claim is not bound")
    }

    /// The folder on the node that is its volume.
    ///
    /// # Errors
    /// When its claim is not bound or the volume is no folder.
    pub async fn folder(&self) -> Result<PathBuf> {
        let volumes: Api<PersistentVolume> = Api::all(self.client.clone());
        let spec = volumes.get(&self.volume().await?).await?.spec.context("a volume without spec")?;
        let host = spec.host_path.map(|source| source.path);
        let path = host.or(spec.local.map(|source| source.path)).context("the volume is no folder")?;
        Ok(PathBuf::from(path))
    }

    /// What it has that must never be made twice.
    ///
    /// # Errors
    /// When the API server does not answer.
    pub async fn belongings(&self) -> Result<Belongings> {
        let all = ListParams::default();
        let claims = self.api::<PersistentVolumeClaim>().list(&all).await?.items;
        let volumes = Api::<PersistentVolume>::all(self.client.clone()).list(&all).await?.items;
        let secrets = self.api::<Secret>().list(&all).await?.items;
        let mine = |volume: &&PersistentVolume| {
            let claim = volume.spec.as_ref().and_then(|spec| spec.claim_ref.as_ref());
            claim.and_then(|claim| claim.namespace.as_deref()) == Some(self.space.as_str())
        };
        let named = |name: String, uid: Option<String>| format!("{name} {}", uid.unwrap_or_default());
        let folders = self.volumes.as_ref().map(std::fs::read_dir).transpose()?.into_iter().flatten().flatten();
        let folders = folders.map(|folder| folder.file_name().to_string_lossy().into_owned());
        Ok(Belongings {
            claims: claims.iter().map(|one| named(one.name_any(), one.uid())).collect(),
            volumes: volumes.iter().filter(mine).map(|one| named(one.name_any(), one.uid())).collect(),
            secrets: secrets.iter().map(|one| named(one.name_any(), one.uid())).collect(),
            folders: folders.filter(|name| name.contains(&self.space)).collect(),
        })
    }

    /// The objects in its namespace by kind and name; of pods how many have not ended.
    ///
    /// # Errors
    /// When the API server does not answer.
    pub async fn census(&self) -> Result<BTreeSet<String>> {
        let mut census = BTreeSet::new();
        for kind in Kind::WATCHED.into_iter().filter(|kind| kind.is_namespaced()) {
            let api = kind.api(self.client.clone(), Some(&self.space));
            let found = api.list(&ListParams::default()).await?.items;
            if kind == Kind::Pod {
                let ended =
                    |pod: &&DynamicObject| matches!(pod.data["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
                let ended = found.iter().filter(ended).count();
                census.insert(format!("{} pods", found.len() - ended));
            } else {
                census.extend(found.iter().map(|one| format!("{kind} {}", one.name_any())));
            }
        }
        Ok(census)
    }

    /// Waits until none of its Jobs is left.
    ///
    /// # Errors
    /// When one is after half a minute.
    pub async fn idle(&self) -> Result<()> {
        wait::until(&format!("the end of all Jobs of {}", self.name), Duration::from_secs(30), async || {
            let jobs = self.api::<Job>().list(&ListParams::default()).await?.items;
            let names: Vec<String> = jobs.iter().map(|job| job.name_any()).collect();
            ensure!(names.is_empty(), "{names:?}");
            Ok(Some(()))
        })
        .await
    }
}

/// A condition of an instance.
#[must_use]
pub fn condition<'a>(instance: &'a Instance, type_: &str) -> Option<&'a Condition> {
    let status = instance.status.as_ref()?;
    status.conditions.iter().find(|one| one.type_ == type_)
}

/// Runs a command in a pod; what it printed.
///
/// # Errors
/// When it fails; the error holds what it said.
pub async fn exec(ground: &Ground, space: &str, pod: &str, words: &[&str]) -> Result<String> {
    Kubectl::of(ground).exec(space, pod, words).await
}
