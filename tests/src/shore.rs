//! The whole platform on a light ground: the chart with its policies, an operator with the chart's own rights, doubles for
//! nodes. What is done to it here is what people do by mistake.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use crd::Instance;
use jiff::Timestamp;
use kube::{Api, Client};
use lab::light::{Delays, JobRun, Running, Scope, StatusDouble};
use lab::wait;
use operator::clock::fake::FixedClock;
use operator::clock::{SystemClock, SystemRandom};
use operator::metrics::Metrics;
use operator::probe::fake::FakeProber;
use operator::purge::Purger;
use operator::purge::fake::Platform;
use operator::store::fake::FakeStore;
use operator::{Config, Deps};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::chart::{Answer, Chart, ask, ours};
use crate::identity::{Who, instance};
use crate::light::{LIMIT, give_birth};

/// A platform at work.
pub struct Shore {
    /// The ground.
    pub chart: &'static Chart,
    /// All rights.
    pub admin: Client,
    /// The object store.
    pub store: Arc<FakeStore>,
    /// What plays nodes and disks.
    pub double: Running,
    operator: Program,
}

/// An operator in this process; it ends when this is dropped.
pub struct Program {
    stop: CancellationToken,
    task: JoinHandle<Result<(), operator::Stopped>>,
}

impl Drop for Program {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// All that holds bytes of a server, by path, with its uid; files on the volume and objects in the store by content.
pub type Inventory = BTreeMap<String, String>;

impl Shore {
    /// A platform with an operator.
    ///
    /// # Errors
    /// When there is no client to be had.
    pub async fn new(chart: &'static Chart) -> Result<Self> {
        let admin = chart.light.client().await?;
        let store = Arc::new(FakeStore::new());
        let double = StatusDouble::new(admin.clone(), Scope::prefix("steppe-t-"), Delays::brief(7));
        let double = double.jobs(|run: &JobRun| give_birth(run)).start();
        let operator = operator(Who::Operator.client(chart).await?, store.clone(), None);
        Ok(Self { chart, admin, store, double, operator })
    }

    /// Stops the operator, does something, and starts another, which remembers nothing.
    ///
    /// # Errors
    /// What `between` says, or when the operator had stopped by itself.
    pub async fn restart(&mut self, between: impl AsyncFnOnce(&Self) -> Result<()>) -> Result<()> {
        self.operator.stop.cancel();
        (&mut self.operator.task).await??;
        between(self).await?;
        self.operator = operator(Who::Operator.client(self.chart).await?, self.store.clone(), None);
        Ok(())
    }

    /// Makes a server and waits until it is ready.
    ///
    /// # Errors
    /// When it does not get so.
    pub async fn server(&self, name: &str) -> Result<Inventory> {
        ask(&self.admin, "POST", &ours("instances", ""), instance(name)?).await?.ok()?;
        self.until(name, "Ready").await?;
        let inventory = self.inventory(name).await?;
        ensure!(inventory.len() >= 7, "{inventory:?}");
        Ok(inventory)
    }

    /// The instance.
    ///
    /// # Errors
    /// When there is none.
    pub async fn instance(&self, name: &str) -> Result<Instance> {
        Ok(Api::all(self.admin.clone()).get(name).await?)
    }

    /// Waits until a condition of the instance is true.
    ///
    /// # Errors
    /// When it does not become so; the error shows the conditions.
    pub async fn until(&self, name: &str, condition: &str) -> Result<()> {
        wait::until(&format!("{name} to be {condition}"), LIMIT, async || {
            let instance = self.instance(name).await?;
            ensure!(crate::light::is(&instance, condition), "{}", serde_json::to_string(&instance.status)?);
            Ok(Some(()))
        })
        .await
    }

    /// The reasons of the warnings that were told about an object.
    ///
    /// # Errors
    /// When the API server does not answer.
    pub async fn warnings(&self, kind: &str, name: &str) -> Result<BTreeSet<String>> {
        let path = "/apis/events.k8s.io/v1/namespaces/default/events";
        let list = ask(&self.admin, "GET", path, Value::Null).await?.ok()?;
        let about = |event: &&Value| {
            event["regarding"]["kind"] == kind && event["regarding"]["name"] == name && event["type"] == "Warning"
        };
        let events = list["items"].as_array().into_iter().flatten().filter(about);
        Ok(events.filter_map(|event| Some(event["reason"].as_str()?.to_owned())).collect())
    }

    /// Waits until a warning was told about an object.
    ///
    /// # Errors
    /// When none is; the error shows what was.
    pub async fn told(&self, kind: &str, name: &str, reason: &str) -> Result<()> {
        wait::until(&format!("event {reason} about {kind} {name}"), LIMIT, async || {
            let warnings = self.warnings(kind, name).await?;
            ensure!(warnings.contains(reason), "{warnings:?}");
            Ok(Some(()))
        })
        .await
    }

    /// Everything of a server that holds bytes.
    ///
    /// # Errors
    /// When the API server does not answer.
    pub async fn inventory(&self, name: &str) -> Result<Inventory> {
        let mut found = Inventory::new();
        let space = format!("/api/v1/namespaces/steppe-t-{name}");
        let mut paths = vec![
            ours("instances", name),
            space.clone(),
            format!("{space}/persistentvolumeclaims/data"),
            format!("{space}/secrets/identity"),
        ];
        if let Some(volume) = self.volume(name).await? {
            for (file, text) in self.double.disks().files(&volume) {
                found.insert(format!("{volume}:{file}"), text);
            }
            paths.push(format!("/api/v1/persistentvolumes/{volume}"));
        }
        for path in paths {
            let answer = ask(&self.admin, "GET", &path, Value::Null).await?;
            if answer.is_ok() {
                found.insert(path, answer.body["metadata"]["uid"].to_string());
            }
        }
        for key in self.store.keys() {
            let content = self.store.content(&key).unwrap_or_default();
            found.insert(key, String::from_utf8_lossy(&content).into_owned());
        }
        Ok(found)
    }

    /// The name of the server's volume, as recorded at its birth.
    ///
    /// # Errors
    /// When the API server does not answer.
    pub async fn volume(&self, name: &str) -> Result<Option<String>> {
        let answer = ask(&self.admin, "GET", &ours("instances", name), Value::Null).await?;
        Ok(answer.body["status"]["identity"]["volumeName"].as_str().map(str::to_owned))
    }

    /// Fails when anything of a server is missing that was there, but for `gone`, or anything was made anew.
    ///
    /// # Errors
    /// What is missing or another.
    pub async fn assert_kept(&self, name: &str, before: &Inventory, gone: &[&str]) -> Result<()> {
        let now = self.inventory(name).await?;
        let lost: BTreeSet<_> =
            before.iter().filter(|(path, uid)| now.get(*path) != Some(uid)).map(|(path, _)| path).collect();
        let unexpected: Vec<_> = lost.iter().filter(|path| !gone.iter().any(|end| path.ends_with(end))).collect();
        ensure!(unexpected.is_empty(), "{name}: lost or made anew: {unexpected:?}");
        let destroyed = self.double.disks().destroyed();
        ensure!(!destroyed.iter().any(|one| one.contains(&format!("steppe-t-{name}/"))), "{destroyed:?}");
        Ok(())
    }

    /// Somebody with all rights does something.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn harm(&self, method: &str, path: &str, body: Value) -> Result<Answer> {
        ask(&self.admin, method, path, body).await
    }

    /// Takes the policies away for a time, as on a cluster that never had them.
    ///
    /// # Errors
    /// What `body` says, or when the policies cannot be taken away or brought back.
    pub async fn unguarded(&self, body: impl AsyncFnOnce() -> Result<()>) -> Result<()> {
        let kubeconfig = self.chart.light.kubeconfig();
        let delete = ["delete", "validatingadmissionpolicybinding", "--selector=app.kubernetes.io/component=policy"];
        self.chart.installer.kubectl(&kubeconfig, &delete, "").await?;
        wait::until("the policies to be out of force", LIMIT, async || {
            let tried = self.harm("DELETE", &format!("{}?dryRun=All", ours("cells", "cell")), Value::Null).await?;
            Ok(tried.is_ok().then_some(()))
        })
        .await?;
        let done = body().await;
        self.chart.installer.install(&kubeconfig, &crate::chart::values()?).await?;
        done
    }

    /// A purger with the chart's own rights, on this platform's store.
    ///
    /// # Errors
    /// When there is no token.
    pub async fn purger(&self, selector: Option<&str>) -> Result<Purger> {
        let client = Who::Purger.client(self.chart).await?;
        Ok(Purger {
            events: operator::events::Events::new(client.clone(), "test"),
            client,
            config: operator::purge::Config { selector: selector.map(str::to_owned), ..Default::default() },
            clock: Arc::new(FixedClock::at(crate::estate::NOW)),
            store: self.store.clone(),
            keys: Platform::new(9).keys(),
            metrics: operator::purge::Metrics::default(),
        })
    }

    /// Makes a purge of a server that names a bundle nobody has.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn purge(&self, name: &str) -> Result<()> {
        let uid = self.instance(name).await?.metadata.uid.context("no uid")?;
        let purge = json!({
            "apiVersion": "steppe.host/v1alpha1", "kind": "Purge", "metadata": { "name": name },
            "spec": {
                "instanceRef": { "name": name, "uid": uid }, "manifestDigest": "1".repeat(64),
                "notBefore": Timestamp::UNIX_EPOCH, "approvals": [{ "by": "mallory", "reason": "in a hurry" }],
            },
        });
        ask(&self.admin, "POST", &ours("purges", ""), purge).await?.ok().map(drop)
    }
}

/// Starts an operator.
#[must_use]
pub fn operator(client: Client, store: Arc<FakeStore>, selector: Option<&str>) -> Program {
    let deps = Deps {
        client,
        config: Config {
            selector: selector.map(str::to_owned),
            identity_check: Duration::from_secs(1),
            probe_every: Duration::from_secs(2),
            ..Config::default()
        },
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        prober: Arc::new(FakeProber::default()),
        store,
        metrics: Metrics::default(),
    };
    let stop = CancellationToken::new();
    let task = tokio::spawn(operator::run(deps, stop.clone()));
    Program { stop, task }
}
