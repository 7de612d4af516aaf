//! The server's public name.

use crd::cell::Tls;
use serde_json::json;

use super::{Wish, object};
use crate::apply::Object;
use crate::instance::observe::names;
use crate::kind::Kind;

/// The Ingress, leading to one of the tenant's Services: the server, or the 503 page.
#[must_use]
pub fn ingress(wish: &Wish, backend: &str) -> Object {
    let cell = &wish.cell.ingress;
    let mut tls = json!({ "hosts": [wish.hostname] });
    // The zone's certificate covers one label below it; any other name needs its own.
    let below = wish.hostname.as_str().split_once('.').is_some_and(|(_, zone)| zone == wish.cell.zone.as_str());
    let covered = cell.tls == Tls::Wildcard && below;
    if !covered {
        tls["secretName"] = json!("tls");
    }
    let rest = json!({ "spec": {
        "ingressClassName": cell.class_name,
        "tls": [tls],
        "rules": [{
            "host": wish.hostname,
            "http": { "paths": [{
                "path": "/",
                "pathType": "Prefix",
                "backend": { "service": { "name": backend, "port": { "number": 80 } } },
            }]},
        }],
    }});
    cell.annotations
        .iter()
        .fold(object(wish, Kind::Ingress, names::SERVER, rest), |ingress, (key, value)| ingress.annotated(key, value))
}
