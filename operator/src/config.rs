//! What the operator is told at its start. Read once, by clap, in `main`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

/// Options of `steppe-operator run`.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Label selector: only objects of ours that match are reconciled. For canaries and for tests that share a cluster.
    #[arg(long, env = "STEPPE_SELECTOR")]
    pub selector: Option<String>,
    /// Tenants' namespaces are called this, followed by the instance's name.
    #[arg(long, env = "STEPPE_NAMESPACE_PREFIX", default_value = "steppe-t-")]
    pub namespace_prefix: String,
    /// The namespace of the platform's own programs.
    #[arg(long, env = "STEPPE_SYSTEM_NAMESPACE", default_value = crd::labels::SYSTEM_NAMESPACE)]
    pub system_namespace: String,
    /// The ServiceAccount that the operator runs as, in the system namespace; it gets its rights in tenants' namespaces.
    #[arg(long, env = "STEPPE_SERVICE_ACCOUNT", default_value = "steppe-operator")]
    pub service_account: String,
    /// The cluster's DNS domain.
    #[arg(long, env = "STEPPE_CLUSTER_DOMAIN", default_value = "cluster.local")]
    pub cluster_domain: String,
    /// The operator's own image, which tenants' jobs run.
    #[arg(long, env = "STEPPE_IMAGE", default_value = "steppe-operator:dev")]
    pub image: String,
    /// The name of this replica, as holder of the lease and in events; the pod's name.
    #[arg(long, env = "STEPPE_REPLICA", default_value = "steppe-operator")]
    pub replica: String,
    /// Reconcile only while holding the lease `steppe-operator` in the system namespace.
    #[arg(long, env = "STEPPE_LEADER_ELECT")]
    pub leader_elect: bool,
    /// Where `/healthz`, `/readyz` and `/metrics` are served.
    #[arg(long, env = "STEPPE_LISTEN", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,
    /// How many objects of a kind are reconciled at once.
    #[arg(long, env = "STEPPE_CONCURRENCY", default_value_t = 16)]
    pub concurrency: u16,
    /// Every object is looked at again after this time even when nothing happened.
    #[arg(long, env = "STEPPE_RESYNC", default_value = "600", value_parser = seconds)]
    pub resync: Duration,
    /// How often an identity Secret, which cannot be watched, is looked at.
    #[arg(long, env = "STEPPE_IDENTITY_CHECK", default_value = "600", value_parser = seconds)]
    pub identity_check: Duration,
    /// How often a server is probed that is ready; one that is not, ten times as often.
    #[arg(long, env = "STEPPE_PROBE_EVERY", default_value = "30", value_parser = seconds)]
    pub probe_every: Duration,
    /// How many probes run at once.
    #[arg(long, env = "STEPPE_PROBES", default_value_t = 32)]
    pub probes: usize,
    /// Where the grants endpoint for export jobs is served.
    #[arg(long, env = "STEPPE_GRANTS_LISTEN", default_value = "0.0.0.0:8443")]
    pub grants_listen: SocketAddr,
    /// The grants endpoint as export jobs reach it; by default the Service `steppe-operator-grants`.
    #[arg(long, env = "STEPPE_GRANTS_URL")]
    pub grants_url: Option<String>,
    /// Folder with the platform's keys: `signing.pem` (Ed25519, PKCS #8) and `wrapping.txt` (age identity).
    #[arg(long, env = "STEPPE_KEYS_DIR", default_value = "/etc/steppe/keys")]
    pub keys_dir: PathBuf,
    /// Folder with the object store's credentials: `access-key` and `secret-key`.
    #[arg(long, env = "STEPPE_STORE_DIR", default_value = "/etc/steppe/store")]
    pub store_dir: PathBuf,
}

impl Config {
    /// The namespace of the tenant with this instance name.
    #[must_use]
    pub fn namespace(&self, instance: &str) -> String {
        format!("{}{instance}", self.namespace_prefix)
    }

    /// The host of the cell's 503 page.
    #[must_use]
    pub fn holding_host(&self) -> String {
        format!("steppe-holding.{}.svc.{}", self.system_namespace, self.cluster_domain)
    }

    /// The base URL at which export jobs reach the grants endpoint.
    #[must_use]
    pub fn grants_url(&self) -> String {
        self.grants_url
            .clone()
            .unwrap_or_else(|| format!("https://steppe-operator-grants.{}.svc:8443", self.system_namespace))
    }
}

impl Default for Config {
    /// The same values as on the command line; only the ports are free ones, so that several can run in one process.
    fn default() -> Self {
        Self {
            selector: None,
            namespace_prefix: "steppe-t-".to_owned(),
            system_namespace: crd::labels::SYSTEM_NAMESPACE.to_owned(),
            service_account: "steppe-operator".to_owned(),
            cluster_domain: "cluster.local".to_owned(),
            image: "steppe-operator:dev".to_owned(),
            replica: "steppe-operator".to_owned(),
            leader_elect: false,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            concurrency: 16,
            resync: Duration::from_secs(600),
            identity_check: Duration::from_secs(600),
            probe_every: Duration::from_secs(30),
            probes: 32,
            grants_listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            grants_url: None,
            keys_dir: PathBuf::from("/etc/steppe/keys"),
            store_dir: PathBuf::from("/etc/steppe/store"),
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let value: f64 = text.parse().map_err(|_| format!("{text:?} is not a number of seconds"))?;
    Duration::try_from_secs_f64(value).map_err(|error| error.to_string())
}
