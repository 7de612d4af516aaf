//! Network policy double: enforces `networking.k8s.io/v1` NetworkPolicies for the pods of one node by nftables. It does
//! the job of the policy agent that a real cluster has and ours cannot get (the CNI plugins of Debian do not enforce).
//!
//! The contract, quoted from kubernetes.io/docs/concepts/services-networking/network-policies (v1.35), and where each
//! sentence lives in the code ([`rules`] unless said otherwise):
//!
//! 1. "By default, a pod is non-isolated for egress; all outbound connections are allowed. A pod is isolated for egress
//!    if there is any NetworkPolicy that both selects the pod and has "Egress" in its policyTypes"; the same for
//!    ingress. Without policyTypes "the default is Ingress", and Egress too "if the policy has any egress rules" (API
//!    reference, NetworkPolicySpec).
//! 2. "When a pod is isolated for egress, the only allowed connections from the pod are those allowed by the egress
//!    list of some NetworkPolicy that applies to the pod for egress. Reply traffic for those allowed connections will
//!    also be implicitly allowed. The effects of those egress lists combine additively"; the same for ingress.
//! 3. "For a connection from a source pod to a destination pod to be allowed, both the egress policy on the source pod
//!    and the ingress policy on the destination pod need to allow the connection." ([`table`]: two maps, one behind the
//!    other.)
//! 4. Into an isolated pod, connections "from the pod's node" are always allowed: such packets pass only nftables'
//!    output hook, where we have no chain, or come from the host by the ground's own link. The other way round, pod to node, falls under the egress list: the page says
//!    in one place that traffic to the node is always allowed and in another that egress lists have no exception; we
//!    take the strict reading, so that kubelet's and the API server's ports are not open to every pod.
//! 5. "A Pod cannot block access to itself": its own address is always allowed.
//! 6. `from`/`to` with both namespaceSelector and podSelector in one element mean both; in two elements either. A
//!    podSelector alone selects in the policy's own namespace. "If this field is empty or missing, this rule matches
//!    all sources" (destinations, ports). An empty selector selects everything, a null podSelector of a policy all pods.
//! 7. ipBlock "describes a particular CIDR … The except entry describes CIDRs that should not be included within this
//!    rule" ([`ranges`]). Pods' addresses match it too. The destination is compared after the Service's address was
//!    rewritten, which the page leaves open ("it is not defined whether this happens before or after").
//! 8. A named port is resolved on the pod that receives the connection; `endPort` makes a range; the protocol is TCP
//!    when missing.
//! 9. Pods of the host network have the node's address and are neither restricted nor selected as peers (the page
//!    leaves that open).
//!
//! What it does not do: a pod is covered only when its address is in its status and has been seen here, some tens of
//! milliseconds after its sandbox got it (CNI agents close that gap); connections that stand when a rule appears live
//! on; IPv6 from pods is dropped as a whole, because our pods have none. Refused connections are answered (TCP
//! reset, else ICMP administratively prohibited) instead of dropped, so that tests do not wait for time-outs.

pub mod ranges;
pub mod rules;
pub mod table;
pub mod watch;

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::node::Ground;
use crate::node::namespace::Namespace;
use crate::wait;
use rules::{Labels, Port, Protocol, StandIn};

/// The nftables table (family inet) in the ground's network namespace.
const TABLE: &str = "steppe_np";
/// The namespace that host processes are taken to be in, but for DNS.
pub const STAND_IN_NAMESPACE: &str = "steppe-lab";

/// What the enforcer must know of its ground.
#[derive(Clone, Debug)]
pub struct Params {
    /// The ground's network namespace.
    netns: PathBuf,
    /// Processes of the node that do the job of pods and are selected like them.
    stand_ins: Vec<StandIn>,
    /// The text that was loaded last.
    loaded: PathBuf,
}

impl Params {
    /// Those of `ground`.
    ///
    /// Peers' selectors find its DNS server as in most clusters (namespace `kube-system`, label `k8s-app: kube-dns`),
    /// its ingress and object store in [`STAND_IN_NAMESPACE`] by `app.kubernetes.io/name: ingress` and `store`.
    pub fn of(ground: &Ground) -> Self {
        let ports = &ground.ports;
        let port = |name: &str, protocol, number| Port { name: Some(name.into()), protocol, number };
        let stand_in = |namespace: &str, key: &str, value: &str, ports: Vec<Port>| StandIn {
            namespace: namespace.into(),
            labels: Labels::from([(key.into(), value.into())]),
            ip: ground.addresses.node_ip,
            ports,
        };
        let name = "app.kubernetes.io/name";
        let dns = vec![port("dns", Protocol::Udp, ports.dns), port("dns-tcp", Protocol::Tcp, ports.dns)];
        let web = vec![port("http", Protocol::Tcp, ports.http), port("https", Protocol::Tcp, ports.https)];
        Self {
            netns: ground.netns.clone(),
            stand_ins: vec![
                stand_in("kube-system", "k8s-app", "kube-dns", dns),
                stand_in(STAND_IN_NAMESPACE, name, "ingress", web),
                stand_in(STAND_IN_NAMESPACE, name, "store", vec![port("s3", Protocol::Tcp, ports.s3)]),
            ],
            loaded: ground.state_dir.join("policy/loaded.nft"),
        }
    }
}

/// Replaces the table in one transaction and records the text.
async fn load(params: &Params, text: &str) -> Result<()> {
    nft(params, text).await.context("cannot load the network policies")?;
    let fresh = params.loaded.with_extension("new");
    let folder = params.loaded.parent().context("the record of network policies has no folder")?;
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&fresh, text))
        .and_then(|()| std::fs::rename(&fresh, &params.loaded))
        .with_context(|| format!("cannot write {}", params.loaded.display()))
}

/// Removes the table: nothing is restricted any more. A table that is not there is no error. The watcher must have been
/// stopped before.
pub async fn remove(ground: &Ground) -> Result<()> {
    let params = Params::of(ground);
    let text = format!("table inet {TABLE}\ndelete table inet {TABLE}\n");
    nft(&params, &text).await.context("cannot remove the network policies")?;
    match std::fs::remove_file(&params.loaded) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", params.loaded.display()))
        }
        _ => Ok(()),
    }
}

/// Waits until the loaded rules know the pod at `ip`: from then on its policies hold. For tests of isolation.
pub async fn covers(ground: &Ground, ip: Ipv4Addr, limit: Duration) -> Result<()> {
    let record = Params::of(ground).loaded;
    wait::until(&format!("network policies to cover {ip}"), limit, async || {
        let text = std::fs::read_to_string(&record).with_context(|| format!("cannot read {}", record.display()))?;
        Ok(table::knows(&text, ip).then_some(()))
    })
    .await
}

async fn nft(params: &Params, text: &str) -> Result<()> {
    let mut command = Command::from(Namespace::at(&params.netns).command("nft"));
    command.args(["-f", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().context("cannot run nft: install the package nftables")?;
    let mut stdin = child.stdin.take().context("nft has no input")?;
    stdin.write_all(text.as_bytes()).await.context("cannot write to nft")?;
    drop(stdin);
    let output = child.wait_with_output().await.context("cannot wait for nft")?;
    if !output.status.success() {
        bail!("nft refused ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
