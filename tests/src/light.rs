//! The operator as a whole on the light ground: a real API server, doubles for nodes, fakes for the object store and for
//! probes. One ground for all tests of a program; each test has a pond of its own, kept apart by name and selector.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use crd::{Cell, Instance, condition};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt as _};
use lab::light::{Delays, JobRun, Light, Outcome, Running, Scope, StatusDouble};
use lab::wait;
use operator::clock::{Clock as _, SystemClock, SystemRandom};
use operator::job::birth::Born;
use operator::metrics::Metrics;
use operator::probe::fake::FakeProber;
use operator::store::fake::FakeStore;
use operator::{Config, Deps};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long anything here may take before it has failed. A deadline, not a measure.
pub const LIMIT: Duration = Duration::from_secs(60);

/// The ground that the tests of a program share, with our definitions and a cell on it.
///
/// # Errors
/// When it cannot be started or refuses a definition.
pub async fn light() -> Result<&'static Light> {
    static READY: OnceCell<&'static Light> = OnceCell::const_new();
    READY
        .get_or_try_init(|| async {
            let light = Light::shared(&crate::node::cache()?).await?;
            furnish(light).await?;
            anyhow::Ok(light)
        })
        .await
        .copied()
}

/// Gives a ground what an operator expects: our definitions, a cell, the system namespace.
///
/// # Errors
/// When it refuses a definition.
pub async fn furnish(light: &Light) -> Result<()> {
    let client = light.client().await?;
    define(&client).await?;
    let cells: Api<Cell> = Api::all(client);
    cells.create(&PostParams::default(), &cell()?).await.context("the API server refuses the cell")?;
    light.namespace("steppe-system", &Default::default()).await
}

async fn define(client: &Client) -> Result<()> {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    for definition in crd::all() {
        let name = definition.name_any();
        definitions
            .create(&PostParams::default(), &definition)
            .await
            .with_context(|| format!("the API server refuses {name}"))?;
        wait::until(&format!("{name} to be served"), LIMIT, async || {
            let found = definitions.get(&name).await?;
            let conditions = found.status.and_then(|status| status.conditions).unwrap_or_default();
            let is = |type_: &str| conditions.iter().any(|one| one.type_ == type_ && one.status == "True");
            if is("NonStructuralSchema") {
                bail!("{name} has no structural schema: {conditions:?}");
            }
            Ok(is("Established").then_some(()))
        })
        .await?;
    }
    Ok(())
}

/// The cell of the light ground. Its night is half a day away: no server gets an export that its test did not ask for.
///
/// # Errors
/// Never: the text is fixed.
pub fn cell() -> Result<Cell> {
    let hour = SystemClock.now().to_zoned(jiff::tz::TimeZone::UTC).hour();
    Ok(serde_json::from_value(json!({
        "apiVersion": "steppe.host/v1alpha1",
        "kind": "Cell",
        "metadata": { "name": "cell" },
        "spec": {
            "zone": "ponds.test",
            "ingress": { "className": "door", "cidrs": ["10.244.0.1/32"] },
            "trustBundle": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
            "objectStore": { "endpoint": "http://10.244.0.1:7070", "bucket": "bundles", "cidrs": ["10.244.0.1/32"] },
            "networks": { "pods": ["10.244.0.0/16"], "services": ["10.96.0.0/16"], "nodes": ["10.244.0.1/32"] },
            "storageClass": lab::light::CLASS,
            "versions": [
                { "flavour": "snac", "version": "2.75", "image": "registry.test/snac:2.75" },
                { "flavour": "snac", "version": "2.76", "image": "registry.test/snac:2.76" },
            ],
            "escrowRecipient": ESCROW,
            "nightlyHour": (hour + 12) % 24,
        },
    }))?)
}

/// An age recipient whose identity nobody has.
pub const ESCROW: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

/// One test's part of the ground: a status double, an operator and what they are told.
pub struct Pond {
    /// All rights.
    pub client: Client,
    /// The test's name: prefix of its instances and of their namespaces, value of its selector.
    pub name: String,
    /// What probes find.
    pub prober: Arc<FakeProber>,
    /// The object store.
    pub store: Arc<FakeStore>,
    /// The status double.
    pub double: Running,
    /// How often what cannot be watched is looked at.
    pub every: Duration,
    /// The operator's way to the API server.
    config: kube::Config,
    operator: Option<Operator>,
}

/// A running operator.
pub struct Operator {
    /// What it counts; the last one's when it was restarted.
    pub metrics: Metrics,
    stop: CancellationToken,
    task: JoinHandle<Result<(), operator::Stopped>>,
}

impl Pond {
    /// A pond with an operator in it that looks often.
    ///
    /// # Errors
    /// When the ground cannot be started.
    pub async fn dig(name: &str) -> Result<Self> {
        Self::dig_on(light().await?, name, Duration::from_secs(1)).await
    }

    /// A pond with an operator in it that looks as seldom as in production.
    ///
    /// # Errors
    /// When the ground cannot be started.
    pub async fn dig_calm(name: &str) -> Result<Self> {
        Self::dig_on(light().await?, name, Config::default().identity_check).await
    }

    /// A pond on a furnished ground of one's own, whose operator looks `every` so often at what cannot be watched.
    ///
    /// # Errors
    /// When the ground does not answer.
    pub async fn dig_on(light: &Light, name: &str, every: Duration) -> Result<Self> {
        let client = light.client().await?;
        let double = StatusDouble::new(client.clone(), Scope::prefix(&format!("{name}-")), Delays::brief(7))
            .jobs(|run: &JobRun| give_birth(run))
            .start();
        let mut pond = Self {
            client,
            name: name.to_owned(),
            prober: Arc::default(),
            store: Arc::default(),
            every,
            double,
            config: light.config().await?,
            operator: None,
        };
        pond.start().await?;
        Ok(pond)
    }

    /// The options of this pond's operator: everything faster than in production.
    #[must_use]
    pub fn config(&self) -> Config {
        Config {
            selector: Some(format!("pond={}", self.name)),
            namespace_prefix: format!("{}-", self.name),
            identity_check: self.every,
            probe_every: Duration::from_secs(2),
            ..Config::default()
        }
    }

    /// Starts an operator.
    ///
    /// # Errors
    /// When there is no client to be had.
    pub async fn start(&mut self) -> Result<()> {
        let metrics = Metrics::default();
        let client = operator::client(self.config.clone(), &metrics)?;
        self.start_by(client, metrics);
        Ok(())
    }

    /// Starts an operator that goes to the API server by this client.
    pub fn start_by(&mut self, client: Client, metrics: Metrics) {
        let deps = Deps {
            client,
            config: self.config(),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            prober: self.prober.clone(),
            store: self.store.clone(),
            metrics: metrics.clone(),
        };
        let stop = CancellationToken::new();
        let task = tokio::spawn(operator::run(deps, stop.clone()));
        self.operator = Some(Operator { metrics, stop, task });
    }

    /// Stops the operator and waits for its end.
    ///
    /// # Errors
    /// When it had stopped by itself.
    pub async fn stop(&mut self) -> Result<()> {
        let Some(operator) = self.operator.take() else {
            return Ok(());
        };
        operator.stop.cancel();
        operator.task.await??;
        Ok(())
    }

    /// What the running operator counts.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.operator.as_ref().map(|operator| operator.metrics.clone()).unwrap_or_default()
    }

    /// The API of instances.
    #[must_use]
    pub fn instances(&self) -> Api<Instance> {
        Api::all(self.client.clone())
    }

    /// The tenant's namespace of an instance.
    #[must_use]
    pub fn space(&self, instance: &str) -> String {
        format!("{}-{instance}", self.name)
    }

    /// Makes an instance called `name`, with the host name `host.POND.ponds.test`.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn instance(&self, name: &str, host: &str, change: Value) -> Result<Instance> {
        let mut body = json!({
            "apiVersion": "steppe.host/v1alpha1",
            "kind": "Instance",
            "metadata": { "name": name, "labels": { "pond": self.name } },
            "spec": {
                "flavour": "snac",
                "version": "2.75",
                "hostname": format!("{host}.{}.ponds.test", self.name),
                "owner": { "handle": "ardea" },
                "ownerClaim": ESCROW,
                "revision": 1,
            },
        });
        merge(&mut body, change);
        Ok(self.instances().create(&PostParams::default(), &serde_json::from_value(body)?).await?)
    }

    /// Changes an instance by a merge patch.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn change(&self, name: &str, patch: Value) -> Result<Instance> {
        Ok(self.instances().patch(name, &PatchParams::default(), &Patch::Merge(patch)).await?)
    }

    /// Waits until something is so about an instance.
    ///
    /// # Errors
    /// When it is not so in time; the error shows the last status.
    pub async fn until(&self, name: &str, what: &str, so: impl Fn(&Instance) -> bool) -> Result<Instance> {
        let api = self.instances();
        wait::until(&format!("{name}: {what}"), LIMIT, async || {
            let instance = api.get(name).await?;
            if so(&instance) {
                return Ok(Some(instance));
            }
            bail!("{}", serde_json::to_string(&instance.status)?)
        })
        .await
    }

    /// Waits until a condition is true.
    ///
    /// # Errors
    /// See [`Pond::until`].
    pub async fn until_true(&self, name: &str, type_: &str) -> Result<Instance> {
        self.until(name, type_, |instance| is(instance, type_)).await
    }

    /// Waits until the wish of this revision has been carried out.
    ///
    /// # Errors
    /// See [`Pond::until`].
    pub async fn until_revision(&self, name: &str, revision: i64) -> Result<Instance> {
        self.until(name, &format!("revision {revision}"), |instance| {
            let observed = instance.status.as_ref().and_then(|status| status.observed_revision);
            observed == Some(names::Revision(revision))
        })
        .await
    }

    /// An object of a tenant as it is now.
    ///
    /// # Errors
    /// When the API server cannot be reached.
    pub async fn find(&self, kind: operator::kind::Kind, space: &str, name: &str) -> Result<Option<DynamicObject>> {
        Ok(kind.api(self.client.clone(), Some(space)).get_opt(name).await?)
    }
}

impl Drop for Pond {
    fn drop(&mut self) {
        if let Some(operator) = &self.operator {
            operator.stop.cancel();
        }
    }
}

/// Whether a condition of an instance is true.
#[must_use]
pub fn is(instance: &Instance, type_: &str) -> bool {
    instance.status.as_ref().is_some_and(|status| condition::is_true(&status.conditions, type_))
}

/// The reason of a condition; empty without one.
#[must_use]
pub fn reason(instance: &Instance, type_: &str) -> String {
    instance
        .status
        .as_ref()
        .and_then(|status| status.conditions.iter().find(|one| one.type_ == type_))
        .map(|one| one.reason.clone())
        .unwrap_or_default()
}

/// Plays `steppe-operator job birth` on the double's volumes, by its contract: keys are made once, a repeat finds them.
pub fn give_birth(run: &JobRun) -> Outcome {
    if run.name() != "birth" {
        return Outcome::succeed("{}");
    }
    let fingerprint = run.read("data", "fingerprint").unwrap_or_else(|| {
        let uid = run.pod.uid().unwrap_or_default();
        let made = format!("{:0>64}", uid.replace('-', ""));
        run.write("data", "fingerprint", made.clone());
        made
    });
    let born = Born {
        fingerprint,
        owner_claim: Some("-----BEGIN AGE ENCRYPTED FILE-----".to_owned()),
        escrow: told(run, "--escrow=").then(|| "-----BEGIN AGE ENCRYPTED FILE-----".to_owned()),
    };
    Outcome::succeed(serde_json::to_string(&born).unwrap_or_default())
}

/// Whether the Job's command has a word that begins so.
fn told(run: &JobRun, word: &str) -> bool {
    let containers = run.pod.spec.iter().flat_map(|spec| &spec.containers);
    containers.flat_map(|container| container.command.iter().flatten()).any(|one| one.starts_with(word))
}

/// Merges JSON as a merge patch does, without removing anything.
pub fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}
