//! Work on servers, on the light ground: the operator with real jobs. What a pod of a Job would run is run here, in this
//! process, on a folder that stands for the volume, against the operator's own grants endpoint and with a token that the
//! API server bound to the pod. Only snac is a double: a shell script that makes the same files.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use crd::{AccountChange, Export, Instance, Phase, WorkStatus, condition};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt as _};
use lab::light::{Asynchronously, Delays, JobRun, Outcome, Running, Scope, StatusDouble, token};
use lab::wait;
use operator::clock::fake::SeededRandom;
use operator::clock::{SystemClock, SystemRandom};
use operator::job::outcome::Failure;
use operator::job::{Job, JobArgs, account, birth, export};
use operator::metrics::Metrics;
use operator::probe::fake::FakeProber;
use operator::seal::Identity;
use operator::store::fake::FakeStore;
use operator::{Config, Deps};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::light::{LIMIT, light, merge};

/// What plays snac: the files that matter, and a password that must never be seen.
const SNAC_DOUBLE: &str = r#"#!/bin/sh
# Double of snac 2.75 (`init`, `adduser`, `deluser`): the same files and answers, no server.
set -e
case "$1" in
init)
    read -r address; read -r port; read -r host; read -r prefix; read -r mail || true
    mkdir "$2" "$2/user" "$2/object" "$2/tmp"
    printf '{"host": "%s", "address": "%s", "port": %s, "layout": 2.7}' "$host" "$address" "$port" > "$2/server.json"
    ;;
adduser)
    user="$2/user/$3"
    if [ -e "$user" ]; then echo "ERROR: user '$3' already exists" >&2; exit 1; fi
    mkdir "$user" "$user/public"
    body=$(head -c 40 /dev/urandom | base64 -w 0)
    printf '{"uid": "%s", "passwd": ""}' "$3" > "$user/user.json"
    printf '{"secret": "-----BEGIN PRIVATE KEY-----\\nCANARY%s\\n-----END PRIVATE KEY-----\\n", "public": "-----BEGIN PUBLIC KEY-----\\n%s\\n-----END PUBLIC KEY-----\\n"}' "$body" "$body" > "$user/key.json"
    echo "User password is CANARY-SNACS-OWN"
    ;;
deluser)
    [ -e "$2/user/$3/user.json" ] || { echo "invalid user '$3'" >&2; exit 1; }
    rm -rf "$2/user/$3"
    ;;
*) exit 2 ;;
esac
"#;

/// What a test wants to happen to a Job's pods, by namespace and role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// They run to their end.
    Live,
    /// Each is killed after so many more parts were stored, until it is done.
    KilledAfterParts(u64),
    /// They wait until the test says otherwise.
    Hang,
    /// They end at once and say that it is of no use.
    Refuse,
}

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

/// What stands for nodes and volumes.
struct Pods {
    folder: tempfile::TempDir,
    store: Arc<FakeStore>,
    fates: Mutex<BTreeMap<String, Fate>>,
    /// What was wrong while a pod ran, such as a server that was up during a copy.
    wrongs: Mutex<Vec<String>>,
}

/// The command line of a pod's container.
#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: JobArgs,
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
        let folder = tempfile::tempdir()?;
        let snac = folder.path().join("snac-double");
        fs::write(&snac, SNAC_DOUBLE)?;
        fs::set_permissions(&snac, fs::Permissions::from_mode(0o755))?;
        for (file, content) in operator::export::keys::generate(&SystemRandom)? {
            fs::write(folder.path().join(file), age::secrecy::ExposeSecret::expose_secret(&content))?;
        }
        let store = Arc::new(FakeStore::new());
        store.listen().await?;
        let port = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let config = Config {
            identity_check: Duration::from_secs(1),
            probe_every: Duration::from_secs(2),
            grants_listen: ([127, 0, 0, 1], port).into(),
            grants_url: Some(format!("https://127.0.0.1:{port}")),
            keys_dir: folder.path().to_owned(),
            ..config
        };
        let pods = Arc::new(Pods { folder, store: store.clone(), fates: Mutex::default(), wrongs: Mutex::default() });
        let played = pods.clone();
        let double = StatusDouble::new(client.clone(), Scope::prefix(&config.namespace_prefix), Delays::brief(11))
            .jobs(Asynchronously(move |run: JobRun| {
                let pods = played.clone();
                async move { pods.run(run).await }
            }))
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
        let key = format!("{}/{role}", self.space());
        self.pods.fates.lock().unwrap_or_else(PoisonError::into_inner).insert(key, fate);
    }

    /// What was wrong while pods ran.
    #[must_use]
    pub fn wrongs(&self) -> Vec<String> {
        self.pods.wrongs.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
        self.pods.folder.path()
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
        let home = self.volume().join("d");
        // It does not get smaller, so that there are many parts.
        let random = SeededRandom::new(5);
        for n in 0..40 {
            let object = home.join(format!("object/{n:02}.json"));
            let mut content = vec![0; 3000];
            operator::clock::Random::fill(&random, &mut content)?;
            fs::write(&object, content)?;
            fs::hard_link(&object, home.join(format!("user/alice/public/{n:02}.json")))?;
        }
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

impl Pods {
    fn volume(&self, space: &str) -> PathBuf {
        self.folder.path().join("volumes").join(space)
    }

    fn fate(&self, space: &str, role: &str) -> Fate {
        let fates = self.fates.lock().unwrap_or_else(PoisonError::into_inner);
        fates.get(&format!("{space}/{role}")).copied().unwrap_or(Fate::Live)
    }

    async fn run(&self, run: JobRun) -> Outcome {
        let role = run.pod.labels().get(crd::labels::ROLE).cloned().unwrap_or_default();
        while self.fate(&run.namespace(), &role) == Fate::Hang {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let result = match self.command(&run, &role) {
            Ok(job) => self.carry_out(&run, job).await,
            Err(error) => Err(Failure::again("playing a pod", format!("{error:#}"))),
        };
        match result {
            Ok(message) => Outcome::succeed(message.to_string()),
            Err(failure) => {
                Outcome::Fail { exit: i32::from(failure.code), message: json!({ "error": failure }).to_string() }
            }
        }
    }

    /// What the pod's main container runs, by its own command line; only paths are others here.
    fn command(&self, run: &JobRun, role: &str) -> Result<Job> {
        let containers = run.pod.spec.as_ref().map(|spec| spec.containers.clone()).unwrap_or_default();
        let container = containers.into_iter().find(|one| one.name == role).with_context(|| format!("no {role}"))?;
        let command = container.command.unwrap_or_default();
        let mut words = vec!["steppe-operator".to_owned()];
        words.extend(command.into_iter().skip(2));
        for variable in container.env.unwrap_or_default() {
            if variable.name == "STEPPE_GRANTS_CA" {
                words.extend(["--grants-ca".to_owned(), variable.value.unwrap_or_default()]);
            }
        }
        let mut job = Line::try_parse_from(words)?.args.job;
        let volume = self.volume(&run.namespace());
        fs::create_dir_all(&volume)?;
        let snac = self.folder.path().join("snac-double");
        match &mut job {
            Job::Birth(args) => {
                (args.data, args.program, args.identity) = (volume, snac, self.volume("identity"));
                fs::create_dir_all(&args.identity)?;
                fs::write(args.identity.join("birth-id"), "ab".repeat(32))?;
            }
            Job::Account(args) => (args.data, args.program) = (volume, snac),
            Job::Export(args) => {
                args.data = volume.join("d");
                args.token = self.folder.path().join(format!("token-{}", run.pod.uid().unwrap_or_default()));
                (args.segment_bytes, args.part_bytes) = (20_000, 2_000);
            }
            Job::Prepare(_) | Job::Install(_) => bail!("no Job runs this"),
        }
        Ok(job)
    }

    async fn carry_out(&self, run: &JobRun, job: Job) -> Result<Value, Failure> {
        let written = |value: serde_json::Result<Value>| value.map_err(|e| Failure::again("writing a result", e));
        match job {
            Job::Birth(args) => {
                let born = birth::run(&args, operator::clock::Clock::now(&SystemClock), &SystemRandom)?;
                written(serde_json::to_value(born))
            }
            Job::Account(args) => {
                self.check("account", self.fate(&run.namespace(), "account"))?;
                written(serde_json::to_value(account::run(&args, &SystemRandom)?))
            }
            Job::Export(args) => self.export(run, args).await,
            Job::Prepare(_) | Job::Install(_) => Err(Failure::refused("NoJob", "no Job runs this")),
        }
    }

    fn check(&self, role: &str, fate: Fate) -> Result<(), Failure> {
        if fate == Fate::Refuse {
            return Err(Failure::refused("Refused", format!("the test wants this {role} to fail")));
        }
        Ok(())
    }

    async fn export(&self, run: &JobRun, args: export::ExportArgs) -> Result<Value, Failure> {
        let space = run.namespace();
        let fate = self.fate(&space, "export");
        self.check("export", fate)?;
        let failed = |e: anyhow::Error| Failure::again("playing an export's pod", format!("{e:#}"));
        self.watch_stillness(run, &space).await.map_err(failed)?;
        let token = token(run.client.clone(), &space, "jobs", &["steppe-grants"], Some(&run.pod)).await;
        fs::write(&args.token, token.map_err(failed)?).map_err(|e| failed(e.into()))?;
        let until =
            self.store.granted_puts() + if let Fate::KilledAfterParts(parts) = fate { parts } else { u64::MAX / 2 };
        let killed = async {
            while self.store.granted_puts() < until {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            result = export::run(&args) => {
                self.watch_stillness(run, &space).await.map_err(failed)?;
                let done = result?;
                serde_json::to_value(done).map_err(|e| Failure::again("writing a result", e))
            }
            () = killed => Err(Failure::again("the pod", "killed by the test")),
        }
    }

    /// A copy is only a copy while nothing else writes: no server, no account change.
    async fn watch_stillness(&self, run: &JobRun, space: &str) -> Result<()> {
        let deployments: Api<Deployment> = Api::namespaced(run.client.clone(), space);
        let wanted = deployments.get("server").await?.spec.and_then(|spec| spec.replicas);
        let pods: Api<Pod> = Api::namespaced(run.client.clone(), space);
        let all = pods.list(&ListParams::default()).await?.items;
        let live = |pod: &&Pod| {
            let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
            !matches!(phase, Some("Succeeded" | "Failed")) && pod.uid() != run.pod.uid()
        };
        let others: Vec<_> = all.iter().filter(live).map(|pod| pod.name_any()).collect();
        if wanted != Some(0) || !others.is_empty() {
            let wrong = format!("{space}: during a copy {wanted:?} replicas are wanted and {others:?} run");
            self.wrongs.lock().unwrap_or_else(PoisonError::into_inner).push(wrong);
        }
        Ok(())
    }
}
