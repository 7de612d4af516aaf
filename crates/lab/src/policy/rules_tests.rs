#![allow(clippy::needless_pass_by_value)] // Calls read better with json! by value.

use serde_json::{Value, json};

use super::*;
use crate::policy::table;

fn pod(namespace: &str, name: &str, last: u8, ports: &[(&str, Protocol, u16)]) -> Pod {
    Pod {
        namespace: namespace.into(),
        name: name.into(),
        labels: Labels::from([("app".into(), name.into())]),
        ip: Ipv4Addr::new(10, 244, 0, last),
        ports: ports
            .iter()
            .map(|&(name, protocol, number)| Port { name: Some(name.into()), protocol, number })
            .collect(),
    }
}

fn policy(namespace: &str, spec: Value) -> Arc<NetworkPolicy> {
    Arc::new(serde_json::from_value(json!({"metadata": {"name": "np", "namespace": namespace}, "spec": spec})).unwrap())
}

/// Two tenants with a server and a job each, and the node's DNS.
fn world(policies: Vec<Arc<NetworkPolicy>>) -> World {
    let dns = StandIn {
        namespace: "kube-system".into(),
        labels: Labels::from([("k8s-app".into(), "kube-dns".into())]),
        ip: Ipv4Addr::new(10, 244, 0, 1),
        ports: vec![
            Port { name: Some("dns".into()), protocol: Protocol::Udp, number: 53 },
            Port { name: Some("dns-tcp".into()), protocol: Protocol::Tcp, number: 53 },
        ],
    };
    let labels = |name: &str, tenant: &str| {
        Labels::from([("kubernetes.io/metadata.name".into(), name.into()), ("tenant".into(), tenant.into())])
    };
    World {
        pods: vec![
            pod("a", "server", 10, &[("http", Protocol::Tcp, 8001)]),
            pod("a", "job", 11, &[]),
            pod("b", "server", 20, &[("http", Protocol::Tcp, 3000)]),
            pod("b", "job", 21, &[]),
        ],
        stand_ins: vec![dns],
        namespaces: BTreeMap::from([
            ("a".into(), labels("a", "yes")),
            ("b".into(), labels("b", "yes")),
            ("kube-system".into(), labels("kube-system", "no")),
        ]),
        policies,
    }
}

/// The chains of the rendered table, without the constant parts.
fn chains(policies: Vec<Arc<NetworkPolicy>>) -> String {
    let text = table::render("np", &restrict(&world(policies)));
    let lines = text.lines().skip(3).take_while(|line| !line.starts_with("  map"));
    lines.map(|line| format!("{}\n", line.trim_start())).collect()
}

const NO: &str = "meta l4proto tcp counter reject with tcp reset\ncounter reject with icmpx type admin-prohibited\n}\n";

#[test]
fn without_a_policy_nobody_is_restricted() {
    assert!(restrict(&world(vec![])).is_empty());
}

#[test]
fn default_deny_closes_both_ways_in_its_namespace_only() {
    let deny = policy("a", json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}));
    let restricted = restrict(&world(vec![deny]));
    assert_eq!(restricted.iter().map(|it| it.pod.as_str()).collect::<Vec<_>>(), ["a/job", "a/server"]);
    for it in restricted {
        assert_eq!((it.ingress, it.egress), (Some(vec![]), Some(vec![])));
    }
}

#[test]
fn missing_types_mean_ingress_and_egress_if_it_has_rules() {
    let ingress_only = policy("a", json!({"podSelector": {"matchLabels": {"app": "job"}}}));
    let both = policy("b", json!({"podSelector": {"matchLabels": {"app": "job"}}, "egress": [{}]}));
    let restricted = restrict(&world(vec![ingress_only, both]));
    assert_eq!((restricted[0].ingress.is_some(), restricted[0].egress.is_some()), (true, false));
    assert_eq!((restricted[1].ingress.is_some(), restricted[1].egress.is_some()), (true, true));
    let everywhere = Opening { peers: Ranges::all(), ports: Ports::Any };
    assert_eq!(restricted[1].egress, Some(vec![everywhere]));
}

#[test]
fn a_tenants_openings() {
    let spec = json!({
        "podSelector": {"matchLabels": {"app": "server"}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "job"}}}], "ports": [{"port": "http"}]}],
        "egress": [
            {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
                     "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}],
             "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]},
            {"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8", "169.254.0.0/16"]}},
                    {"ipBlock": {"cidr": "::/0", "except": ["fd00::/8"]}}],
             "ports": [{"port": 80}, {"port": 443}]},
            {"to": [{"ipBlock": {"cidr": "10.244.0.1/32"}}], "ports": [{"port": 443}]},
        ],
    });
    assert_eq!(
        chains(vec![policy("a", spec)]),
        format!(
            "chain out_10_244_0_10 {{ # a/server\n\
             ip daddr 10.244.0.10 return\n\
             ip daddr {{ 10.244.0.1 }} tcp dport {{ 53 }} return\n\
             ip daddr {{ 10.244.0.1 }} udp dport {{ 53 }} return\n\
             ip daddr {{ 0.0.0.0-9.255.255.255, 11.0.0.0-169.253.255.255, 169.255.0.0-255.255.255.255 }} \
             tcp dport {{ 80, 443 }} return\n\
             ip daddr {{ 10.244.0.1 }} tcp dport {{ 443 }} return\n\
             {NO}\
             chain in_10_244_0_10 {{ # a/server\n\
             ip saddr 10.244.0.10 return\n\
             ip saddr {{ 10.244.0.11 }} tcp dport {{ 8001 }} return\n\
             {NO}"
        )
    );
}

#[test]
fn a_stand_in_opens_only_its_own_ports() {
    let spec = json!({
        "podSelector": {"matchLabels": {"app": "job"}}, "policyTypes": ["Egress"],
        "egress": [{"to": [{"namespaceSelector": {"matchLabels": {"tenant": "no"}}}]}],
    });
    assert_eq!(
        chains(vec![policy("a", spec)]),
        format!(
            "chain out_10_244_0_11 {{ # a/job\n\
             ip daddr 10.244.0.11 return\n\
             ip daddr {{ 10.244.0.1 }} tcp dport {{ 53 }} return\n\
             ip daddr {{ 10.244.0.1 }} udp dport {{ 53 }} return\n\
             {NO}"
        )
    );
}

#[test]
fn a_named_port_is_resolved_on_the_receiving_pod() {
    let spec = json!({
        "podSelector": {"matchLabels": {"app": "job"}}, "policyTypes": ["Egress"],
        "egress": [{"to": [{"namespaceSelector": {}}], "ports": [{"port": "http"}, {"port": "dns", "protocol": "UDP"}]}],
    });
    assert_eq!(
        chains(vec![policy("a", spec)]),
        format!(
            "chain out_10_244_0_11 {{ # a/job\n\
             ip daddr 10.244.0.11 return\n\
             ip daddr {{ 10.244.0.20 }} tcp dport {{ 3000 }} return\n\
             ip daddr {{ 10.244.0.10 }} tcp dport {{ 8001 }} return\n\
             ip daddr {{ 10.244.0.1 }} udp dport {{ 53 }} return\n\
             {NO}"
        )
    );
}

#[test]
fn one_element_with_two_selectors_means_both_and_two_elements_either() {
    let both = json!([{"namespaceSelector": {"matchLabels": {"tenant": "yes"}}, "podSelector": {"matchLabels": {"app": "job"}}}]);
    let either = json!([{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "b"}}},
                        {"podSelector": {"matchLabels": {"app": "job"}}}]);
    let sources = |from: Value| {
        let spec = json!({"podSelector": {"matchLabels": {"app": "server"}}, "ingress": [{"from": from}]});
        let restricted = restrict(&world(vec![policy("a", spec)]));
        restricted[0].ingress.as_ref().unwrap()[0].peers.to_string()
    };
    assert_eq!(sources(both), "10.244.0.11, 10.244.0.21");
    assert_eq!(sources(either), "10.244.0.11, 10.244.0.20-10.244.0.21");
}

#[test]
fn policies_combine_and_ranges_of_ports_hold() {
    let range = policy(
        "a",
        json!({"podSelector": {"matchLabels": {"app": "server"}},
        "ingress": [{"ports": [{"port": 8000, "endPort": 8010}, {"protocol": "UDP"}]}]}),
    );
    let deny = policy("a", json!({"podSelector": {}}));
    assert_eq!(
        chains(vec![deny, range]),
        format!(
            "chain in_10_244_0_11 {{ # a/job\n\
             ip saddr 10.244.0.11 return\n\
             {NO}\
             chain in_10_244_0_10 {{ # a/server\n\
             ip saddr 10.244.0.10 return\n\
             tcp dport {{ 8000-8010 }} return\n\
             udp dport {{ 0-65535 }} return\n\
             {NO}"
        )
    );
}

#[test]
fn expressions_select_too() {
    let spec = json!({"podSelector": {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["job"]}]}});
    let restricted = restrict(&world(vec![policy("a", spec)]));
    assert_eq!(restricted.iter().map(|it| it.pod.as_str()).collect::<Vec<_>>(), ["a/server"]);
}

#[test]
fn a_rule_that_matches_nobody_opens_nothing() {
    let spec = json!({"podSelector": {}, "policyTypes": ["Egress"],
        "egress": [{"to": [{"podSelector": {"matchLabels": {"app": "nobody"}}}]}]});
    for it in restrict(&world(vec![policy("a", spec)])) {
        assert_eq!(it.egress, Some(vec![]));
    }
}
