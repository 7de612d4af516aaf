//! Who may talk to whom. Nothing, but for a few openings; in particular nothing private of the cell.

use crd::labels;
use serde_json::{Value, json};

use super::{Wish, object};
use crate::apply::Object;
use crate::kind::Kind;
use crate::net::Cidr;

/// The port of the endpoint at which export jobs obtain their grants.
const GRANTS_PORT: u16 = 8443;

/// All policies of the namespace. Pods of births and account changes match only the first: they talk to nobody.
#[must_use]
pub fn policies(wish: &Wish, system_namespace: &str) -> Vec<Object> {
    let closed = json!({ "spec": { "podSelector": {}, "policyTypes": ["Egress", "Ingress"] } });
    vec![
        object(wish, Kind::NetworkPolicy, "default-deny", closed),
        object(
            wish,
            Kind::NetworkPolicy,
            "server",
            json!({ "spec": {
                "podSelector": { "matchLabels": { labels::ROLE: "server" } },
                "policyTypes": ["Egress", "Ingress"],
                "ingress": [{
                    "from": visitors(wish, system_namespace),
                    "ports": [{ "protocol": "TCP", "port": wish.software.port }],
                }],
                "egress": server_egress(wish),
            }}),
        ),
        object(
            wish,
            Kind::NetworkPolicy,
            "export",
            json!({ "spec": {
                "podSelector": { "matchLabels": { labels::ROLE: "export" } },
                "policyTypes": ["Egress", "Ingress"],
                "egress": [
                    dns(wish),
                    {
                        "to": [namespace(system_namespace)],
                        "ports": [{ "protocol": "TCP", "port": GRANTS_PORT }],
                    },
                    object_store(wish),
                ],
            }}),
        ),
    ]
}

/// The ingress, and the operator with its probes. Kubelet's probes pass every policy.
fn visitors(wish: &Wish, system_namespace: &str) -> Vec<Value> {
    let mut from = vec![namespace(system_namespace)];
    match &wish.cell.ingress.namespace {
        Some(ingress) if ingress == system_namespace => {}
        Some(ingress) => from.push(namespace(ingress)),
        None => from.extend(wish.cell.networks.nodes.iter().map(block)),
    }
    from
}

fn server_egress(wish: &Wish) -> Vec<Value> {
    let web = json!([
        { "protocol": "TCP", "port": 80 },
        { "protocol": "TCP", "port": 443 },
    ]);
    let mut egress = vec![dns(wish), json!({ "to": public(wish), "ports": web })];
    // Other tenants' public names, where those lead to private addresses.
    if !wish.cell.ingress_networks.is_empty() {
        let to: Vec<Value> = wish.cell.ingress_networks.iter().map(block).collect();
        egress.push(json!({ "to": to, "ports": web }));
    }
    egress
}

fn object_store(wish: &Wish) -> Value {
    let to = if wish.cell.store_networks.is_empty() {
        public(wish)
    } else {
        wish.cell.store_networks.iter().map(block).collect()
    };
    json!({ "to": to, "ports": [{ "protocol": "TCP", "port": wish.cell.store_port }] })
}

fn dns(wish: &Wish) -> Value {
    let mut to = vec![json!({
        "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "kube-system" } },
        "podSelector": { "matchLabels": { "k8s-app": "kube-dns" } },
    })];
    to.extend(wish.cell.networks.dns.iter().map(block));
    json!({
        "to": to,
        "ports": [{ "protocol": "TCP", "port": 53 }, { "protocol": "UDP", "port": 53 }],
    })
}

/// The public internet: everything but the networks that are private anywhere and those of this cell.
fn public(wish: &Wish) -> Vec<Value> {
    let own = &wish.cell.networks;
    let closed = Cidr::join(
        Cidr::private()
            .into_iter()
            .chain(own.pods.iter().copied())
            .chain(own.services.iter().copied())
            .chain(own.nodes.iter().copied()),
    );
    Cidr::everything()
        .iter()
        .map(|all| {
            let except: Vec<String> =
                closed.iter().filter(|network| all.contains(network)).map(Cidr::to_string).collect();
            json!({ "ipBlock": { "cidr": all.to_string(), "except": except } })
        })
        .collect()
}

fn block(network: &Cidr) -> Value {
    json!({ "ipBlock": { "cidr": network.to_string() } })
}

fn namespace(name: &str) -> Value {
    json!({ "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": name } } })
}
