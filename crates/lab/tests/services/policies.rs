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
    place
        .pod(
            namespace,
            "server",
            &image,
            &["serve", "tcp:8080", "udp:8080", "tcp:9090"],
            json!({}),
        )
        .await
        .unwrap();
    let services = Api::<Service>::namespaced(place.client.clone(), namespace);
    let service = json!({"metadata": {"name": "server"}, "spec": {"selector": {"app": "server"}, "ports": [
        {"name": "tcp", "port": 80, "targetPort": 8080}, {"name": "udp", "port": 80, "protocol": "UDP", "targetPort": 8080}]}});
    objects::apply(&services, service).await.unwrap();
    place.running(namespace, "server").await.unwrap()
}

async fn apply(place: &Place, namespace: &str, name: &str, spec: Value) {
    let policies = Api::<NetworkPolicy>::namespaced(place.client.clone(), namespace);
    objects::apply(&policies, json!({"metadata": {"name": name}, "spec": spec}))
        .await
        .unwrap();
}

/// What the pod `server` in `namespace` gets from each target.
async fn sees<const N: usize>(place: &Place, namespace: &str, targets: [&str; N]) -> [String; N] {
    let args = [
        &["/bin/steppe-probe", "check", "-timeout", "1s"][..],
        &targets,
    ]
    .concat();
    let outcomes = by_target(&place.exec(namespace, "server", &args).await.unwrap()).unwrap();
    targets.map(|target| outcomes[target]["result"].as_str().unwrap().to_owned())
}

/// Waits until the pod sees just that: policies are loaded some moments after they are written.
async fn will_see<const N: usize>(
    place: &Place,
    namespace: &str,
    targets: [&str; N],
    wanted: [&str; N],
) {
    wait::until(
        &format!("{namespace} to see {wanted:?}"),
        Duration::from_secs(15),
        async || {
            let seen = sees(place, namespace, targets).await;
            if seen != wanted {
                anyhow::bail!("{seen:?}");
            }
            Ok(Some(()))
        },
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn policies_part_pods_both_ways() {
    let place = place().await;
    for namespace in [A, B] {
        place.namespace(namespace).await.unwrap();
    }
    let a = server(&place, A).await;
    let b = server(&place, B).await;
    let node = place.ground.addresses.node_ip;
    let host = place.ground.addresses.host_ip;
    let (b_tcp, b_udp, b_other) = (
        format!("tcp:{b}:8080"),
        format!("udp:{b}:8080"),
        format!("tcp:{b}:9090"),
    );
    let b_service = format!("tcp:server.{B}:80");
    let api = format!("tcp:{}:443", place.ground.addresses.service_cidr.nth(1));
    let (kubelet, ingress) = (format!("tcp:{node}:10250"), format!("tcp:{node}:443"));
    let own_service = format!("tcp:server.{A}:80");
    let name = "dns:kubernetes.default.svc.cluster.local";
    let metadata = "tcp:169.254.169.254:80";
    let all = [
        &b_tcp,
        &b_udp,
        &b_service,
        &api,
        &kubelet,
        &ingress,
        &own_service,
        name,
    ]
    .map(|it: &str| it);
    assert_eq!(
        sees(&place, A, all).await,
        ["open"; 8],
        "without policies all is open"
    );

    // Everything is closed but a pod's way to itself; the node still reaches it.
    apply(
        &place,
        A,
        "deny",
        json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}),
    )
    .await;
    let closed = [&b_tcp, &api, &kubelet, &ingress, metadata].map(|it: &str| it);
    will_see(&place, A, closed, ["refused"; 5]).await;
    // UDP is refused too, but the kernel does not say so every time.
    for outcome in sees(&place, A, [&b_udp, name]).await {
        assert_ne!(outcome, "open");
    }
    let own = format!("tcp:{a}:8080");
    assert_eq!(sees(&place, A, [&own]).await, ["open"]);
    assert_eq!(sees(&place, B, [&own]).await, ["refused"]);
    let from_host = tokio::net::TcpStream::connect((a, 8080)).await;
    assert!(
        from_host.is_ok(),
        "the node reaches an isolated pod: {from_host:?}"
    );
    let to_host = format!("tcp:{host}:22");
    assert_eq!(sees(&place, A, [&to_host]).await, ["refused"]);

    // The few openings that a tenant has.
    let dns = json!({
        "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
                "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}],
        "ports": [{"port": 53}, {"port": 53, "protocol": "UDP"}],
    });
    let web =
        json!({"to": [{"ipBlock": {"cidr": format!("{node}/32")}}], "ports": [{"port": 443}]});
    let peer = json!({
        "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": B}}}],
        "ports": [{"port": 8080}],
    });
    apply(
        &place,
        A,
        "open",
        json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [dns, web, peer]}),
    )
    .await;
    let opened = [
        "open", "refused", "open", "refused", "refused", "open", "open", "open",
    ];
    will_see(&place, A, all, opened).await;
    assert_eq!(sees(&place, A, [&b_other]).await, ["refused"]);

    // Both ends must allow: the receiver closes what the sender may.
    apply(
        &place,
        B,
        "only-udp",
        json!({"podSelector": {}, "ingress": [{"ports": [{"protocol": "UDP"}]}]}),
    )
    .await;
    will_see(&place, A, [&b_tcp, &b_service], ["refused", "refused"]).await;
    policy::covers(&place.ground, b, Duration::from_secs(5))
        .await
        .unwrap();

    for namespace in [A, B] {
        place.leave(namespace).await.unwrap();
    }
}
