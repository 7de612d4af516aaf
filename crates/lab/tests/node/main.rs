//! The node, really run on this machine: brought up, used, found up again, taken away without a trace. Needs root and
//! what `steppe-lab preflight` asks for.

// All of this is a test.
#![allow(clippy::unwrap_used)]

mod snapshot;
mod web;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::PostParams;
use lab::cache::Cache;
use lab::node::namespace::Namespace;
use lab::node::{self, Config, Ground};
use lab::tools::Quiet;
use lab::wait;
use nix::mount::{MsFlags, mount};
use nix::sys::signal::Signal;
use snapshot::{Host, Traces};

/// A ground of a test. It is taken away when the test ends, however it ends.
struct Tried {
    config: Config,
    cache: Cache,
}

impl Tried {
    /// The wish for a bare ground; what an earlier run left of it is taken away.
    async fn new(name: &str) -> Self {
        let lab = Some(PathBuf::from(env!("CARGO_BIN_EXE_steppe-lab")));
        let config = Config { bare: true, lab, ..Config::named(name).unwrap() };
        let tried = Self { config, cache: Cache::open(None).unwrap() };
        node::down(&tried.config, &tried.cache, &mut Quiet).await.unwrap();
        tried
    }

    async fn up(&self) -> Ground {
        node::up(&self.config, &self.cache, &mut Quiet).await.unwrap()
    }

    async fn down(&self) {
        assert!(node::down(&self.config, &self.cache, &mut Quiet).await.unwrap(), "there was a ground");
    }

    /// The same ground, its data kept.
    fn keeping(&self) -> Self {
        Self { config: Config { keep: true, ..self.config.clone() }, cache: self.cache.clone() }
    }
}

impl Drop for Tried {
    fn drop(&mut self) {
        let lab = env!("CARGO_BIN_EXE_steppe-lab");
        let ended = Command::new(lab).args(["down", "--progress", "none", "--name", &self.config.name]).output();
        assert!(ended.is_ok_and(|output| output.status.success()) || std::thread::panicking(), "no clean-up");
    }
}

async fn config_map(ground: &Ground) -> Api<ConfigMap> {
    Api::namespaced(ground.client().await.unwrap(), "default")
}

#[tokio::test]
async fn a_ground_comes_up_once_works_and_leaves_nothing() {
    let tried = Tried::new("t-life").await;
    let host = Host::look(&tried.config);
    let ground = tried.up().await;
    web::run(&ground).await;
    web::answers(&ground).await;
    web::reaches_its_own_service(&ground).await;
    assert_eq!(Host::look(&tried.config), host, "a ground that is up touches nothing of the host");

    let programs = || ground.processes().names().into_iter().map(|name| ground.processes().identity(&name));
    let first: Vec<_> = programs().collect();
    assert!(first.len() >= 7 && first.iter().all(Option::is_some));
    tried.up().await;
    assert_eq!(programs().collect::<Vec<_>>(), first, "the second up starts nothing");
    web::answers(&ground).await;
    let status = Command::new(env!("CARGO_BIN_EXE_steppe-lab")).args(["status", "--json", "--name", "t-life"]).output();
    let status = status.unwrap();
    assert!(status.status.success());
    let told: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(told["up"], true);
    assert_eq!(told["kubeconfig"], ground.kubeconfig.to_str().unwrap());

    let traces = Traces::of(&ground);
    assert!(traces.processes() >= 9, "seven programs, a shim and a pod: {traces:?}");
    tried.down().await;
    traces.are_gone().await;
    assert_eq!(Host::look(&tried.config), host);
    assert!(!node::down(&tried.config, &tried.cache, &mut Quiet).await.unwrap(), "the second down finds nothing");
}

#[tokio::test]
async fn two_grounds_stand_side_by_side() {
    let (left, right) = (Tried::new("t-left").await, Tried::new("t-right").await);
    let (one, two) = tokio::join!(left.up(), right.up());
    assert_ne!(one.addresses.node_ip, two.addresses.node_ip);
    assert!(!one.addresses.pod_cidr.overlaps(two.addresses.pod_cidr));
    assert!(!one.addresses.service_cidr.overlaps(two.addresses.service_cidr));
    web::run(&one).await;
    web::answers(&one).await;
    let traces = Traces::of(&one);
    left.down().await;
    traces.are_gone().await;
    // The other had no pod yet: what it will need of the shared folders is still there.
    web::run(&two).await;
    web::answers(&two).await;
    Traces::of(&two);
    assert!(node::status(two.clone()).await.unwrap().up);
    // The place is free again. The same names in both: nothing is shared that could be taken for the other's.
    let again = left.up().await;
    assert_eq!(again.addresses, one.addresses);
    web::run(&again).await;
    tokio::join!(web::answers(&again), web::answers(&two));
}

#[tokio::test]
async fn data_stays_only_when_asked() {
    let tried = Tried::new("t-keep").await;
    let ground = tried.up().await;
    let note = serde_json::from_value(serde_json::json!({"metadata": {"name": "note"}})).unwrap();
    config_map(&ground).await.create(&PostParams::default(), &note).await.unwrap();
    web::run(&ground).await;
    let keeping = tried.keeping();
    let traces = Traces::of(&ground);
    keeping.down().await;
    traces.processes_are_gone().await;
    assert!(!node::status(ground.clone()).await.unwrap().up);
    let same = keeping.up().await;
    assert_eq!(same.addresses, ground.addresses);
    assert!(config_map(&same).await.get_opt("note").await.unwrap().is_some());
    web::answers(&same).await;
    keeping.down().await;
    let fresh = tried.up().await;
    assert!(config_map(&fresh).await.get_opt("note").await.unwrap().is_none());
}

#[tokio::test]
async fn what_died_is_started_again() {
    let tried = Tried::new("t-mend").await;
    let ground = tried.up().await;
    web::run(&ground).await;
    let processes = ground.processes();
    for name in ["etcd", "kube-apiserver", "kubelet", "containerd", "kube-proxy"] {
        let identity = processes.identity(name).unwrap();
        identity.signal(Signal::SIGKILL).unwrap();
        wait::until("its end", Duration::from_secs(10), async || Ok((!identity.lives()).then_some(()))).await.unwrap();
    }
    let status = node::status(ground.clone()).await.unwrap();
    assert!(!status.up && status.programs["kubelet"].is_none());
    tried.up().await;
    web::answers(&ground).await;
    assert!(node::status(ground).await.unwrap().up);
}

/// After a power cut the programs are gone and the files are not; after a bad day mounts are where nobody expects them.
#[tokio::test]
async fn a_ground_without_its_programs_goes_without_a_trace_and_spares_what_is_mounted_below() {
    let tried = Tried::new("t-wreck").await;
    let ground = tried.up().await;
    web::run(&ground).await;
    let precious = tempfile::tempdir().unwrap();
    fs::write(precious.path().join("file"), "precious").unwrap();
    let below = ground.state_dir.join("kubelet/pods/x/volumes/y");
    fs::create_dir_all(&below).unwrap();
    mount(Some(precious.path()), &below, None::<&str>, MsFlags::MS_BIND, None::<&str>).unwrap();
    let traces = Traces::of(&ground);
    for name in ground.processes().names() {
        ground.processes().kill(&name).unwrap();
    }
    // And somebody's program is still inside.
    let mut sleep = Namespace::at(&ground.netns).command("sleep");
    let mut inside = sleep.arg("600").spawn().unwrap();
    wait::until("it to be inside", Duration::from_secs(5), async || {
        let line = fs::read_to_string(format!("/proc/{}/cmdline", inside.id()))?;
        Ok(line.starts_with("sleep").then_some(()))
    })
    .await
    .unwrap();
    tried.down().await;
    traces.are_gone().await;
    assert_eq!(inside.wait().unwrap().signal(), Some(Signal::SIGKILL as i32));
    assert_eq!(fs::read_to_string(precious.path().join("file")).unwrap(), "precious");
}
