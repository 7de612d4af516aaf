//! From Ingress objects to Caddy's routes. Pure.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::networking::v1::{HTTPIngressPath, Ingress, IngressBackend, ServiceBackendPort};
use serde_json::{Value, json};

/// Services by namespace and name.
pub type Services = BTreeMap<(String, String), Arc<Service>>;

/// A Service may point to another one by name; this many steps are followed.
const LONGEST_CHAIN: usize = 4;

/// The whole list of routes for the Ingress objects of `class`, most specific first: hosts before wildcards before any
/// host, exact paths before prefixes, long before short; of two equal ones the older object's wins. The last route
/// answers 404.
pub fn routes(class: &str, ingresses: &[Arc<Ingress>], services: &Services) -> Vec<Value> {
    let mut found: Vec<(Rank, Value)> = Vec::new();
    for ingress in ingresses.iter().filter(|ingress| is_of(class, ingress)) {
        for (i, (host, path, backend)) in rules(ingress).into_iter().enumerate() {
            let rank = Rank::of(ingress, host, path);
            let id = format!("{}.{}.{i}", rank.namespace, rank.name);
            found.push((rank, route(&id, host, path, &upstream(ingress, backend, services))));
        }
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    with_last(found.into_iter().map(|(_, route)| route).collect())
}

/// `routes` and the answer when none of them matches.
pub fn with_last(mut routes: Vec<Value>) -> Vec<Value> {
    routes.push(json!({"handle": [{
        "handler": "static_response",
        "status_code": 404,
        "headers": {"Content-Type": ["text/plain; charset=utf-8"]},
        "body": "There is no server of this name here.\n",
    }]}));
    routes
}

/// The answer when a server cannot be reached; `status` is a number or one of Caddy's placeholders.
#[allow(clippy::needless_pass_by_value)] // It moves into the JSON.
pub fn unavailable(status: Value) -> Value {
    json!({
        "handler": "static_response",
        "status_code": status,
        "headers": {"Retry-After": ["30"], "Content-Type": ["text/plain; charset=utf-8"]},
        "body": "This server cannot be reached at the moment. Please try again in a minute.\n",
    })
}

/// Whether an Ingress is ours to serve.
pub fn is_of(class: &str, ingress: &Ingress) -> bool {
    ingress.spec.as_ref().is_some_and(|spec| spec.ingress_class_name.as_deref() == Some(class))
}

/// Where a route stands in the list.
#[derive(Eq, Ord, PartialEq, PartialOrd)]
struct Rank {
    /// 0 a host, 1 a wildcard, 2 any host.
    kind: u8,
    host: String,
    inexact: bool,
    longest: Reverse<usize>,
    path: String,
    created: String,
    namespace: String,
    name: String,
}

impl Rank {
    fn of(ingress: &Ingress, host: Option<&str>, path: Option<&HTTPIngressPath>) -> Self {
        let text = path.and_then(|path| path.path.clone()).unwrap_or_default();
        let metadata = &ingress.metadata;
        Self {
            kind: host.map_or(2, |host| u8::from(host.starts_with("*."))),
            host: host.unwrap_or_default().into(),
            inexact: path.is_none_or(|path| path.path_type != "Exact"),
            longest: Reverse(text.len()),
            path: text,
            created: metadata.creation_timestamp.as_ref().map(|time| time.0.to_string()).unwrap_or_default(),
            namespace: metadata.namespace.clone().unwrap_or_default(),
            name: metadata.name.clone().unwrap_or_default(),
        }
    }
}

type Rule<'a> = (Option<&'a str>, Option<&'a HTTPIngressPath>, &'a IngressBackend);

/// Host, path and backend of every rule, the default backend's last.
fn rules(ingress: &Ingress) -> Vec<Rule<'_>> {
    let Some(spec) = &ingress.spec else {
        return Vec::new();
    };
    let mut all: Vec<Rule<'_>> = Vec::new();
    for rule in spec.rules.iter().flatten() {
        let host = rule.host.as_deref().filter(|host| !host.is_empty());
        for path in rule.http.iter().flat_map(|http| &http.paths) {
            all.push((host, Some(path), &path.backend));
        }
    }
    all.extend(spec.default_backend.as_ref().map(|backend| (None, None, backend)));
    all
}

fn route(id: &str, host: Option<&str>, path: Option<&HTTPIngressPath>, upstream: &Upstream) -> Value {
    let mut matches = serde_json::Map::new();
    if let Some(host) = host {
        matches.insert("host".into(), json!([host]));
    }
    if let Some(paths) = path.and_then(patterns) {
        matches.insert("path".into(), json!(paths));
    }
    let handler = match upstream {
        Upstream::Dial(address) => json!({
            "handler": "reverse_proxy",
            "upstreams": [{"dial": address}],
            // snac closes each connection after one answer without saying so, and a POST on a connection that was kept
            // would then fail.
            "transport": {"protocol": "http", "dial_timeout": "3s", "keep_alive": {"enabled": false}},
            // A change of routes does not cut streams that are open.
            "stream_close_delay": "60s",
        }),
        Upstream::Missing => unavailable(json!(503)),
    };
    let mut route = json!({"@id": id, "terminal": true, "handle": [handler]});
    if !matches.is_empty() {
        route["match"] = json!([matches]);
    }
    route
}

/// Caddy's patterns for a path; `None` when every path matches. A prefix matches whole elements only, as the Ingress
/// API says: `/foo` matches `/foo` and `/foo/bar`, not `/foobar`.
fn patterns(path: &HTTPIngressPath) -> Option<Vec<String>> {
    let text = path.path.as_deref().unwrap_or("/");
    if path.path_type == "Exact" {
        return Some(vec![text.into()]);
    }
    let prefix = text.trim_end_matches('/');
    (!prefix.is_empty()).then(|| vec![prefix.into(), format!("{prefix}/*")])
}

enum Upstream {
    Dial(String),
    /// There is no such Service, or it has no such port or no address.
    Missing,
}

fn upstream(ingress: &Ingress, backend: &IngressBackend, services: &Services) -> Upstream {
    let namespace = ingress.metadata.namespace.clone().unwrap_or_default();
    let resolved = backend.service.as_ref().and_then(|service| {
        resolve(services, &(namespace, service.name.clone()), service.port.as_ref(), LONGEST_CHAIN)
    });
    resolved.map_or(Upstream::Missing, Upstream::Dial)
}

/// The address and port to dial for a Service's port. A Service that is another name for a Service of the cluster
/// (ExternalName `name.namespace.svc.cluster.local`) leads to that one, on the same port, because Caddy runs on the
/// node and the node's resolver is not the cluster's.
fn resolve(
    services: &Services,
    key: &(String, String),
    port: Option<&ServiceBackendPort>,
    steps: usize,
) -> Option<String> {
    let spec = services.get(key)?.spec.as_ref()?;
    let number = port.and_then(|port| {
        let declared = || spec.ports.iter().flatten().find(|own| own.name.is_some() && own.name == port.name);
        port.number.or_else(|| declared().map(|own| own.port))
    })?;
    if spec.type_.as_deref() == Some("ExternalName") {
        let target = spec.external_name.as_deref()?.trim_end_matches('.');
        let Some(inside) = target.strip_suffix(".svc.cluster.local") else {
            return Some(format!("{target}:{number}"));
        };
        let (name, namespace) = inside.split_once('.')?;
        let port = ServiceBackendPort { name: None, number: Some(number) };
        let key = (namespace.into(), name.into());
        let steps = steps.checked_sub(1)?;
        return resolve(services, &key, Some(&port), steps);
    }
    let known = spec.ports.iter().flatten().any(|own| own.port == number);
    let ip = spec.cluster_ip.as_deref().filter(|ip| !ip.is_empty() && *ip != "None")?;
    known.then(|| format!("{ip}:{number}"))
}

#[cfg(test)]
#[path = "routes_tests.rs"]
mod tests;
