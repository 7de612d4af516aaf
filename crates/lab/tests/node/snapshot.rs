//! What a ground does to the machine, seen from outside. Other grounds may come and go meanwhile; what is theirs is left
//! out by their names.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use lab::node::command::text;
use lab::node::ground::BASE;
use lab::node::sysctl::Kernel;
use lab::node::{Config, Ground};
use lab::process::Identity;
use lab::wait;

fn lines(program: &str, args: &[&str]) -> BTreeSet<String> {
    let output = text(Command::new(program).args(args)).unwrap();
    output.lines().map(str::to_owned).collect()
}

/// The host's own network and firewall, which no ground may touch.
#[derive(Debug, PartialEq)]
pub struct Host {
    links: BTreeSet<String>,
    routes: BTreeSet<String>,
    iptables: BTreeSet<String>,
    ip6tables: BTreeSet<String>,
    nftables: String,
    forwarding: String,
}

impl Host {
    /// How the host is, but for what grounds own by name.
    pub fn look(_config: &Config) -> Self {
        let own = |line: &String| !line.contains("stp-");
        let links = lines("ip", &["-o", "link"]);
        let routes = lines("ip", &["route", "show", "table", "all"]);
        // Comments hold the time of day, chains hold counters.
        let rules = |program| {
            let all = lines(program, &[]).into_iter().filter(|line| !line.starts_with('#'));
            all.map(|line| line.split(" [").next().unwrap_or_default().to_owned()).collect()
        };
        Self {
            links: links
                .into_iter()
                .filter(own)
                .map(|line| line.split('@').next().unwrap_or_default().into())
                .collect(),
            routes: routes.into_iter().filter(own).collect(),
            iptables: rules("iptables-save"),
            ip6tables: rules("ip6tables-save"),
            nftables: text(Command::new("nft").args(["list", "ruleset"])).unwrap(),
            forwarding: fs::read_to_string("/proc/sys/net/ipv4/ip_forward").unwrap(),
        }
    }
}

/// Everything that is a ground's while it is up.
#[derive(Debug)]
pub struct Traces {
    ground: Ground,
    processes: Vec<Identity>,
    namespaces: BTreeSet<String>,
    files: BTreeSet<PathBuf>,
    cgroups: Vec<PathBuf>,
}

impl Traces {
    /// The traces of a ground that is up.
    pub fn of(ground: &Ground) -> Self {
        let mounts = mounts();
        let below = |line: &&String| line.contains(&format!(" {}", ground.state_dir.display()));
        // The fourth word of a namespace's mount is "net:[number]".
        let namespaces: BTreeSet<String> = mounts
            .iter()
            .filter(below)
            .filter_map(|line| line.split(' ').nth(3))
            .filter(|root| root.starts_with("net:"))
            .map(str::to_owned)
            .collect();
        assert!(namespaces.len() >= 2, "the ground's and a pod's: {namespaces:?}");
        let cgroups: Vec<PathBuf> = cgroups(&ground.cgroup);
        assert!(!cgroups.is_empty());
        let processes = processes(ground, &namespaces);
        let files = shared_files(ground);
        assert!(files.len() >= 4, "shim's socket, two results and a log link: {files:?}");
        Self { ground: ground.clone(), processes, namespaces, files, cgroups }
    }

    /// How many processes it has.
    pub fn processes(&self) -> usize {
        self.processes.len()
    }

    /// No process, namespace, mount, interface, route, cgroup or shared file is left, whether the data is or not.
    pub async fn processes_are_gone(&self) {
        let ground = &self.ground;
        wait::until("the end of all traces", Duration::from_secs(10), async || {
            let alive: Vec<_> = self.processes.iter().filter(|identity| identity.lives()).collect();
            anyhow::ensure!(alive.is_empty(), "these live: {alive:?}");
            // By name only: the kernel may have given the namespace's number to another ground by now.
            let inside = processes(ground, &BTreeSet::new());
            anyhow::ensure!(inside.is_empty(), "these are new: {inside:?}");
            Ok(Some(()))
        })
        .await
        .unwrap();
        let state = format!(" {}/", ground.state_dir.display());
        let of_another = |line: &str| line.contains(&format!(" {BASE}/")) && !line.contains(&state);
        let ours = |line: &String| {
            let held = self.namespaces.iter().any(|namespace| line.contains(namespace));
            (held || line.contains(&state)) && !of_another(line)
        };
        let mounted: Vec<_> = mounts().into_iter().filter(ours).collect();
        assert_eq!(mounted, Vec::<String>::new());
        let links = text(Command::new("ip").args(["-o", "link"])).unwrap();
        assert!(!links.contains(&ground.interface), "{links}");
        let routes = text(Command::new("ip").args(["route", "show", "table", "all"])).unwrap();
        assert!(!routes.contains(&ground.interface), "{routes}");
        let left = |paths: &mut dyn Iterator<Item = &PathBuf>| {
            paths.filter(|path| path.symlink_metadata().is_ok()).cloned().collect::<Vec<_>>()
        };
        assert_eq!(left(&mut self.files.iter()), Vec::<PathBuf>::new());
        assert_eq!(left(&mut self.cgroups.iter()), Vec::<PathBuf>::new());
    }

    /// As above, and the data and the kernel's settings are as if it had never been.
    pub async fn are_gone(&self) {
        self.processes_are_gone().await;
        assert!(!self.ground.state_dir.exists());
        if Ground::all().is_empty() {
            assert_eq!(Kernel::now(), self.ground.before);
            for folder in [BASE, "/run/containerd", "/var/lib/cni", "/var/lib/kubelet", "/var/log/containers"] {
                assert!(!Path::new(folder).exists() || !ours_alone(folder), "{folder} is left");
            }
        }
    }
}

/// Whether a folder holds nothing.
fn ours_alone(folder: &str) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

fn mounts() -> Vec<String> {
    fs::read_to_string("/proc/self/mountinfo").unwrap().lines().map(str::to_owned).collect()
}

fn cgroups(name: &str) -> Vec<PathBuf> {
    let table = fs::read_to_string("/proc/mounts").unwrap();
    let points = table.lines().filter(|line| line.contains(" cgroup")).filter_map(|line| line.split(' ').nth(1));
    points.map(|point| Path::new(point).join(name)).filter(|path| path.exists()).collect()
}

/// Every process that is in one of the namespaces, in the cgroup, or names the state folder on its command line.
fn processes(ground: &Ground, namespaces: &BTreeSet<String>) -> Vec<Identity> {
    let state = format!("{}/", ground.state_dir.display());
    let ours = |pid: i32| {
        let read = |file: &str| fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let namespace = fs::read_link(format!("/proc/{pid}/ns/net")).unwrap_or_default();
        let line = read("cmdline");
        namespaces.contains(&*namespace.to_string_lossy())
            || String::from_utf8_lossy(&read("cgroup")).contains(&format!("/{}/", ground.cgroup))
            || String::from_utf8_lossy(&line).contains(&state)
    };
    let me = i32::try_from(std::process::id()).unwrap();
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| *pid != me && ours(*pid)).filter_map(Identity::of).collect()
}

/// The ground's files in folders that all grounds share.
fn shared_files(ground: &Ground) -> BTreeSet<PathBuf> {
    let list = |folder: &str| {
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let mut files = BTreeSet::new();
    let pods = fs::read_dir(ground.state_dir.join("containerd/state/io.containerd.runtime.v2.task/k8s.io")).unwrap();
    for bundle in pods.flatten() {
        let id = bundle.file_name().to_string_lossy().into_owned();
        files.extend(list("/var/lib/cni/results").into_iter().filter(|path| path.to_string_lossy().contains(&id)));
        let address = fs::read_to_string(bundle.path().join("address")).unwrap_or_default();
        files.extend(address.trim().strip_prefix("unix://").map(PathBuf::from));
    }
    let links = list("/var/log/containers").into_iter();
    files.extend(links.filter(|link| fs::read_link(link).is_ok_and(|target| target.starts_with(&ground.state_dir))));
    files
}
