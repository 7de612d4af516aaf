//! NetworkPolicies between real pods.

use std::net::Ipv4Addr;
use std::time::Duration;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::Api;
use lab::{objects, policy, wait};
use serde_json::{Value, json};

use super::ground::{Place, by_target, place};

const A: &str = "policy-a";
const B: &str = "policy-b";

/// A pod that serves on TCP and UDP 8080.
async fn server(place: &Place, namespace: &str) -> Ipv4Addr {
    let image = place.images.probe.pinned();
    place.pod(namespace, "server", &image, &["serve", "tcp:8080", "udp:8080", "tcp:9090"], json!({})).await.unwrap();
    let services = Api::<Service>::namespaced(place.client.clone(), namespace);
    let service = json!({"metadata": {"name": "server"}, "spec": {"selector": {"app": "server"}, "ports": [
        {"name": "tcp", "port": 80, "targetPort": 8080}, {"name": "udp", "port": 80, "protocol": "UDP", "targetPort": 8080}]}});
    objects::apply(&services, service).await.unwrap();
    place.running(namespace, "server").await.unwrap()
}

async fn apply(place: &Place, namespace: &str, name: &str, spec: Value) {
    let policies = Api::<NetworkPolicy>::namespaced(place.client.clone(), namespace);
    objects::apply(&policies, json!({"metadata": {"name": name}, "spec": spec})).await.unwrap();
}

/// What the pod `server` in `namespace` gets from each target.
async fn sees<const N: usize>(place: &Place, namespace: &str, targets: [&str; N]) -> [String; N] {
    let args = [&["/bin/steppe-probe", "check", "-timeout", "1s"][..], &targets].concat();
    let outcomes = by_target(&place.exec(namespace, "server", &args).await.unwrap()).unwrap();
    targets.map(|target| outcomes[target]["result"].as_str().unwrap().to_owned())
}

/// Waits until the pod sees just that: policies are loaded some moments after they are written.
async fn will_see<const N: usize>(place: &Place, namespace: &str, targets: [&str; N], wanted: [&str; N]) {
    wait::until(&format!("{namespace} to see {wanted:?}"), Duration::from_secs(15), async || {
        let seen = sees(place, namespace, targets).await;
        if seen != wanted {
            anyhow::bail!("{seen:?}");
        }
        Ok(Some(()))
    })
    .await
    .unwrap();
}

/// What the pod in A is asked to reach.
struct Targets {
    b_tcp: String,
    b_udp: String,
    b_service: String,
    api: String,
    kubelet: String,
    ingress: String,
    own_service: String,
}

const NAME: &str = "dns:kubernetes.default.svc.cluster.local";
const METADATA: &str = "tcp:169.254.169.254:80";

impl Targets {
    fn of(place: &Place, b: Ipv4Addr) -> Self {
        let node = place.ground.addresses.node_ip;
        Self {
            b_tcp: format!("tcp:{b}:8080"),
            b_udp: format!("udp:{b}:8080"),
            b_service: format!("tcp:server.{B}:80"),
            api: format!("tcp:{}:443", place.ground.addresses.service_cidr.nth(1)),
            kubelet: format!("tcp:{node}:10250"),
            ingress: format!("tcp:{node}:443"),
            own_service: format!("tcp:server.{A}:80"),
        }
    }

    fn all(&self) -> [&str; 8] {
        [&self.b_tcp, &self.b_udp, &self.b_service, &self.api, &self.kubelet, &self.ingress, &self.own_service, NAME]
    }
}

/// Everything is closed but a pod's way to itself; the node still reaches it.
async fn deny_everything(place: &Place, targets: &Targets, a: Ipv4Addr) {
    let deny = json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]});
    apply(place, A, "deny", deny).await;
    let closed = [&targets.b_tcp, &targets.api, &targets.kubelet, &targets.ingress, METADATA].map(|it: &str| it);
    will_see(place, A, closed, ["refused"; 5]).await;
    // UDP is refused too, but the kernel does not say so every time.
    for outcome in sees(place, A, [&targets.b_udp, NAME]).await {
        assert_ne!(outcome, "open");
    }
    let own = format!("tcp:{a}:8080");
    assert_eq!(sees(place, A, [&own]).await, ["open"]);
    assert_eq!(sees(place, B, [&own]).await, ["refused"]);
    let from_host = tokio::net::TcpStream::connect((a, 8080)).await;
    assert!(from_host.is_ok(), "the node reaches an isolated pod: {from_host:?}");
    let to_host = format!("tcp:{}:22", place.ground.addresses.host_ip);
    assert_eq!(sees(place, A, [&to_host]).await, ["refused"]);
}

/// The few openings that a tenant has, and one to a neighbour's port.
async fn open_a_little(place: &Place, targets: &Targets, b: Ipv4Addr) {
    let node = place.ground.addresses.node_ip;
    let dns = json!({
        "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
                "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}],
        "ports": [{"port": 53}, {"port": 53, "protocol": "UDP"}],
    });
    let web = json!({"to": [{"ipBlock": {"cidr": format!("{node}/32")}}], "ports": [{"port": 443}]});
    let peer = json!({
        "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": B}}}],
        "ports": [{"port": 8080}],
    });
    let open = json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [dns, web, peer]});
    apply(place, A, "open", open).await;
    let opened = ["open", "refused", "open", "refused", "refused", "open", "open", "open"];
    will_see(place, A, targets.all(), opened).await;
    let other = format!("tcp:{b}:9090");
    assert_eq!(sees(place, A, [&other]).await, ["refused"]);
}

#[tokio::test]
async fn policies_part_pods_both_ways() {
    let place = place().await;
    for namespace in [A, B] {
        place.namespace(namespace).await.unwrap();
    }
    let a = server(&place, A).await;
    let b = server(&place, B).await;
    let targets = Targets::of(&place, b);
    // Without policies all is open, once the ingress of those who were here before has been read.
    will_see(&place, A, targets.all(), ["open"; 8]).await;
    deny_everything(&place, &targets, a).await;
    open_a_little(&place, &targets, b).await;

    // Both ends must allow: the receiver closes what the sender may.
    let only_udp = json!({"podSelector": {}, "ingress": [{"ports": [{"protocol": "UDP"}]}]});
    apply(&place, B, "only-udp", only_udp).await;
    will_see(&place, A, [&targets.b_tcp, &targets.b_service], ["refused", "refused"]).await;
    policy::covers(&place.ground, b, Duration::from_secs(5)).await.unwrap();

    for namespace in [A, B] {
        place.leave(namespace).await.unwrap();
    }
}
