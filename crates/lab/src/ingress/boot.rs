//! The configuration Caddy starts with: listeners, certificates and what is said when nothing else is. Pure.

use serde_json::{Value, json};

use super::routes;
use crate::control;
use crate::node::Ground;

/// The configuration, with no routes yet but the last one.
pub fn config(ground: &Ground) -> Value {
    let (node, ports) = (ground.addresses.node_ip, &ground.ports);
    let folder = super::folder(ground);
    // The dashboard's name too, for a control plane whose Ingress is here.
    let names = [format!("*.{}", ground.zone), ground.zone.clone(), control::HOST.to_owned()];
    let port = if ports.https == 443 { String::new() } else { format!(":{}", ports.https) };
    let redirect = json!({
        "handler": "static_response",
        "status_code": 308,
        "headers": {"Location": [format!("https://{{http.request.host}}{port}{{http.request.uri}}")]},
    });
    json!({
        "admin": {"listen": format!("unix/{}|0600", super::socket(ground).display()), "config": {"persist": false}},
        // The watcher asks every two seconds.
        "logging": {"logs": {"default": {"exclude": ["admin.api"]}}},
        "storage": {"module": "file_system", "root": folder.join("storage")},
        "apps": {
            "http": {
                "http_port": ports.http,
                "https_port": ports.https,
                // Each change of routes restarts the HTTP servers inside Caddy. Requests that have begun go on; a connection
                // whose first request has not been read yet is closed, which no setting changes (net/http's Server).
                "grace_period": "5s",
                "servers": {
                    "main": {
                        "listen": [format!("{node}:{}", ports.https)],
                        "protocols": ["h1", "h2"],
                        "automatic_https": {"disable_redirects": true},
                        "routes": routes::with_last(Vec::new()),
                        "errors": {"routes": [{"handle": [routes::unavailable(json!("{http.error.status_code}"))]}]},
                    },
                    "plain": {
                        "listen": [format!("{node}:{}", ports.http)],
                        "protocols": ["h1"],
                        "automatic_https": {"disable": true},
                        "routes": [{"handle": [redirect]}],
                    },
                },
            },
            "pki": {"certificate_authorities": {"local": {
                "install_trust": false,
                "root": {"certificate": ground.root_crt, "private_key": ground.root_key, "format": "pem_file"},
            }}},
            "tls": {
                "certificates": {"automate": names},
                "automation": {"policies": [{"issuers": [{"module": "internal", "ca": "local"}]}]},
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::tests::ground;

    #[test]
    fn the_whole_configuration() {
        let text = serde_json::to_string(&config(&ground())).unwrap();
        let page = r#""body":"This server cannot be reached at the moment. Please try again in a minute.\n","handler":"static_response","headers":{"Content-Type":["text/plain; charset=utf-8"],"Retry-After":["30"]}"#;
        let expected = [
            r#"{"admin":{"config":{"persist":false},"listen":"unix//s/ingress/admin.sock|0600"},"#,
            r#""apps":{"http":{"grace_period":"5s","http_port":80,"https_port":443,"servers":{"#,
            r#""main":{"automatic_https":{"disable_redirects":true},"errors":{"routes":[{"handle":[{"#,
            page,
            r#","status_code":"{http.error.status_code}"}]}]},"listen":["10.244.0.1:443"],"protocols":["h1","h2"],"#,
            r#""routes":[{"handle":[{"body":"There is no server of this name here.\n","handler":"static_response","#,
            r#""headers":{"Content-Type":["text/plain; charset=utf-8"]},"status_code":404}]}]},"#,
            r#""plain":{"automatic_https":{"disable":true},"listen":["10.244.0.1:80"],"protocols":["h1"],"#,
            r#""routes":[{"handle":[{"handler":"static_response","headers":{"Location":["https://{http.request.host}{http.request.uri}"]},"status_code":308}]}]}}},"#,
            r#""pki":{"certificate_authorities":{"local":{"install_trust":false,"root":{"certificate":"/s/pki/root.crt","format":"pem_file","private_key":"/s/pki/root.key"}}}},"#,
            r#""tls":{"automation":{"policies":[{"issuers":[{"ca":"local","module":"internal"}]}]},"certificates":{"automate":["*.steppe.test","steppe.test","my.hosting.test"]}}},"#,
            r#""logging":{"logs":{"default":{"exclude":["admin.api"]}}},"#,
            r#""storage":{"module":"file_system","root":"/s/ingress/storage"}}"#,
        ];
        assert_eq!(text, expected.concat());
    }
}
