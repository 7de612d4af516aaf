//! The tenant's namespace.

use serde_json::json;

use super::{Wish, object};
use crate::apply::Object;
use crate::instance::validate::{FLAVOUR, HOSTNAME, IDENTITY};
use crate::kind::Kind;

/// The version of the Pod Security Standards that tenants are held to, pinned so that an upgrade of the cluster stops
/// no server.
const STANDARD: &str = "v1.35";

/// The namespace, held to the restricted Pod Security Standard. Carries what its server is and was born with, so that
/// both can be read where the data is.
#[must_use]
pub fn namespace(wish: &Wish, recorded: Option<&crd::Identity>) -> Object {
    let mut namespace = object(wish, Kind::Namespace, &wish.namespace, json!({}))
        .annotated(HOSTNAME, wish.hostname.as_str())
        .annotated(FLAVOUR, wish.software.flavour.as_str());
    for mode in ["enforce", "audit", "warn"] {
        let labels = &mut namespace.body["metadata"]["labels"];
        labels[format!("pod-security.kubernetes.io/{mode}")] = json!("restricted");
        labels[format!("pod-security.kubernetes.io/{mode}-version")] = json!(STANDARD);
    }
    match recorded {
        Some(identity) => {
            let text = json!(identity).to_string();
            namespace.annotated(IDENTITY, &text)
        }
        None => namespace,
    }
}
