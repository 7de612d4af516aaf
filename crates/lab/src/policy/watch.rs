//! Keeps the nftables table in step with pods, namespaces and policies.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use k8s_openapi::api::core::v1::{Namespace, Pod};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::runtime::reflector::Store;
use kube::{Api, Client};
use tracing::{info, warn};

use super::rules::{self, Port, Protocol, World};
use super::{Params, TABLE, load, table};
use crate::node::Ground;
use crate::objects::{Changes, drain, follow};

/// Changes closer together than this are applied together.
const DEBOUNCE: Duration = Duration::from_millis(50);
/// The table is loaded anew after this time even without a change: somebody may have removed it.
const RESYNC: Duration = Duration::from_secs(30);

/// Enforces until cancelled. Ends only with an error.
pub async fn run(ground: &Ground, client: Client) -> Result<()> {
    let params = Params::of(ground);
    let changes = Changes::default();
    let (pods, pod_events) = follow::<Pod>(Api::all(client.clone()), &changes);
    let (namespaces, namespace_events) = follow::<Namespace>(Api::all(client.clone()), &changes);
    let (policies, policy_events) = follow::<NetworkPolicy>(Api::all(client), &changes);
    let stores = Stores { pods, namespaces, policies };
    let watches = async { tokio::join!(drain(pod_events), drain(namespace_events), drain(policy_events)) };
    tokio::select! {
        _ = watches => bail!("the watches of pods, namespaces and policies have ended"),
        result = stores.enforce(&params, &changes) => result,
    }
}

struct Stores {
    pods: Store<Pod>,
    namespaces: Store<Namespace>,
    policies: Store<NetworkPolicy>,
}

impl Stores {
    async fn enforce(&self, params: &Params, changes: &Changes) -> Result<()> {
        let gone = "a watch ended before its first list";
        self.pods.wait_until_ready().await.context(gone)?;
        self.namespaces.wait_until_ready().await.context(gone)?;
        self.policies.wait_until_ready().await.context(gone)?;
        let mut loaded = String::new();
        let mut due = true;
        loop {
            let text = table::render(TABLE, &rules::restrict(&self.world(params)));
            let changed = text != loaded;
            let mut pause = RESYNC;
            if changed || due {
                match load(params, &text).await {
                    Ok(()) if changed => info!(bytes = text.len(), "network policies loaded"),
                    Ok(()) => {}
                    Err(error) => {
                        warn!("{error:#}");
                        pause = Duration::from_secs(1);
                    }
                }
                loaded = text;
            }
            due = !changes.settle(DEBOUNCE, pause).await;
        }
    }

    fn world(&self, params: &Params) -> World {
        let labels = |namespace: Arc<Namespace>| {
            let name = namespace.metadata.name.clone()?;
            Some((name, namespace.metadata.labels.clone().unwrap_or_default()))
        };
        let mut policies = self.policies.state();
        policies
            .sort_by(|a, b| (&a.metadata.namespace, &a.metadata.name).cmp(&(&b.metadata.namespace, &b.metadata.name)));
        World {
            pods: self.pods.state().iter().filter_map(|pod| view(pod)).collect(),
            stand_ins: params.stand_ins.clone(),
            namespaces: self.namespaces.state().into_iter().filter_map(labels).collect::<BTreeMap<_, _>>(),
            policies,
        }
    }
}

/// A pod as policies see it; `None` while it has no address of its own, and when it has given it back.
fn view(pod: &Pod) -> Option<rules::Pod> {
    let (spec, status) = (pod.spec.as_ref()?, pod.status.as_ref()?);
    if spec.host_network == Some(true) || matches!(status.phase.as_deref(), Some("Succeeded" | "Failed")) {
        return None;
    }
    let containers = spec.containers.iter().chain(spec.init_containers.iter().flatten());
    let port = |port: &k8s_openapi::api::core::v1::ContainerPort| {
        Some(Port {
            name: port.name.clone(),
            protocol: Protocol::parse(port.protocol.as_deref()),
            number: u16::try_from(port.container_port).ok()?,
        })
    };
    Some(rules::Pod {
        namespace: pod.metadata.namespace.clone()?,
        name: pod.metadata.name.clone()?,
        labels: pod.metadata.labels.clone().unwrap_or_default(),
        ip: status.pod_ip.as_ref()?.parse().ok()?,
        ports: containers.flat_map(|container| container.ports.iter().flatten()).filter_map(port).collect(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(phase: &str, host_network: bool) -> Pod {
        serde_json::from_value(json!({
            "metadata": {"name": "p", "namespace": "n", "labels": {"a": "b"}},
            "spec": {"hostNetwork": host_network, "containers": [
                {"name": "c", "ports": [{"name": "web", "containerPort": 8001}, {"containerPort": 53, "protocol": "UDP"}]}]},
            "status": {"phase": phase, "podIP": "10.244.0.7"},
        }))
        .unwrap()
    }

    #[test]
    fn a_running_pod_is_seen_with_its_ports() {
        let seen = view(&pod("Running", false)).unwrap();
        assert_eq!(seen.ip.to_string(), "10.244.0.7");
        assert_eq!(seen.ports[1], Port { name: None, protocol: Protocol::Udp, number: 53 });
    }

    #[test]
    fn ended_pods_and_pods_of_the_host_network_have_no_address_of_their_own() {
        assert!(view(&pod("Succeeded", false)).is_none());
        assert!(view(&pod("Failed", false)).is_none());
        assert!(view(&pod("Running", true)).is_none());
    }
}
