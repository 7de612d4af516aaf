//! The light ground: a real etcd, kube-apiserver and the few controllers that finish what is deleted, on loopback, with
//! everything in memory. No node, no pods that run: a [`StatusDouble`] plays kubelet, the workload controllers and the
//! volume provisioner.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use lab::{cache::Cache, light::{Delays, Light, Outcome, Scope, StatusDouble}};
//! let light = Light::shared(&Cache::open(None)?).await?; // one per test binary; `Light::start` for one of one's own
//! let client = light.client().await?; // everything is allowed; belongs to this runtime, so make one per test
//! let operator = light.client_of("steppe-system", "steppe-operator").await?; // exactly what RBAC allows
//! let double = StatusDouble::new(client, Scope::prefix("a-"), Delays::brief(7))
//!     .jobs(|run: &lab::light::JobRun| Outcome::succeed(format!("{{\"job\":\"{}\"}}", run.name())))
//!     .start(); // stops when dropped
//! # drop(double); Ok(()) }
//! ```
//!
//! Tests that share a ground keep apart by a namespace prefix and a label selector of their own. Namespaces take five
//! seconds to go (kube-controller-manager waits that long before it looks), so do not wait for one without need.

mod deployment;
mod double;
mod ground;
mod job;
mod pki;
mod pod;
mod pod_status;
mod script;
mod volume;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Namespace, Pod, ServiceAccount};
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::PostParams;
use kube::{Api, Client, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tokio::time::Instant;

pub use double::{Delays, Running, Scope, StatusDouble};
pub(crate) use ground::{base, config, kubeconfig};
pub use pki::{Authority, Certified};
pub use script::{Asynchronously, Disks, JobRun, JobScript, Outcome, Server, ServerScript};
pub use volume::{CLASS, PROVISIONER, RETAINING_CLASS};

use crate::cache::Cache;
use crate::tools::{self, Tools};

/// How often the start is tried when somebody else took a port in between.
const ATTEMPTS: u32 = 3;

/// A running light ground. Its programs end when it is dropped, and when this process ends.
#[derive(Debug)]
pub struct Light {
    ground: ground::Ground,
    authority: Authority,
    tools: Tools,
    took: Duration,
}

/// Resident memory of the programs, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Of etcd, without its files, which are in memory too.
    pub etcd: u64,
    /// Of kube-apiserver.
    pub apiserver: u64,
    /// Of kube-controller-manager.
    pub controllers: u64,
}

impl Light {
    /// Starts a ground of one's own. Kubernetes is built first if the cache does not have it.
    pub async fn start(cache: &Cache) -> Result<Self> {
        // A test has no main to do this; a program's main was earlier, and then this changes nothing.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let tools = tools::kubernetes(cache, &mut tools::Quiet).await?;
        let authority = Authority::new()?;
        let begin = Instant::now();
        let mut attempt = 1;
        let ground = loop {
            match ground::Ground::start(&tools, &authority).await {
                Ok(ground) => break ground,
                Err(error) if attempt < ATTEMPTS => tracing::warn!("light ground, try {attempt}: {error:#}"),
                Err(error) => return Err(error).context("cannot start the light ground"),
            }
            attempt += 1;
        };
        let light = Self { ground, authority, tools, took: begin.elapsed() };
        light.furnish().await?;
        Ok(Self { took: begin.elapsed(), ..light })
    }

    /// The one ground of this process, started by the first who asks.
    pub async fn shared(cache: &Cache) -> Result<&'static Self> {
        static SHARED: OnceCell<Light> = OnceCell::const_new();
        SHARED.get_or_try_init(|| Self::start(cache)).await
    }

    /// What every cluster has and an empty API server lacks.
    async fn furnish(&self) -> Result<()> {
        let classes: Api<StorageClass> = Api::all(self.client().await?);
        for class in volume::classes() {
            classes.create(&PostParams::default(), &object(class)?).await.context("cannot make a StorageClass")?;
        }
        Ok(())
    }

    /// How long it took to come up, without building.
    pub fn took(&self) -> Duration {
        self.took
    }

    /// The address of the API server.
    pub fn url(&self) -> &str {
        &self.ground.url
    }

    /// The authority behind all certificates of this ground.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// A kubeconfig file with all rights, for programs such as kubectl and helm.
    pub fn kubeconfig(&self) -> PathBuf {
        self.ground.folder.path().join("admin.kubeconfig")
    }

    /// The kubectl of the same version.
    pub fn kubectl(&self) -> PathBuf {
        self.tools.program("kubectl")
    }

    /// The configuration of a client with all rights.
    pub async fn config(&self) -> Result<kube::Config> {
        config(&self.ground.admin).await
    }

    /// A client with all rights. It belongs to the runtime it is made in: each test makes its own.
    pub async fn client(&self) -> Result<Client> {
        ground::client(&self.ground.admin).await
    }

    /// A client that RBAC takes for `user` in `groups` (by impersonation).
    pub async fn client_as(&self, user: &str, groups: &[&str]) -> Result<Client> {
        let mut config = self.config().await?;
        config.auth_info.impersonate = Some(user.to_owned());
        config.auth_info.impersonate_groups = Some(groups.iter().map(|group| (*group).to_owned()).collect());
        Client::try_from(config).context("cannot make a client")
    }

    /// A client that presents a token of the ServiceAccount, as a pod of it would.
    pub async fn client_of(&self, namespace: &str, account: &str) -> Result<Client> {
        let token = self.token(namespace, account, &[]).await?;
        ground::client(&self.kubeconfig_with_token(self.url(), &token)).await
    }

    /// A token of the ServiceAccount for `audiences` (the API server's own if empty), good for four hours.
    pub async fn token(&self, namespace: &str, account: &str, audiences: &[&str]) -> Result<String> {
        token(self.client().await?, namespace, account, audiences, None).await
    }

    /// A kubeconfig, as JSON, that presents `token` to the API server or a proxy at `url`.
    pub fn kubeconfig_with_token(&self, url: &str, token: &str) -> Value {
        kubeconfig(url, &self.authority.pem(), &json!({ "token": token }))
    }

    /// Makes a namespace with labels, if it is not there.
    pub async fn namespace(&self, name: &str, labels: &BTreeMap<String, String>) -> Result<()> {
        let namespace =
            json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": labels } });
        self.create::<Namespace>(&Api::all(self.client().await?), namespace).await
    }

    /// Makes a ServiceAccount, bound to a ClusterRole if one is named, and a token of it.
    pub async fn account(&self, namespace: &str, name: &str, cluster_role: Option<&str>) -> Result<String> {
        let client = self.client().await?;
        let metadata = json!({ "name": name, "namespace": namespace });
        let account = json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata });
        self.create::<ServiceAccount>(&Api::namespaced(client.clone(), namespace), account).await?;
        if let Some(role) = cluster_role {
            let binding = json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
                "metadata": { "name": format!("{namespace}-{name}-{role}") },
                "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role },
                "subjects": [{ "kind": "ServiceAccount", "namespace": namespace, "name": name }],
            });
            self.create::<ClusterRoleBinding>(&Api::all(client), binding).await?;
        }
        self.token(namespace, name, &[]).await
    }

    /// Creates an object unless it exists.
    async fn create<K>(&self, api: &Api<K>, value: Value) -> Result<()>
    where
        K: kube::Resource + Clone + DeserializeOwned + serde::Serialize + std::fmt::Debug,
    {
        match api.create(&PostParams::default(), &object(value)?).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
            Err(error) => Err(error).context("cannot create an object of the ground"),
        }
    }

    /// The process ids of etcd, kube-apiserver and kube-controller-manager.
    pub fn processes(&self) -> [u32; 3] {
        [self.ground.etcd.id(), self.ground.apiserver.id(), self.ground.controllers.id()]
    }

    /// What the programs take of memory now.
    pub fn memory(&self) -> Memory {
        let ground = &self.ground;
        Memory {
            etcd: ground.etcd.memory(),
            apiserver: ground.apiserver.memory(),
            controllers: ground.controllers.memory(),
        }
    }
}

/// A token of a ServiceAccount, bound to a pod if one is given, as kubelet would project it.
pub async fn token(
    client: Client,
    namespace: &str,
    account: &str,
    audiences: &[&str],
    pod: Option<&Pod>,
) -> Result<String> {
    let bound = pod.map(|pod| BoundObjectReference {
        api_version: Some("v1".into()),
        kind: Some("Pod".into()),
        name: Some(pod.name_any()),
        uid: pod.uid(),
    });
    let request = TokenRequest {
        spec: TokenRequestSpec {
            audiences: audiences.iter().map(|audience| (*audience).to_owned()).collect(),
            bound_object_ref: bound,
            expiration_seconds: Some(4 * 3600),
        },
        ..TokenRequest::default()
    };
    let accounts: Api<ServiceAccount> = Api::namespaced(client, namespace);
    let answer = accounts.create_token_request(account, &PostParams::default(), &request).await;
    let answer = answer.with_context(|| format!("no token for ServiceAccount {namespace}/{account}"))?;
    Ok(answer.status.with_context(|| format!("an empty token for {namespace}/{account}"))?.token)
}

/// A typed object from JSON.
fn object<K: DeserializeOwned>(value: Value) -> Result<K> {
    serde_json::from_value(value).context("an object of the ground is malformed")
}
