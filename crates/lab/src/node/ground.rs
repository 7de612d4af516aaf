//! What a ground is: its names, addresses and files, kept in `ground.json` so that any later command finds it.

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::cidr::Cidr;
use super::sysctl::Kernel;
use crate::process::Processes;

/// The folder that holds the state folder of each ground of this machine.
pub const BASE: &str = "/var/lib/steppe-lab";

/// The wish for a ground.
#[derive(Clone, Debug)]
pub struct Config {
    /// Lower-case letters, digits and dashes, at most 11 characters: it becomes part of interface and cgroup names.
    pub name: String,
    /// The folder with everything the ground has. It is removed with the ground. Short: sockets lie in it.
    pub state_dir: PathBuf,
    /// The tenants' zone. Never below `localhost`: libcurl maps all of that to loopback inside a pod.
    pub zone: String,
    /// Addresses to use instead of the first free ones.
    pub addresses: Option<Addresses>,
    /// Whether to go on with the data of a ground that was stopped.
    pub keep: bool,
    /// Whether only the node is wanted, without DNS, volumes, object store, ingress, policies and images.
    pub bare: bool,
    /// The program `steppe-lab`, which the ground runs to follow the cluster's objects; if `None`, the one beside the
    /// running program.
    pub lab: Option<PathBuf>,
}

impl Config {
    /// The usual wish for a ground called `name`.
    pub fn named(name: &str) -> Result<Self> {
        ensure!(fits(name), "{name:?} cannot name a ground: take 1 to 11 lower-case letters, digits and dashes");
        Ok(Self {
            name: name.into(),
            state_dir: Path::new(BASE).join(name),
            zone: "steppe.test".into(),
            addresses: None,
            keep: false,
            bare: false,
            lab: None,
        })
    }
}

/// Whether interfaces and cgroups can be called after `name`.
fn fits(name: &str) -> bool {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=11).contains(&name.len()) && name.chars().all(good) && !name.starts_with('-')
}

/// The addresses of a ground. Each ground has a network namespace of its own, joined to the host by one pair of
/// interfaces, so the ports never collide; only these ranges must be free on the machine.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Addresses {
    /// The node: API server, kubelet, DNS, ingress and object store listen here, for pods and for the host alike.
    pub node_ip: Ipv4Addr,
    /// The host's end of the link. Programs on the host are seen with this address, and pods reach the host by it.
    pub host_ip: Ipv4Addr,
    /// The pods' range; `node_ip` and `host_ip` lie in it.
    pub pod_cidr: Cidr,
    /// The Services' range.
    pub service_cidr: Cidr,
}

impl Addresses {
    /// The addresses made of one pod range and one service range.
    pub fn of(pod_cidr: Cidr, service_cidr: Cidr) -> Self {
        Self { node_ip: pod_cidr.nth(1), host_ip: pod_cidr.nth(2), pod_cidr, service_cidr }
    }
}

/// The ports the ground's programs listen on, all at `node_ip` unless said otherwise. They are the usual ones in every
/// ground, because each has its own network namespace.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ports {
    /// The API server.
    pub apiserver: u16,
    /// The kubelet.
    pub kubelet: u16,
    /// etcd, on the namespace's loopback only.
    pub etcd: u16,
    /// DNS, TCP and UDP.
    pub dns: u16,
    /// DNS server's health.
    pub dns_health: u16,
    /// DNS server's readiness.
    pub dns_ready: u16,
    /// Ingress, plain.
    pub http: u16,
    /// Ingress, TLS.
    pub https: u16,
    /// Object store.
    pub s3: u16,
    /// The object store's administration.
    pub s3_admin: u16,
    /// PostgreSQL.
    pub postgres: u16,
    /// Mails come in.
    pub smtp: u16,
    /// Mails are read.
    pub mails: u16,
    /// The control plane's pages, for customers and for staff by name, TLS.
    pub dashboard: u16,
    /// Behind it, on the namespace's loopback only: what customers see.
    pub customers: u16,
    /// The same, what staff see.
    pub staff: u16,
    /// How the control plane's worker is.
    pub worker: u16,
}

impl Default for Ports {
    fn default() -> Self {
        Self {
            apiserver: 6443,
            kubelet: 10250,
            etcd: 2379,
            dns: 53,
            dns_health: 8181,
            dns_ready: 8182,
            http: 80,
            https: 443,
            s3: 7070,
            s3_admin: 7071,
            postgres: 5432,
            smtp: 1025,
            mails: 8025,
            dashboard: 8443,
            customers: 8080,
            staff: 8081,
            worker: 8082,
        }
    }
}

/// A ground that is up, or was.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ground {
    /// Its name.
    pub name: String,
    /// The folder with everything it has.
    pub state_dir: PathBuf,
    /// The name of the one node.
    pub node_name: String,
    /// Its addresses.
    #[serde(flatten)]
    pub addresses: Addresses,
    /// The ClusterIP of DNS.
    pub dns_ip: Ipv4Addr,
    /// The tenants' zone.
    pub zone: String,
    /// The ports at `node_ip`.
    pub ports: Ports,
    /// The administrator's kubeconfig (`system:masters`).
    pub kubeconfig: PathBuf,
    /// The program kubectl, of the cluster's version.
    pub kubectl: PathBuf,
    /// The certificate of the private CA that the ingress serves the zone with; PEM.
    pub root_crt: PathBuf,
    /// The key of that CA; PEM.
    pub root_key: PathBuf,
    /// The address the zone's names resolve to.
    pub ingress_ip: Ipv4Addr,
    /// The object store, for pods and host alike.
    pub s3_endpoint: String,
    /// The object store's administration.
    pub s3_admin_endpoint: String,
    /// The object store's administrator: `{"access_key","secret_key"}`.
    pub s3_admin_keys: PathBuf,
    /// The network namespace: use it through [`Ground::processes`] or [`super::namespace::Namespace`].
    pub netns: PathBuf,
    /// The host's interface of the link to the ground.
    pub interface: String,
    /// The cgroup of all its pods, below each controller.
    pub cgroup: String,
    /// containerd's socket.
    pub containerd: PathBuf,
    /// Kernel settings as they were before any ground was up; the last ground that goes puts them back.
    pub before: Kernel,
}

impl Ground {
    /// The ground that `config` and `addresses` make.
    pub fn new(config: &Config, addresses: Addresses, kubectl: PathBuf, before: Kernel) -> Self {
        let state = &config.state_dir;
        let ports = Ports::default();
        let node = addresses.node_ip;
        Self {
            name: config.name.clone(),
            node_name: "node1".into(),
            dns_ip: addresses.service_cidr.nth(10),
            zone: config.zone.clone(),
            kubeconfig: state.join("admin.kubeconfig"),
            root_crt: state.join("pki/root.crt"),
            root_key: state.join("pki/root.key"),
            ingress_ip: node,
            s3_endpoint: format!("http://{node}:{}", ports.s3),
            s3_admin_endpoint: format!("http://{node}:{}", ports.s3_admin),
            s3_admin_keys: state.join("store/admin.json"),
            netns: state.join("netns"),
            interface: format!("stp-{}", config.name),
            cgroup: format!("steppe-{}", config.name),
            containerd: state.join("containerd.sock"),
            state_dir: state.clone(),
            kubectl,
            addresses,
            ports,
            before,
        }
    }

    /// Where a ground's description lies.
    pub fn file(state_dir: &Path) -> PathBuf {
        state_dir.join("ground.json")
    }

    /// The ground of that state folder; `None` if there is none.
    pub fn load(state_dir: &Path) -> Result<Option<Self>> {
        let path = Self::file(state_dir);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        let ground = serde_json::from_slice(&text);
        Ok(Some(ground.with_context(|| format!("{} does not describe a ground", path.display()))?))
    }

    /// The ground of `config` for taking it away: also when its folder holds no description, or one of another version.
    pub fn recover(config: &Config) -> Result<Option<Self>> {
        if let Ok(found @ Some(_)) = Self::load(&config.state_dir) {
            return Ok(found);
        }
        if !config.state_dir.exists() {
            return Ok(None);
        }
        let text = fs::read(Self::file(&config.state_dir)).unwrap_or_default();
        let json: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
        let before = serde_json::from_value(json["before"].clone()).unwrap_or_default();
        // All names come from the ground's own; taking away needs no addresses.
        let nowhere = Cidr::of(Ipv4Addr::UNSPECIFIED, 32);
        Ok(Some(Self::new(config, Addresses::of(nowhere, nowhere), PathBuf::new(), before)))
    }

    /// Writes the description, whole or not at all.
    pub fn save(&self) -> Result<()> {
        let path = Self::file(&self.state_dir);
        let fresh = path.with_extension("json.new");
        fs::write(&fresh, serde_json::to_vec_pretty(self)?)
            .and_then(|()| fs::rename(&fresh, &path))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// All grounds of this machine that can be read, by their descriptions in [`BASE`].
    pub fn all() -> Vec<Self> {
        let folders = fs::read_dir(BASE).into_iter().flatten().flatten();
        folders.filter_map(|folder| Self::load(&folder.path()).ok().flatten()).collect()
    }

    /// The ground's programs. What is started here runs in the ground's network namespace.
    pub fn processes(&self) -> Processes {
        Processes::at(&self.state_dir)
    }

    /// A client with the administrator's rights.
    pub async fn client(&self) -> Result<kube::Client> {
        super::kubeconfig::client(&self.kubeconfig).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ground_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Ground::load(folder.path()).unwrap().is_none());
        let config = Config { state_dir: folder.path().into(), ..Config::named("a").unwrap() };
        let addresses = Addresses::of("10.244.3.0/24".parse().unwrap(), "10.99.0.0/16".parse().unwrap());
        let ground = Ground::new(&config, addresses, "/bin/true".into(), Kernel::default());
        ground.save().unwrap();
        let again = Ground::load(folder.path()).unwrap().unwrap();
        assert_eq!(again.addresses, addresses);
        assert_eq!(again.dns_ip, Ipv4Addr::new(10, 99, 0, 10));
        assert_eq!(again.s3_endpoint, "http://10.244.3.1:7070");
    }

    #[test]
    fn a_ground_of_another_version_can_be_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let state_dir = folder.path().join("a");
        let config = Config { state_dir: state_dir.clone(), ..Config::named("a").unwrap() };
        assert!(Ground::recover(&config).unwrap().is_none());
        fs::create_dir(&state_dir).unwrap();
        let ground = Ground::recover(&config).unwrap().unwrap();
        assert_eq!(ground.netns, state_dir.join("netns"));
        let text = r#"{"name": "a", "before": {"vm/panic_on_oom": "7"}}"#;
        fs::write(Ground::file(&state_dir), text).unwrap();
        assert!(Ground::load(&state_dir).is_err());
        let ground = Ground::recover(&config).unwrap().unwrap();
        assert_eq!(serde_json::to_value(&ground.before).unwrap()["vm/panic_on_oom"], "7");
    }

    #[test]
    fn names_fit_an_interface() {
        assert!(Config::named("steppe").is_ok() && Config::named("abcdefghijk").is_ok());
        for bad in ["", "abcdefghijkl", "Dev", "-a", "a/b", "a b"] {
            assert!(Config::named(bad).is_err(), "{bad}");
        }
    }
}
