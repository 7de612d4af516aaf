//! From NetworkPolicies to what each pod may reach and be reached by. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use k8s_openapi::api::networking::v1::{NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::core::{Selector, SelectorExt};

use super::ranges::Ranges;

/// Labels of an object.
pub type Labels = BTreeMap<String, String>;

/// A transport protocol that a policy can name.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Protocol {
    /// The default.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// From the API's word; TCP when missing.
    pub fn parse(text: Option<&str>) -> Self {
        match text {
            Some("UDP") => Self::Udp,
            Some("SCTP") => Self::Sctp,
            _ => Self::Tcp,
        }
    }
}

/// A port that a pod's container declares.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Port {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Its protocol.
    pub protocol: Protocol,
    /// Its number.
    pub number: u16,
}

/// A pod with an address of its own.
#[derive(Clone, Debug)]
pub struct Pod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: Labels,
    /// Its address.
    pub ip: Ipv4Addr,
    /// The ports its containers declare.
    pub ports: Vec<Port>,
}

/// A process of the host that does a pod's job, such as DNS: a peer's selectors find it by these labels, and only its
/// own ports are opened, because its address is the node's.
#[derive(Clone, Debug)]
pub struct StandIn {
    /// The namespace that the pod would be in.
    pub namespace: String,
    /// The labels that the pod would have.
    pub labels: Labels,
    /// The process's address.
    pub ip: Ipv4Addr,
    /// The process's ports.
    pub ports: Vec<Port>,
}

/// All that decides who may talk to whom.
#[derive(Debug, Default)]
pub struct World {
    /// Pods with an address of their own that have not ended.
    pub pods: Vec<Pod>,
    /// Processes that do pods' jobs.
    pub stand_ins: Vec<StandIn>,
    /// Labels by namespace.
    pub namespaces: BTreeMap<String, Labels>,
    /// All policies.
    pub policies: Vec<Arc<NetworkPolicy>>,
}

/// Which ports an opening holds for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Ports {
    /// Every port and every protocol.
    Any,
    /// Protocol, first and last port.
    These(BTreeSet<(Protocol, u16, u16)>),
}

/// Peers that may talk on ports.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Opening {
    /// The addresses at the other end.
    pub peers: Ranges,
    /// The ports of the receiving end.
    pub ports: Ports,
}

/// A pod under some policy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Restricted {
    /// `namespace/name`.
    pub pod: String,
    /// Its address.
    pub ip: Ipv4Addr,
    /// Who may reach it; everybody when `None`.
    pub ingress: Option<Vec<Opening>>,
    /// Whom it may reach; everybody when `None`.
    pub egress: Option<Vec<Opening>>,
}

/// The pods that are under some policy, in order of namespace and name.
pub fn restrict(world: &World) -> Vec<Restricted> {
    let mut restricted: Vec<Restricted> = world.pods.iter().filter_map(|pod| restrict_pod(world, pod)).collect();
    restricted.sort_by(|a, b| a.pod.cmp(&b.pod));
    restricted
}

fn restrict_pod(world: &World, pod: &Pod) -> Option<Restricted> {
    let (mut ingress, mut egress) = (None, None);
    for policy in &world.policies {
        let Some(spec) = &policy.spec else { continue };
        if policy.metadata.namespace.as_deref() != Some(&pod.namespace)
            || !selects(spec.pod_selector.as_ref(), &pod.labels)
        {
            continue;
        }
        let types = spec.policy_types.as_deref().unwrap_or_default();
        let named = |kind: &str| types.iter().any(|name| name == kind);
        let has_egress = spec.egress.as_ref().is_some_and(|rules| !rules.is_empty());
        if named("Ingress") || types.is_empty() {
            let openings: &mut Vec<Opening> = ingress.get_or_insert_default();
            for rule in spec.ingress.iter().flatten() {
                openings.extend(into_pod(world, pod, rule.from.as_deref(), rule.ports.as_deref()));
            }
        }
        if named("Egress") || (types.is_empty() && has_egress) {
            let openings: &mut Vec<Opening> = egress.get_or_insert_default();
            for rule in spec.egress.iter().flatten() {
                openings.extend(out_of_pod(world, &pod.namespace, rule.to.as_deref(), rule.ports.as_deref()));
            }
        }
    }
    (ingress.is_some() || egress.is_some()).then(|| Restricted {
        pod: format!("{}/{}", pod.namespace, pod.name),
        ip: pod.ip,
        ingress,
        egress,
    })
}

/// Whether a selector matches; a missing one matches everything. The API server has checked the operators, so one that
/// cannot be read is of a later version; it matches nothing.
fn selects(selector: Option<&LabelSelector>, labels: &Labels) -> bool {
    selector.is_none_or(|selector| Selector::try_from(selector.clone()).is_ok_and(|parsed| parsed.matches(labels)))
}

/// The peers of one rule, resolved.
struct Peers<'a> {
    blocks: Ranges,
    pods: Vec<&'a Pod>,
    stand_ins: Vec<&'a StandIn>,
}

impl<'a> Peers<'a> {
    fn of(world: &'a World, namespace: &str, peers: Option<&[NetworkPolicyPeer]>) -> Self {
        let Some(peers) = peers.filter(|peers| !peers.is_empty()) else {
            // The node is in "all" already; of stand-ins only named ports would be left to open.
            return Self { blocks: Ranges::all(), pods: world.pods.iter().collect(), stand_ins: Vec::new() };
        };
        let mut blocks = Ranges::none();
        for block in peers.iter().filter_map(|peer| peer.ip_block.as_ref()) {
            // An IPv6 block holds no IPv4 address.
            let mut except = Ranges::none();
            for cidr in block.except.iter().flatten() {
                except.add(&Ranges::cidr(cidr).unwrap_or_default());
            }
            blocks.add(&Ranges::cidr(&block.cidr).unwrap_or_default().without(&except));
        }
        let chosen = |of: &str, labels: &Labels| {
            peers.iter().filter(|peer| peer.ip_block.is_none()).any(|peer| match &peer.namespace_selector {
                None => of == namespace && selects(peer.pod_selector.as_ref(), labels),
                Some(selector) => {
                    let of = world.namespaces.get(of);
                    of.is_some_and(|of| selects(Some(selector), of)) && selects(peer.pod_selector.as_ref(), labels)
                }
            })
        };
        Self {
            blocks,
            pods: world.pods.iter().filter(|pod| chosen(&pod.namespace, &pod.labels)).collect(),
            stand_ins: world.stand_ins.iter().filter(|it| chosen(&it.namespace, &it.labels)).collect(),
        }
    }

    fn ranges(&self) -> Ranges {
        let mut all = self.blocks.clone();
        for pod in &self.pods {
            all.add(&Ranges::one(pod.ip));
        }
        all
    }
}

/// What one ingress rule opens on `pod`.
fn into_pod(
    world: &World,
    pod: &Pod,
    from: Option<&[NetworkPolicyPeer]>,
    ports: Option<&[NetworkPolicyPort]>,
) -> Option<Opening> {
    let peers = Peers::of(world, &pod.namespace, from).ranges();
    let ports = match ports.filter(|ports| !ports.is_empty()) {
        None => Ports::Any,
        Some(ports) => Ports::These(ports.iter().flat_map(|port| resolve(port, &pod.ports)).collect()),
    };
    opening(peers, ports)
}

/// What one egress rule opens for the pods of a namespace.
fn out_of_pod(
    world: &World,
    namespace: &str,
    to: Option<&[NetworkPolicyPeer]>,
    ports: Option<&[NetworkPolicyPort]>,
) -> Vec<Opening> {
    let peers = Peers::of(world, namespace, to);
    let ports = ports.filter(|ports| !ports.is_empty());
    let mut openings = Vec::new();
    match ports {
        None => openings.extend(opening(peers.ranges(), Ports::Any)),
        Some(ports) => {
            let numbers = ports.iter().flat_map(|port| resolve(port, &[])).collect();
            openings.extend(opening(peers.ranges(), Ports::These(numbers)));
            openings.extend(named(&peers, ports));
        }
    }
    for it in &peers.stand_ins {
        let own = it.ports.iter().filter(|own| ports.is_none_or(|ports| ports.iter().any(|port| holds(port, own))));
        let own = own.map(|own| (own.protocol, own.number, own.number)).collect();
        openings.extend(opening(Ranges::one(it.ip), Ports::These(own)));
    }
    openings
}

/// Named ports of an egress rule: resolved on each pod at the other end, pods with the same number together.
fn named(peers: &Peers<'_>, ports: &[NetworkPolicyPort]) -> Vec<Opening> {
    let mut by_port: BTreeMap<(Protocol, u16, u16), Ranges> = BTreeMap::new();
    for port in ports.iter().filter(|port| matches!(port.port, Some(IntOrString::String(_)))) {
        for pod in &peers.pods {
            for resolved in resolve(port, &pod.ports) {
                by_port.entry(resolved).or_default().add(&Ranges::one(pod.ip));
            }
        }
    }
    let single = |(port, peers)| Opening { peers, ports: Ports::These(BTreeSet::from([port])) };
    by_port.into_iter().map(single).collect()
}

fn opening(peers: Ranges, ports: Ports) -> Option<Opening> {
    let nothing = peers.is_empty() || matches!(&ports, Ports::These(these) if these.is_empty());
    (!nothing).then_some(Opening { peers, ports })
}

/// The numbers that a policy's port stands for on a pod with the declared ports `own`.
fn resolve(port: &NetworkPolicyPort, own: &[Port]) -> Vec<(Protocol, u16, u16)> {
    let protocol = Protocol::parse(port.protocol.as_deref());
    let number = |number: i32| u16::try_from(number).ok();
    match &port.port {
        None => vec![(protocol, 0, u16::MAX)],
        Some(IntOrString::Int(first)) => {
            let last = port.end_port.unwrap_or(*first);
            number(*first).zip(number(last)).map(|(first, last)| (protocol, first, last)).into_iter().collect()
        }
        Some(IntOrString::String(name)) => own
            .iter()
            .filter(|own| own.protocol == protocol && own.name.as_ref() == Some(name))
            .map(|own| (protocol, own.number, own.number))
            .collect(),
    }
}

/// Whether a policy's port includes a declared one.
fn holds(port: &NetworkPolicyPort, own: &Port) -> bool {
    resolve(port, std::slice::from_ref(own))
        .iter()
        .any(|&(protocol, first, last)| protocol == own.protocol && (first..=last).contains(&own.number))
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
