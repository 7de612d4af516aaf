//! The three programs of a light ground and how they are told to run.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::{Api, Client};
use nix::sys::statvfs::statvfs;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::pki::{Authority, Certified, TokenKeys};
use crate::child::{Child, Launch, Sweeper};
use crate::tools::{SPARING, Tools};
use crate::wait;

/// How long each of the programs may take to come up before the ground is given up.
const LIMIT: Duration = Duration::from_secs(60);

/// The controllers that are real here. Namespaces must be emptied and finished, owner references followed, quota usage
/// counted (admission refuses while a quota has no status), the default ServiceAccount made, the finalizers that
/// admission puts on claims and volumes taken off, finished Jobs with a time to live removed, the ClusterRoles `view`,
/// `edit` and `admin` put together. Workloads and volumes are left to [`super::StatusDouble`].
const CONTROLLERS: &str = "namespace-controller,garbage-collector-controller,resourcequota-controller,\
                           serviceaccount-controller,persistentvolumeclaim-protection-controller,\
                           persistentvolume-protection-controller,ttl-after-finished-controller,\
                           clusterrole-aggregation-controller";

/// Running programs with their folder.
#[derive(Debug)]
pub(super) struct Ground {
    pub url: String,
    pub admin: Value,
    // Dropped in this order: programs first, then what they write to.
    pub controllers: Child,
    pub apiserver: Child,
    pub etcd: Child,
    pub folder: TempDir,
    _sweeper: Sweeper,
}

struct Ports {
    etcd: u16,
    peer: u16,
    apiserver: u16,
    controllers: u16,
}

impl Ground {
    /// Starts the programs on free ports and waits until the API answers and the controllers act.
    pub async fn start(tools: &Tools, authority: &Authority) -> Result<Self> {
        let folder =
            tempfile::Builder::new().prefix("steppe-light-").tempdir_in(base()).context("cannot make a folder")?;
        let sweeper = Sweeper::start(folder.path())?;
        let ports = Ports::free()?;
        let admin_certificate = authority.client("admin", "system:masters")?;
        write(folder.path(), authority)?;
        let url = format!("https://127.0.0.1:{}", ports.apiserver);
        let admin = kubeconfig(&url, &authority.pem(), &client_certificate(&admin_certificate));
        let path = folder.path().join("admin.kubeconfig");
        fs::write(&path, admin.to_string()).with_context(|| format!("cannot write {}", path.display()))?;
        let start = |name: &str, program: PathBuf, args: Vec<String>| {
            let wrapper = ["env", &format!("{}={}", SPARING.0, SPARING.1), "setpriv"].map(str::to_owned).to_vec();
            let launch = Launch { name: name.into(), program, args, wrapper, ..Launch::default() };
            Child::launch(&Launch { folder: folder.path().into(), ..launch })
        };
        let mut etcd = start("etcd", "etcd".into(), ports.etcd_args(folder.path()))?;
        let mut apiserver = start("kube-apiserver", tools.program("kube-apiserver"), ports.apiserver_args())?;
        let client = client(&admin).await?;
        wait::until("the API server to be ready", LIMIT, async || {
            etcd.must_run()?;
            apiserver.must_run()?;
            let answer = client.request_text(http::Request::get("/readyz").body(Vec::new())?).await?;
            Ok((answer == "ok").then_some(()))
        })
        .await?;
        let program = tools.program("kube-controller-manager");
        let mut controllers = start("kube-controller-manager", program, ports.controllers_args(&path))?;
        let accounts: Api<ServiceAccount> = Api::namespaced(client, "default");
        wait::until("the controllers to act", LIMIT, async || {
            controllers.must_run()?;
            Ok(accounts.get_opt("default").await?.map(|_| ()))
        })
        .await?;
        Ok(Self { url, admin, controllers, apiserver, etcd, folder, _sweeper: sweeper })
    }
}

impl Ports {
    /// Ports nobody listens on now. Somebody may in a moment, so the caller tries again when a program ends early.
    fn free() -> Result<Self> {
        let listeners = (0..4).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<std::io::Result<Vec<_>>>();
        let mut ports = Vec::new();
        for listener in listeners.context("no free port on 127.0.0.1")? {
            ports.push(listener.local_addr()?.port());
        }
        Ok(Self { etcd: ports[0], peer: ports[1], apiserver: ports[2], controllers: ports[3] })
    }

    fn etcd_args(&self, folder: &Path) -> Vec<String> {
        let client = format!("http://127.0.0.1:{}", self.etcd);
        let peer = format!("http://127.0.0.1:{}", self.peer);
        vec![
            format!("--data-dir={}", folder.join("etcd").display()),
            // Nothing here outlives the process, so nothing needs to reach a disk.
            "--unsafe-no-fsync".into(),
            format!("--listen-client-urls={client}"),
            format!("--advertise-client-urls={client}"),
            format!("--listen-peer-urls={peer}"),
            format!("--initial-advertise-peer-urls={peer}"),
            format!("--initial-cluster=default={peer}"),
            "--logger=zap".into(),
            "--log-level=error".into(),
        ]
    }

    fn apiserver_args(&self) -> Vec<String> {
        vec![
            format!("--etcd-servers=http://127.0.0.1:{}", self.etcd),
            "--bind-address=127.0.0.1".into(),
            "--advertise-address=127.0.0.1".into(),
            format!("--secure-port={}", self.apiserver),
            "--service-cluster-ip-range=10.96.0.0/16".into(),
            // Nobody resolves or dials the `kubernetes` Service here.
            "--endpoint-reconciler-type=none".into(),
            "--authorization-mode=Node,RBAC".into(),
            // Beside the default ones, which hold PodSecurity, ResourceQuota, LimitRanger and both kinds of policy.
            "--enable-admission-plugins=NodeRestriction".into(),
            "--allow-privileged=true".into(),
            "--client-ca-file=authority.crt".into(),
            "--tls-cert-file=apiserver.crt".into(),
            "--tls-private-key-file=apiserver.key".into(),
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local".into(),
            "--service-account-signing-key-file=tokens.key".into(),
            "--service-account-key-file=tokens.pub".into(),
            "--profiling=false".into(),
        ]
    }

    fn controllers_args(&self, kubeconfig: &Path) -> Vec<String> {
        vec![
            format!("--kubeconfig={}", kubeconfig.display()),
            format!("--controllers={CONTROLLERS}"),
            "--leader-elect=false".into(),
            "--bind-address=127.0.0.1".into(),
            format!("--secure-port={}", self.controllers),
            // The client's own limit of 20 a second would be what a hundred tenants wait for.
            "--kube-api-qps=1000".into(),
            "--kube-api-burst=2000".into(),
            "--profiling=false".into(),
        ]
    }
}

/// Memory, if the machine has a place with room enough for it (a container's `/dev/shm` often has 64 MiB, which is what
/// etcd takes for one log file), else the disk.
pub(crate) fn base() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let room = |folder: &Path| statvfs(folder).map(|space| space.blocks_available() * space.fragment_size());
    if room(memory).is_ok_and(|bytes| bytes >= 1 << 30) { memory.to_owned() } else { std::env::temp_dir() }
}

fn write(folder: &Path, authority: &Authority) -> Result<()> {
    let server = authority.server(&["kubernetes", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"])?;
    let tokens = TokenKeys::new()?;
    let files = [
        ("authority.crt", authority.pem()),
        ("apiserver.crt", server.certificate),
        ("apiserver.key", server.key),
        ("tokens.key", tokens.private),
        ("tokens.pub", tokens.public),
    ];
    for (name, text) in files {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn client_certificate(certified: &Certified) -> Value {
    json!({
        "client-certificate-data": BASE64_STANDARD.encode(&certified.certificate),
        "client-key-data": BASE64_STANDARD.encode(&certified.key),
    })
}

/// A kubeconfig as JSON, which is YAML as well.
pub(crate) fn kubeconfig(url: &str, authority: &str, user: &Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "light",
        "clusters": [{ "name": "light", "cluster": {
            "server": url, "certificate-authority-data": BASE64_STANDARD.encode(authority),
        } }],
        "users": [{ "name": "light", "user": user }],
        "contexts": [{ "name": "light", "context": { "cluster": "light", "user": "light" } }],
    })
}

/// The configuration of a client by a kubeconfig.
pub(crate) async fn config(kubeconfig: &Value) -> Result<kube::Config> {
    let kubeconfig = serde_json::from_value(kubeconfig.clone()).context("not a kubeconfig")?;
    let options = kube::config::KubeConfigOptions::default();
    kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.context("cannot use the kubeconfig")
}

/// A client by a kubeconfig. It belongs to the runtime it is made in.
pub(crate) async fn client(kubeconfig: &Value) -> Result<Client> {
    Client::try_from(config(kubeconfig).await?).context("cannot make a client")
}
