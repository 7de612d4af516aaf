//! Work on servers, on the light ground: the operator with real jobs. What a pod of a Job would run is run here, in this
//! process, on a folder that stands for the volume, against the operator's own grants endpoint and with a token that the
//! API server bound to the pod: see [`crate::pods`].

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use crd::{AccountChange, Export, Instance, Phase, WorkStatus, condition};
use k8s_openapi::api::core::v1::Event;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt as _};
use lab::light::{Delays, Running, Scope, StatusDouble};
use lab::wait;
use operator::clock::{SystemClock, SystemRandom};
use operator::metrics::Metrics;
use operator::probe::fake::FakeProber;
use operator::seal::Identity;
use operator::store::fake::FakeStore;
use operator::{Config, Deps};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::light::{LIMIT, light, merge};
pub use crate::pods::Fate;
use crate::pods::Pods;

/// One test's part of the ground.
pub struct Yard {
    /// All rights.
    pub client: Client,
    /// The test's name: of its server, prefix of its namespace, value of its selector.
    pub name: String,
    /// The object store.
    pub store: Arc<FakeStore>,
    /// What probes find.
    pub prober: Arc<FakeProber>,
    /// The status double.
    pub double: Running,
    /// Opens owners' and accounts' passwords.
    pub claim: Identity,
    config: Config,
    access: kube::Config,
    pods: Arc<Pods>,
    running: Option<(CancellationToken, JoinHandle<Result<(), operator::Stopped>>)>,
}

/// Where a yard lies: on a ground with our definitions and a cell.
pub struct Place {
    /// All rights.
    pub client: Client,
    /// How the operator comes to the API server, and as whom.
    pub access: kube::Config,
    /// The operator's options; folders, ports and intervals are the yard's own.
    pub config: Config,
}

impl Yard {
    /// A yard with an operator in it.
    ///
    /// # Errors
    /// When the ground cannot be started.
    pub async fn open(name: &str) -> Result<Self> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let light = light().await?;
        let config = Config {
            selector: Some(format!("yard={name}")),
            namespace_prefix: format!("{name}-"),
            ..Config::default()
        };
        Self::at(name, Place { client: light.client().await?, access: light.config().await?, config }).await
    }

    /// A yard somewhere else, with an operator in it.
    ///
    /// # Errors
    /// When there is no client or no port to be had.
    pub async fn at(name: &str, place: Place) -> Result<Self> {
        let Place { client, access, config } = place;
        let store = Arc::new(FakeStore::new());
        store.listen().await?;
        let pods = Arc::new(Pods::new(store.clone())?);
        let port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let config = Config {
            identity_check: Duration::from_secs(1),
            probe_every: Duration::from_secs(2),
            grants_listen: ([127, 0, 0, 1], port).into(),
            grants_url: Some(format!("https://127.0.0.1:{port}")),
            keys_dir: pods.keys().to_owned(),
            ..config
        };
        let double = StatusDouble::new(client.clone(), Scope::prefix(&config.namespace_prefix), Delays::brief(11))
            .jobs(pods.script())
            .start();
        let mut yard = Self {
            client,
            name: name.to_owned(),
            store,
            prober: Arc::default(),
            double,
            claim: Identity::generate(),
            config,
            access,
            pods,
            running: None,
        };
        yard.start().await?;
        Ok(yard)
    }

    /// Starts an operator.
    ///
    /// # Errors
    /// When there is no client to be had.
    pub async fn start(&mut self) -> Result<()> {
        let metrics = Metrics::default();
        let deps = Deps {
            client: operator::client(self.access.clone(), &metrics)?,
            config: self.config.clone(),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            prober: self.prober.clone(),
            store: self.store.clone(),
            metrics,
        };
        let stop = CancellationToken::new();
        let task = tokio::spawn(operator::run(deps, stop.clone()));
        self.running = Some((stop, task));
        Ok(())
    }

    /// Stops the operator, waits for its end and starts another.
    ///
    /// # Errors
    /// When it had stopped by itself, and as [`Yard::start`].
    pub async fn restart(&mut self) -> Result<()> {
        if let Some((stop, task)) = self.running.take() {
            stop.cancel();
            task.await??;
        }
        self.start().await
    }

    /// Kills the operator where it stands, and starts another.
    ///
    /// # Errors
    /// See [`Yard::start`].
    pub async fn kill_and_start(&mut self) -> Result<()> {
        if let Some((stop, task)) = self.running.take() {
            task.abort();
            let _ = task.await;
            stop.cancel();
        }
        self.start().await
    }

    /// Decides what happens to pods of a role (`export`, `account`).
    pub fn fate(&self, role: &str, fate: Fate) {
        self.pods.decide(&self.space(), role, fate);
    }

    /// What was wrong while pods ran.
    #[must_use]
    pub fn wrongs(&self) -> Vec<String> {
        self.pods.wrongs()
    }

    /// The tenant's namespace.
    #[must_use]
    pub fn space(&self) -> String {
        self.config.namespace(&self.name)
    }

    /// The folder that stands for the server's volume.
    #[must_use]
    pub fn volume(&self) -> PathBuf {
        self.pods.volume(&self.space())
    }

    /// Where the platform's keys are.
    #[must_use]
    pub fn keys(&self) -> &Path {
        self.pods.keys()
    }

    /// Makes the server and waits until it is ready; puts posts on its volume.
    ///
    /// # Errors
    /// When it does not become ready in time.
    pub async fn server(&self) -> Result<Instance> {
        let body = json!({
            "apiVersion": "steppe.host/v1alpha1", "kind": "Instance",
            "metadata": { "name": self.name, "labels": { "yard": self.name } },
            "spec": {
                "flavour": "snac", "version": "2.75", "hostname": format!("birds.{}.ponds.test", self.name),
                "owner": { "handle": "alice" }, "ownerClaim": self.claim.recipient().to_string(),
            },
        });
        self.instances().create(&PostParams::default(), &serde_json::from_value(body)?).await?;
        let ready = self.until_instance("ready", |instance| is(instance, condition::READY)).await?;
        self.pods.post(&self.space(), "alice", 40)?;
        Ok(ready)
    }

    /// The API of instances.
    #[must_use]
    pub fn instances(&self) -> Api<Instance> {
        Api::all(self.client.clone())
    }

    /// The API of exports.
    #[must_use]
    pub fn exports(&self) -> Api<Export> {
        Api::all(self.client.clone())
    }

    /// The API of account changes.
    #[must_use]
    pub fn changes(&self) -> Api<AccountChange> {
        Api::all(self.client.clone())
    }

    /// Asks for an export.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn export(&self, name: &str, instance: &Instance, change: Value) -> Result<Export> {
        let mut body = json!({
            "apiVersion": "steppe.host/v1alpha1", "kind": "Export",
            "metadata": { "name": name, "labels": { "yard": self.name } },
            "spec": { "instanceRef": { "name": instance.name_any(), "uid": instance.uid() } },
        });
        merge(&mut body, change);
        Ok(self.exports().create(&PostParams::default(), &serde_json::from_value(body)?).await?)
    }

    /// Asks for an account change.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn change(&self, name: &str, instance: &Instance, action: &str, handle: &str) -> Result<AccountChange> {
        let body = json!({
            "apiVersion": "steppe.host/v1alpha1", "kind": "AccountChange",
            "metadata": { "name": name, "labels": { "yard": self.name } },
            "spec": {
                "instanceRef": { "name": instance.name_any(), "uid": instance.uid() },
                "action": action, "handle": handle, "claim": self.claim.recipient().to_string(),
            },
        });
        Ok(self.changes().create(&PostParams::default(), &serde_json::from_value(body)?).await?)
    }

    /// Sets the server's mode.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn mode(&self, mode: &str) -> Result<()> {
        let patch = Patch::Merge(json!({ "spec": { "mode": mode } }));
        self.instances().patch(&self.name, &PatchParams::default(), &patch).await?;
        Ok(())
    }

    /// Waits until something is so about the server.
    ///
    /// # Errors
    /// When it is not so in time.
    pub async fn until_instance(&self, what: &str, so: impl Fn(&Instance) -> bool) -> Result<Instance> {
        let api = self.instances();
        wait::until(&format!("{}: {what}", self.name), LIMIT, async || {
            let found = api.get(&self.name).await?;
            if so(&found) { Ok(Some(found)) } else { bail!("{}", serde_json::to_string(&found.status)?) }
        })
        .await
    }

    /// Waits until something is so about an export's course.
    ///
    /// # Errors
    /// When it is not so in time.
    pub async fn until_export(&self, name: &str, what: &str, so: impl Fn(&Export) -> bool) -> Result<Export> {
        let api = self.exports();
        wait::until(&format!("{name}: {what}"), LIMIT, async || {
            let found = api.get(name).await?;
            if so(&found) { Ok(Some(found)) } else { bail!("{}", serde_json::to_string(&found.status)?) }
        })
        .await
    }

    /// Waits until an export is over and its Job and finalizer are gone.
    ///
    /// # Errors
    /// When it is not over in time.
    pub async fn until_over(&self, name: &str) -> Result<Export> {
        self.until_export(name, "over", |export| course(export).phase.is_final() && export.finalizers().is_empty())
            .await
    }

    /// Waits until an account change is over and its Job and finalizer are gone.
    ///
    /// # Errors
    /// When it is not over in time.
    pub async fn until_changed(&self, name: &str) -> Result<AccountChange> {
        let api = self.changes();
        wait::until(&format!("{name}: over"), LIMIT, async || {
            let found = api.get(name).await?;
            let over = found.status.as_ref().is_some_and(|status| status.work.phase.is_final());
            if over && found.finalizers().is_empty() {
                return Ok(Some(found));
            }
            bail!("{}", serde_json::to_string(&found.status)?)
        })
        .await
    }

    /// Waits until the server is up again.
    ///
    /// # Errors
    /// When it is not up in time.
    pub async fn until_up(&self) -> Result<Instance> {
        self.until_instance("up", |instance| is(instance, condition::READY) && !is(instance, condition::STOPPED)).await
    }

    /// Deletes an export.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn delete_export(&self, name: &str) -> Result<()> {
        self.exports().delete(name, &DeleteParams::default()).await?;
        Ok(())
    }

    /// Everything that a curious person may read of the test's namespaces and of our objects, as one text.
    ///
    /// # Errors
    /// When the API server cannot be reached.
    pub async fn everything(&self) -> Result<String> {
        let mut text = String::new();
        let mine = ListParams::default().labels(&format!("yard={}", self.name));
        text.push_str(&serde_json::to_string(&self.instances().list(&mine).await?)?);
        text.push_str(&serde_json::to_string(&self.exports().list(&mine).await?)?);
        text.push_str(&serde_json::to_string(&self.changes().list(&mine).await?)?);
        let events: Api<Event> = Api::all(self.client.clone());
        text.push_str(&serde_json::to_string(&events.list(&ListParams::default()).await?)?);
        for kind in operator::kind::Kind::WATCHED {
            let all = kind.api(self.client.clone(), None).list(&ListParams::default()).await?;
            text.push_str(&serde_json::to_string(&all)?);
        }
        Ok(text)
    }
}

impl Drop for Yard {
    fn drop(&mut self) {
        if let Some((stop, _)) = &self.running {
            stop.cancel();
        }
    }
}

/// How an export goes.
#[must_use]
pub fn course(export: &Export) -> WorkStatus {
    export.status.as_ref().map(|status| status.work.clone()).unwrap_or_default()
}

/// Whether an export succeeded; the error says why not.
///
/// # Errors
/// When it did not.
pub fn succeeded(export: &Export) -> Result<crd::Bundle> {
    let status = export.status.clone().unwrap_or_default();
    if status.work.phase != Phase::Succeeded {
        bail!("{}", serde_json::to_string(&status)?);
    }
    status.bundle.context("no bundle")
}

fn is(instance: &Instance, type_: &str) -> bool {
    instance.status.as_ref().is_some_and(|status| condition::is_true(&status.conditions, type_))
}
