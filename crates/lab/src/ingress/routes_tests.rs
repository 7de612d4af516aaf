#![allow(clippy::needless_pass_by_value)] // Calls read better with json! by value.

use super::*;

fn ingress(namespace: &str, name: &str, created: &str, spec: Value) -> Arc<Ingress> {
    let metadata = json!({"namespace": namespace, "name": name, "creationTimestamp": created});
    Arc::new(serde_json::from_value(json!({"metadata": metadata, "spec": spec})).unwrap())
}

fn services() -> Services {
    let service = |namespace: &str, name: &str, spec: Value| {
        let service: Service =
            serde_json::from_value(json!({"metadata": {"namespace": namespace, "name": name}, "spec": spec})).unwrap();
        ((namespace.to_owned(), name.to_owned()), Arc::new(service))
    };
    let ports = json!([{"name": "http", "port": 80, "targetPort": 8001}]);
    Services::from([
        service("steppe-t-a", "server", json!({"type": "ClusterIP", "clusterIP": "10.96.1.1", "ports": ports})),
        service(
            "steppe-t-a",
            "holding",
            json!({"type": "ExternalName", "externalName": "steppe-holding.steppe-system.svc.cluster.local"}),
        ),
        service("steppe-t-a", "elsewhere", json!({"type": "ExternalName", "externalName": "example.test."})),
        service(
            "steppe-t-a",
            "circle",
            json!({"type": "ExternalName", "externalName": "circle.steppe-t-a.svc.cluster.local"}),
        ),
        service("steppe-t-a", "headless", json!({"clusterIP": "None", "ports": ports})),
        service("steppe-system", "steppe-holding", json!({"clusterIP": "10.96.9.9", "ports": ports})),
    ])
}

fn one_backend(host: &str, service: &str, port: Value) -> Value {
    json!({"ingressClassName": "steppe-lab", "rules": [{"host": host, "http": {"paths": [
        {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": service, "port": port}}}]}}]})
}

/// What a route does: the address dialled, or the status answered.
fn ends(spec: Value) -> String {
    let routes = routes("steppe-lab", &[ingress("steppe-t-a", "server", "2026-01-01T00:00:00Z", spec)], &services());
    assert_eq!(routes.len(), 2);
    let handler = &routes[0]["handle"][0];
    handler["upstreams"][0]["dial"].as_str().map_or_else(|| handler["status_code"].to_string(), str::to_owned)
}

#[test]
fn a_whole_route() {
    let spec = one_backend("a.steppe.test", "server", json!({"number": 80}));
    let routes = routes("steppe-lab", &[ingress("steppe-t-a", "server", "2026-01-01T00:00:00Z", spec)], &services());
    assert_eq!(
        json!(routes),
        json!([
            {
                "@id": "steppe-t-a.server.0",
                "terminal": true,
                "match": [{"host": ["a.steppe.test"]}],
                "handle": [{
                    "handler": "reverse_proxy",
                    "upstreams": [{"dial": "10.96.1.1:80"}],
                    "transport": {"protocol": "http", "dial_timeout": "3s", "keep_alive": {"enabled": false}},
                    "stream_close_delay": "60s",
                }],
            },
            {"handle": [{
                "handler": "static_response",
                "status_code": 404,
                "headers": {"Content-Type": ["text/plain; charset=utf-8"]},
                "body": "There is no server of this name here.\n",
            }]},
        ])
    );
}

#[test]
fn a_service_that_is_another_name_leads_to_the_address_of_that_one() {
    assert_eq!(ends(one_backend("a.steppe.test", "holding", json!({"number": 80}))), "10.96.9.9:80");
    assert_eq!(ends(one_backend("a.steppe.test", "holding", json!({"number": 81}))), "503");
    assert_eq!(ends(one_backend("a.steppe.test", "elsewhere", json!({"number": 8080}))), "example.test:8080");
    assert_eq!(ends(one_backend("a.steppe.test", "circle", json!({"number": 80}))), "503");
}

#[test]
fn a_named_port_is_looked_up_and_nothing_to_dial_is_503() {
    assert_eq!(ends(one_backend("a.steppe.test", "server", json!({"name": "http"}))), "10.96.1.1:80");
    assert_eq!(ends(one_backend("a.steppe.test", "server", json!({"name": "other"}))), "503");
    assert_eq!(ends(one_backend("a.steppe.test", "server", json!({"number": 8001}))), "503");
    assert_eq!(ends(one_backend("a.steppe.test", "headless", json!({"number": 80}))), "503");
    assert_eq!(ends(one_backend("a.steppe.test", "missing", json!({"number": 80}))), "503");
}

#[test]
fn other_classes_are_not_ours() {
    let mut spec = one_backend("a.steppe.test", "server", json!({"number": 80}));
    spec["ingressClassName"] = json!("nginx");
    let routes = routes("steppe-lab", &[ingress("t", "i", "2026-01-01T00:00:00Z", spec)], &services());
    assert_eq!(json!(routes), json!(with_last(vec![])));
}

#[test]
fn the_most_specific_route_comes_first_and_the_older_of_equal_ones() {
    let backend = json!({"service": {"name": "server", "port": {"number": 80}}});
    let path = |path: &str, kind: &str| json!({"path": path, "pathType": kind, "backend": backend});
    let rule = |host: Value, paths: Vec<Value>| json!({"host": host, "http": {"paths": paths}});
    let young = json!({"ingressClassName": "steppe-lab", "defaultBackend": backend, "rules": [
        rule(json!("*.b.test"), vec![path("/", "Prefix")]),
        rule(json!("a.test"), vec![path("/", "Prefix"), path("/api/v1", "Prefix"), path("/api", "Exact")]),
    ]});
    let old = json!({"ingressClassName": "steppe-lab", "rules": [rule(json!("a.test"), vec![path("/", "Prefix")])]});
    let list = [
        ingress("steppe-t-a", "young", "2026-02-01T00:00:00Z", young),
        ingress("steppe-t-a", "old", "2026-01-01T00:00:00Z", old),
    ];
    let routes = routes("steppe-lab", &list, &services());
    let seen: Vec<String> =
        routes.iter().map(|route| format!("{} {}", route["@id"], route.get("match").unwrap_or(&Value::Null))).collect();
    assert_eq!(
        seen,
        [
            r#""steppe-t-a.young.3" [{"host":["a.test"],"path":["/api"]}]"#,
            r#""steppe-t-a.young.2" [{"host":["a.test"],"path":["/api/v1","/api/v1/*"]}]"#,
            r#""steppe-t-a.old.0" [{"host":["a.test"]}]"#,
            r#""steppe-t-a.young.1" [{"host":["a.test"]}]"#,
            r#""steppe-t-a.young.0" [{"host":["*.b.test"]}]"#,
            r#""steppe-t-a.young.4" null"#,
            "null null",
        ]
    );
}
