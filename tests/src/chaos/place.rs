//! What a run has of its own: a server, what stands for its nodes, an object store, and how its operator is told to run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Result, ensure};
use crd::{Instance, condition};
use k8s_openapi::api::batch::v1::Job;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt as _};
use lab::fault::{Horizon, LABEL, Mask, Plan, Proxy, Run};
use lab::light::{Delays, JobRun, Light, Outcome, Running, Scope, StatusDouble};
use lab::wait;
use operator::clock::{SystemClock, SystemRandom};
use operator::job::birth::Born;
use operator::metrics::Metrics;
use operator::probe::fake::FakeProber;
use operator::seal::Identity;
use operator::store::fake::FakeStore;
use operator::{Config, Deps};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::seats::Seats;
use crate::light::{ESCROW, LIMIT, is, merge};
use crate::pods::Pods;

/// Who runs the operator's Jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nodes {
    /// Births only, and they are counted.
    Births,
    /// The real jobs, on folders.
    Real,
}

/// What a run has of its own.
pub struct Place {
    light: &'static Light,
    /// All rights; does not go through the proxy.
    pub client: Client,
    /// The run's name.
    pub id: String,
    /// The object store.
    pub store: Arc<FakeStore>,
    /// Opens passwords and keys.
    pub claim: Identity,
    /// What stands for nodes and volumes.
    pub pods: Arc<Pods>,
    /// What plays nodes.
    pub double: Running,
    /// For the operators that run at the same time.
    pub seats: Seats,
    births: Arc<AtomicU32>,
    config: Config,
}

/// An operator without a proxy, in this runtime.
pub struct Operator {
    stop: CancellationToken,
    task: JoinHandle<Result<(), operator::Stopped>>,
}

impl Operator {
    /// Starts it.
    #[must_use]
    pub fn start(deps: Deps) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn(operator::run(deps, stop.clone()));
        Self { stop, task }
    }

    /// Ends it.
    ///
    /// # Errors
    /// When it had ended by itself.
    pub async fn stop(self) -> Result<()> {
        self.stop.cancel();
        Ok(self.task.await??)
    }
}

/// What an operator needs, with fakes that know nothing.
#[must_use]
pub fn deps(client: Client, config: Config) -> Deps {
    Deps {
        client,
        config,
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        prober: Arc::new(FakeProber::default()),
        store: Arc::new(FakeStore::new()),
        metrics: Metrics::default(),
    }
}

impl Place {
    /// A place without a server.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn open(run: &Run, nodes: Nodes) -> Result<Self> {
        let id = run.id.clone();
        let store = Arc::new(FakeStore::new());
        store.listen().await?;
        let pods = Arc::new(Pods::new(store.clone())?);
        let seats = Seats::new();
        let config = Config {
            selector: Some(run.selector()),
            namespace_prefix: PREFIX.to_owned(),
            system_namespace: system(&id),
            grants_url: Some(format!("https://{}", seats.address())),
            keys_dir: pods.keys().to_owned(),
            // All times are those of production: what is only put right by looking again would show.
            ..Config::default()
        };
        run.light.namespace(&config.system_namespace, &Default::default()).await?;
        let births = Arc::<AtomicU32>::default();
        let scope = Scope::selector(&owned(&id)).within(&space(&id));
        let double = StatusDouble::new(run.client.clone(), scope, Delays::brief(13));
        let double = match nodes {
            Nodes::Births => {
                let births = births.clone();
                double.jobs(move |run: &JobRun| give_birth(run, &births))
            }
            Nodes::Real => double.jobs(pods.script()),
        };
        let (client, claim, double) = (run.client.clone(), Identity::generate(), double.start());
        Ok(Self { light: run.light, client, id, store, claim, pods, double, seats, births, config })
    }

    /// What an operator of this place needs.
    #[must_use]
    pub fn deps(&self, client: Client) -> Deps {
        Deps { store: self.store.clone(), ..deps(client, self.config.clone()) }
    }

    /// The server's name.
    #[must_use]
    pub fn name(&self) -> String {
        server(&self.id)
    }

    /// The server's namespace.
    #[must_use]
    pub fn space(&self) -> String {
        space(&self.id)
    }

    /// How often keys were made.
    #[must_use]
    pub fn births(&self) -> u32 {
        self.births.load(Ordering::SeqCst)
    }

    /// Asks for the server.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn ask(&self) -> Result<Instance> {
        let body = json!({
            "apiVersion": "steppe.host/v1alpha1", "kind": "Instance",
            "metadata": { "name": self.name(), "labels": { LABEL: self.id } },
            "spec": {
                "flavour": "snac", "version": "2.75", "hostname": format!("{}.ponds.test", self.id),
                "owner": { "handle": "ardea" }, "ownerClaim": ESCROW, "revision": 1,
                // Nights must not fall into a run.
                "exports": { "nightly": false },
            },
        });
        Ok(self.instances().create(&PostParams::default(), &serde_json::from_value(body)?).await?)
    }

    /// Makes the server by an operator that nothing happens to, which is gone afterwards.
    ///
    /// # Errors
    /// When it does not get ready.
    pub async fn server(&self) -> Result<Instance> {
        self.ask().await?;
        // Through a proxy only for its horizon.
        let proxy = Proxy::start(self.light, Plan::default(), Mask::default()).await?;
        proxy.narrow(horizon(&self.id));
        let client = Client::try_from(proxy.plain_config(self.light, &token(self.light).await?).await?)?;
        let operator = Operator::start(self.deps(client));
        let ready = wait::until("the server to be ready", LIMIT, async || {
            let instance = self.instance().await?;
            ensure!(self.is_ready(&instance).await?, "{}", serde_json::to_string(&instance.status)?);
            Ok(Some(instance))
        })
        .await?;
        operator.stop().await?;
        Ok(ready)
    }

    /// The API of instances.
    #[must_use]
    pub fn instances(&self) -> Api<Instance> {
        Api::all(self.client.clone())
    }

    /// The server's object.
    ///
    /// # Errors
    /// When there is none.
    pub async fn instance(&self) -> Result<Instance> {
        Ok(self.instances().get(&self.name()).await?)
    }

    /// Wishes something else of the server.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn wish(&self, spec: Value) -> Result<()> {
        let patch = Patch::Merge(json!({ "spec": spec }));
        self.instances().patch(&self.name(), &PatchParams::default(), &patch).await?;
        Ok(())
    }

    /// Makes a work object on the server.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn work<K>(&self, name: &str, kind: &str, mut spec: Value) -> Result<()>
    where
        K: kube::Resource<DynamicType = (), Scope = k8s_openapi::ClusterResourceScope>
            + Clone
            + std::fmt::Debug
            + serde::Serialize
            + serde::de::DeserializeOwned,
    {
        merge(&mut spec, json!({ "instanceRef": { "name": self.name(), "uid": self.instance().await?.uid() } }));
        let body = json!({
            "apiVersion": "steppe.host/v1alpha1", "kind": kind,
            "metadata": { "name": format!("{}-{name}", self.id), "labels": { LABEL: self.id } },
            "spec": spec,
        });
        let api: Api<K> = Api::all(self.client.clone());
        api.create(&PostParams::default(), &serde_json::from_value(body)?).await?;
        Ok(())
    }

    /// Whether the server runs and all that was wished of it has been carried out.
    ///
    /// # Errors
    /// When the API server does not answer.
    pub async fn is_ready(&self, instance: &Instance) -> Result<bool> {
        let versioned = instance.status.as_ref().is_some_and(|status| status.version.is_some());
        let up = is(instance, condition::READY) && !is(instance, condition::STOPPED) && versioned;
        Ok(up && is_carried_out(instance) && self.jobs().await? == 0)
    }

    /// Whether the server stands still and all that was wished of it has been carried out.
    #[must_use]
    pub fn is_still(instance: &Instance) -> bool {
        is(instance, condition::STOPPED) && is_carried_out(instance)
    }

    /// How many Jobs there are in the server's namespace.
    ///
    /// # Errors
    /// When the API server does not answer.
    pub async fn jobs(&self) -> Result<usize> {
        let api: Api<Job> = Api::namespaced(self.client.clone(), &self.space());
        Ok(api.list(&ListParams::default()).await?.items.len())
    }
}

/// What the namespaces of all servers begin with.
const PREFIX: &str = "t-";

/// A token with all rights.
///
/// # Errors
/// When the API server refuses.
pub async fn token(light: &Light) -> Result<String> {
    static TOKEN: OnceCell<String> = OnceCell::const_new();
    let fresh = async || light.account("steppe-system", "chaos", Some("cluster-admin")).await;
    TOKEN.get_or_try_init(fresh).await.cloned()
}

/// What the operators of a run see of the ground: their own things.
#[must_use]
pub fn horizon(id: &str) -> Horizon {
    let (ours, owned) = (format!("{LABEL}={id}"), owned(id));
    Box::new(move |call| match (call.group.as_str(), call.resource.as_str()) {
        (crd::GROUP, "cells") => None,
        (crd::GROUP, _) => Some(ours.clone()),
        _ => Some(owned.clone()),
    })
}

/// The selector of what belongs to a run's server.
fn owned(id: &str) -> String {
    format!("{}={}", crd::labels::INSTANCE, server(id))
}

/// The name of a run's server.
#[must_use]
pub fn server(id: &str) -> String {
    format!("{id}-birds")
}

/// The namespace of a run's server.
#[must_use]
pub fn space(id: &str) -> String {
    format!("{PREFIX}{}", server(id))
}

/// The namespace of a run's operators.
#[must_use]
pub fn system(id: &str) -> String {
    format!("{id}-system")
}

fn is_carried_out(instance: &Instance) -> bool {
    let observed = instance.status.as_ref().and_then(|status| status.observed_revision);
    observed.is_some() && observed == instance.spec.revision
}

/// Plays `steppe-operator job birth` by its contract: keys are made once for each volume, a repeat finds them. Their
/// fingerprint is the number of times that any were made.
fn give_birth(run: &JobRun, births: &AtomicU32) -> Outcome {
    let fingerprint = run.read("data", "fingerprint").unwrap_or_else(|| {
        let made = format!("{:0>64}", births.fetch_add(1, Ordering::SeqCst) + 1);
        run.write("data", "fingerprint", made.clone());
        made
    });
    let sealed = "-----BEGIN AGE ENCRYPTED FILE-----".to_owned();
    let born = Born { fingerprint, owner_claim: Some(sealed.clone()), escrow: Some(sealed) };
    Outcome::succeed(serde_json::to_string(&born).unwrap_or_default())
}
