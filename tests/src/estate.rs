//! Servers to be purged, on a light ground with the chart: made by hand as the operator leaves them, with bundles in a
//! fake store. The test itself plays operator, namespace controller and provisioner, so that nothing waits.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use kube::Client;
use lab::wait;
use operator::clock::fake::FixedClock;
use operator::events::Events;
use operator::purge::fake::{FakeBundle, Platform};
use operator::purge::{Again, Config, Metrics, Purger};
use operator::store::Store;
use operator::store::fake::FakeStore;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::chart::{Chart, ask, ours, with};
use crate::identity::{Who, instance};

/// The time at which every estate begins.
pub const NOW: i64 = 1_800_000_000;
/// How long a test waits for what the API server's own controllers do.
const LIMIT: Duration = Duration::from_secs(30);

/// A cell with servers.
pub struct Estate {
    /// The ground.
    pub chart: &'static Chart,
    /// All rights.
    pub admin: Client,
    /// The object store.
    pub store: Arc<FakeStore>,
    /// The platform's keys.
    pub platform: Platform,
    /// The purger's clock.
    pub clock: Arc<FixedClock>,
}

/// A closed server with an older and a final bundle, and a purge that may be carried out.
#[derive(Debug, Clone)]
pub struct Closed {
    /// Name of instance and purge.
    pub name: String,
    /// The instance's uid.
    pub uid: String,
    /// The digest of the final bundle's manifest.
    pub digest: String,
    /// The uid of the export that made the final bundle.
    pub last: Uuid,
    /// The uid of the export that made the older one.
    pub older: Uuid,
}

impl Closed {
    /// The path of its namespace.
    #[must_use]
    pub fn space(&self) -> String {
        format!("/api/v1/namespaces/steppe-t-{}", self.name)
    }

    /// The path of its volume.
    #[must_use]
    pub fn volume(&self) -> String {
        format!("/api/v1/persistentvolumes/pv-{}", self.name)
    }
}

/// A point in time.
#[must_use]
pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH)
}

impl Estate {
    /// A cell that knows its cluster, with nothing recorded.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn new(chart: &'static Chart) -> Result<Self> {
        let estate = Self {
            chart,
            admin: chart.light.client().await?,
            store: Arc::default(),
            platform: Platform::new(1),
            clock: Arc::new(FixedClock::at(NOW)),
        };
        estate.forgive().await?;
        Ok(estate)
    }

    /// What a person does who closes the breaker and accepts the count.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn forgive(&self) -> Result<()> {
        let system = self.get("/api/v1/namespaces/kube-system").await?;
        let fresh = json!({
            "clusterUid": system["metadata"]["uid"], "breaker": null, "recentPurges": [], "instances": null,
        });
        self.status("cells", "cell", fresh).await
    }

    /// Reads an object.
    ///
    /// # Errors
    /// When there is none.
    pub async fn get(&self, path: &str) -> Result<Value> {
        ask(&self.admin, "GET", path, Value::Null).await?.ok().with_context(|| path.to_owned())
    }

    /// Whether there is an object.
    ///
    /// # Errors
    /// When the API server does not answer.
    pub async fn exists(&self, path: &str) -> Result<bool> {
        Ok(ask(&self.admin, "GET", path, Value::Null).await?.code != 404)
    }

    /// Writes into the status of an object of ours.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn status(&self, plural: &str, name: &str, status: Value) -> Result<()> {
        let path = format!("{}/status", ours(plural, name));
        ask(&self.admin, "MERGE", &path, json!({ "status": status })).await?.ok().context(path).map(drop)
    }

    /// Makes an object.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn make(&self, path: &str, body: Value) -> Result<Value> {
        ask(&self.admin, "POST", path, body).await?.ok().with_context(|| path.to_owned())
    }

    /// The cell's status.
    ///
    /// # Errors
    /// When there is no cell.
    pub async fn cell(&self) -> Result<Value> {
        Ok(self.get(&ours("cells", "cell")).await?["status"].clone())
    }

    /// A purger that speaks through this client.
    #[must_use]
    pub fn purger(&self, client: Client, store: Arc<dyn Store>) -> Purger {
        Purger {
            events: Events::new(client.clone(), "test"),
            client,
            config: Config::default(),
            clock: self.clock.clone(),
            store,
            keys: self.platform.keys(),
            metrics: Metrics::default(),
        }
    }

    /// A purger with the chart's own rights.
    ///
    /// # Errors
    /// When there is no token.
    pub async fn own_purger(&self) -> Result<Purger> {
        Ok(self.purger(Who::Purger.client(self.chart).await?, self.store.clone()))
    }

    /// Makes a closed server and its purge.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn closed(&self, name: &str) -> Result<Closed> {
        let closed = self.server(name).await?;
        self.purge(&closed, name, json!({})).await?;
        Ok(closed)
    }

    /// Makes a closed server.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn server(&self, name: &str) -> Result<Closed> {
        let wish = with(instance(name)?, "/metadata/finalizers", json!(["steppe.host/keep"]));
        let made = self.make(&ours("instances", ""), with(wish, "/spec/mode", json!("Closing"))).await?;
        let uid = made["metadata"]["uid"].as_str().context("no uid")?.to_owned();
        let claim = self.tenant(name, &uid).await?;
        let stopped = json!({
            "type": "Stopped", "status": "True", "reason": "Closing", "message": "", "lastTransitionTime": at(NOW - 1000),
        });
        let identity = json!({
            "volumeClaimUid": claim, "volumeName": format!("pv-{name}"), "secretUid": "s", "fingerprint": "f",
            "bornAt": at(NOW - 9000),
        });
        let status = json!({ "mode": "Closing", "conditions": [stopped], "identity": identity });
        self.status("instances", name, status).await?;
        self.bundles(name, uid)
    }

    /// The namespace with what is in it. Gives the claim's uid.
    async fn tenant(&self, name: &str, uid: &str) -> Result<Value> {
        let space = format!("steppe-t-{name}");
        let labels = json!({ "steppe.host/instance": name, "steppe.host/instance-uid": uid });
        self.make("/api/v1/namespaces", json!({ "metadata": { "name": space, "labels": labels } })).await?;
        let path = format!("/api/v1/namespaces/{space}");
        self.make(&format!("{path}/secrets"), json!({ "metadata": { "name": "identity" } })).await?;
        let claim = json!({ "metadata": { "name": "data" }, "spec": {
            "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } }, "storageClassName": "",
        } });
        let claim = self.make(&format!("{path}/persistentvolumeclaims"), claim).await?["metadata"]["uid"].clone();
        let volume = json!({ "metadata": { "name": format!("pv-{name}") }, "spec": {
            "capacity": { "storage": "1Gi" }, "accessModes": ["ReadWriteOnce"], "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": { "path": "/nowhere" }, "claimRef": { "namespace": space, "name": "data", "uid": claim },
        } });
        self.make("/api/v1/persistentvolumes", volume).await?;
        Ok(claim)
    }

    /// An older and a final bundle, and an identity in escrow.
    fn bundles(&self, name: &str, uid: String) -> Result<Closed> {
        let instance: Uuid = uid.parse()?;
        let last = Uuid::from_u128(instance.as_u128() ^ 1);
        let older = Uuid::from_u128(instance.as_u128() ^ 2);
        let bundle = |export, made| FakeBundle {
            instance,
            export,
            hostname: format!("{name}.steppe.test"),
            made: at(made),
            recipient: None,
        };
        bundle(older, NOW - 5000).put(&self.store, &self.platform)?;
        let digest = bundle(last, NOW - 500).put(&self.store, &self.platform)?;
        self.store.set(&format!("escrow/{uid}/identity.age"), "sealed");
        Ok(Closed { name: name.to_owned(), uid, digest, last, older })
    }

    /// Makes a purge of a server; `change` is merged into its spec.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn purge(&self, closed: &Closed, name: &str, change: Value) -> Result<()> {
        let mut spec = json!({
            "instanceRef": { "name": closed.name, "uid": closed.uid }, "manifestDigest": closed.digest,
            "notBefore": at(NOW), "approvals": [{ "by": "dana", "reason": "its owner left" }],
        });
        crate::light::merge(&mut spec, change);
        let purge = json!({
            "apiVersion": "steppe.host/v1alpha1", "kind": "Purge", "metadata": { "name": name }, "spec": spec,
        });
        self.make(&ours("purges", ""), purge).await.map(drop)
    }

    /// The work status of a purge.
    ///
    /// # Errors
    /// When there is none.
    pub async fn work(&self, purge: &str) -> Result<Value> {
        Ok(self.get(&ours("purges", purge)).await?["status"].clone())
    }

    /// Everything of a server that holds bytes: objects of the cluster and of the store.
    ///
    /// # Errors
    /// When the API server does not answer.
    pub async fn holdings(&self, closed: &Closed) -> Result<BTreeSet<String>> {
        let mut found: BTreeSet<String> =
            self.store.keys().into_iter().filter(|key| key.contains(&closed.uid)).collect();
        let space = closed.space();
        for path in [
            space.clone(),
            format!("{space}/persistentvolumeclaims/data"),
            format!("{space}/secrets/identity"),
            closed.volume(),
            ours("instances", &closed.name),
        ] {
            let answer = ask(&self.admin, "GET", &path, Value::Null).await?;
            let gone = answer.body["metadata"]["deletionTimestamp"].is_string();
            let retained = !path.contains("persistentvolumes/")
                || answer.body["spec"]["persistentVolumeReclaimPolicy"] == "Retain";
            if answer.is_ok() && retained && (!gone || path.contains("/instances/")) {
                found.insert(path);
            }
        }
        Ok(found)
    }

    /// Plays the cluster once: the operator sees a pause, the namespace controller empties, the provisioner removes.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn play(&self, closed: &Closed) -> Result<()> {
        let instance = ask(&self.admin, "GET", &ours("instances", &closed.name), Value::Null).await?;
        let paused = &instance.body["metadata"]["annotations"]["steppe.host/paused"];
        if instance.is_ok() && paused.is_string() {
            self.see_pause(&closed.name, &instance.body).await?;
        }
        let space = ask(&self.admin, "GET", &closed.space(), Value::Null).await?;
        if space.is_ok() && space.body["metadata"]["deletionTimestamp"].is_string() {
            self.empty(closed, space.body).await?;
        }
        let volume = ask(&self.admin, "GET", &closed.volume(), Value::Null).await?;
        let claim = self.exists(&format!("{}/persistentvolumeclaims/data", closed.space())).await?;
        if volume.is_ok() && !claim && volume.body["spec"]["persistentVolumeReclaimPolicy"] == "Delete" {
            ask(&self.admin, "DELETE", &closed.volume(), Value::Null).await?.ok()?;
            wait::until("the volume to be gone", LIMIT, async || {
                Ok((!self.exists(&closed.volume()).await?).then_some(()))
            })
            .await?;
        }
        Ok(())
    }

    async fn see_pause(&self, name: &str, instance: &Value) -> Result<()> {
        let mut conditions = instance["status"]["conditions"].as_array().cloned().unwrap_or_default();
        if conditions.iter().any(|condition| condition["type"] == "Paused") {
            return Ok(());
        }
        conditions.push(json!({
            "type": "Paused", "status": "True", "reason": "Annotated", "message": "", "lastTransitionTime": at(NOW),
        }));
        self.status("instances", name, json!({ "conditions": conditions })).await
    }

    async fn empty(&self, closed: &Closed, space: Value) -> Result<()> {
        let path = closed.space();
        // The admission policy sees a moment later that the namespace is on its way out.
        wait::until("the namespace to be empty", LIMIT, async || {
            for inner in ["persistentvolumeclaims/data", "secrets/identity"] {
                let answer = ask(&self.admin, "DELETE", &format!("{path}/{inner}"), Value::Null).await?;
                ensure!(answer.is_ok() || answer.code == 404, "{inner}: {answer:?}");
            }
            Ok((!self.exists(&format!("{path}/persistentvolumeclaims/data")).await?).then_some(()))
        })
        .await?;
        let finalized = with(space, "/spec/finalizers", json!([]));
        let answer = ask(&self.admin, "PUT", &format!("{path}/finalize"), finalized).await?;
        // The real controller may have been faster.
        ensure!(answer.is_ok() || answer.code == 404 || answer.code == 409, "{answer:?}");
        Ok(())
    }

    /// Lets a purger work until it has nothing to do any more, with the cluster played in between.
    ///
    /// # Errors
    /// When a pass fails, or there is no end.
    pub async fn settle(&self, purger: &Purger, closed: &[&Closed]) -> Result<()> {
        let mut waits = 0;
        for _ in 0..200 {
            match purger.pass().await {
                Ok(Again::Now) => {}
                Ok(Again::Later) => return Ok(()),
                Ok(Again::Soon) => {
                    waits += 1;
                    ensure!(waits < 60, "the purger waits for what does not come");
                    for one in closed {
                        self.play(one).await?;
                    }
                }
                // Somebody wrote in between; the next pass sees it.
                Err(error) if error.stale => {}
                Err(error) => return Err(error.into()),
            }
        }
        anyhow::bail!("the purger finds no end")
    }

    /// Fails unless the server is gone as it should be, and nothing else is.
    ///
    /// # Errors
    /// What is not as it should be.
    pub async fn assert_purged(&self, closed: &Closed) -> Result<()> {
        let work = self.work(&closed.name).await?;
        ensure!(work["phase"] == "Succeeded", "{work}");
        for path in [closed.space(), closed.volume(), ours("instances", &closed.name)] {
            ensure!(!self.exists(&path).await?, "{path} is still there");
        }
        let left: BTreeSet<String> = self.store.keys().into_iter().filter(|key| key.contains(&closed.uid)).collect();
        let (last, uid) = (closed.last, &closed.uid);
        let bundle = ["manifest.json", "manifest.sig", "restore.sh", "segment-0000/part-0000.tar.gz.age"];
        let mut expected: BTreeSet<String> = bundle.iter().map(|name| format!("bundles/{uid}/{last}/{name}")).collect();
        expected.extend([format!("keys/{uid}/{last}.age"), format!("escrow/{uid}/identity.age")]);
        ensure!(left == expected, "in the store: {left:?}");
        Ok(())
    }
}
