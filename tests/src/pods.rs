//! What a node would run of the operator's Jobs, in this process: the real jobs, on folders that stand for volumes. Only
//! snac is a double: a shell script that makes the same files.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use kube::api::{Api, ListParams};
use lab::light::{Asynchronously, JobRun, JobScript, Outcome, token};
use operator::clock::fake::SeededRandom;
use operator::clock::{SystemClock, SystemRandom};
use operator::job::outcome::Failure;
use operator::job::{Job, JobArgs, account, birth, export};
use operator::store::fake::FakeStore;
use serde_json::{Value, json};

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

/// What stands for nodes and volumes.
pub struct Pods {
    folder: tempfile::TempDir,
    store: Arc<FakeStore>,
    fates: Mutex<BTreeMap<String, Fate>>,
    wrongs: Mutex<Vec<String>>,
}

/// The command line of a pod's container.
#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: JobArgs,
}

impl Pods {
    /// Nodes without pods, and the platform's keys. What exports grant is put into `store`.
    ///
    /// # Errors
    /// When there is no folder to be had.
    pub fn new(store: Arc<FakeStore>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let snac = folder.path().join("snac-double");
        fs::write(&snac, SNAC_DOUBLE)?;
        fs::set_permissions(&snac, fs::Permissions::from_mode(0o755))?;
        for (file, content) in operator::export::keys::generate(&SystemRandom)? {
            fs::write(folder.path().join(file), age::secrecy::ExposeSecret::expose_secret(&content))?;
        }
        Ok(Self { folder, store, fates: Mutex::default(), wrongs: Mutex::default() })
    }

    /// Plays them for a status double.
    pub fn script(self: &Arc<Self>) -> impl JobScript + use<> {
        let pods = self.clone();
        Asynchronously(move |run: JobRun| {
            let pods = pods.clone();
            async move { pods.run(run).await }
        })
    }

    /// Decides what happens to pods of a role (`export`, `account`) in a namespace.
    pub fn decide(&self, space: &str, role: &str, fate: Fate) {
        self.fates.lock().unwrap_or_else(PoisonError::into_inner).insert(format!("{space}/{role}"), fate);
    }

    /// What was wrong while a pod ran, such as a server that was up during a copy.
    #[must_use]
    pub fn wrongs(&self) -> Vec<String> {
        self.wrongs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where the platform's keys are.
    #[must_use]
    pub fn keys(&self) -> &Path {
        self.folder.path()
    }

    /// Puts so many posts on the volume of a namespace's server.
    ///
    /// # Errors
    /// When there is no server on it.
    pub fn post(&self, space: &str, handle: &str, posts: u32) -> Result<()> {
        let home = self.volume(space).join("d");
        // It does not get smaller, so that there are many parts.
        let random = SeededRandom::new(5);
        for n in 0..posts {
            let object = home.join(format!("object/{n:02}.json"));
            let mut content = vec![0; 3000];
            operator::clock::Random::fill(&random, &mut content)?;
            fs::write(&object, content)?;
            fs::hard_link(&object, home.join(format!("user/{handle}/public/{n:02}.json")))?;
        }
        Ok(())
    }

    /// The folder that stands for the volume of a namespace's server.
    #[must_use]
    pub fn volume(&self, space: &str) -> PathBuf {
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
