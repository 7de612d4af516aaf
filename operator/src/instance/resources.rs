//! Builders of a tenant's objects, one file per kind or per group that belongs together. All are pure and trust the
//! [`Wish`].

pub mod access;
pub mod birth;
pub mod ingress;
pub mod limits;
pub mod namespace;
pub mod network;
pub mod pod;
pub mod server;
pub mod volume;

use crd::labels;
use serde_json::{Value, json};

use super::validate::Wish;
use crate::apply::Object;
use crate::kind::Kind;

/// The labels of every object of the tenant.
#[must_use]
pub fn common_labels(wish: &Wish) -> Value {
    json!({
        labels::MANAGED_BY: labels::MANAGER,
        labels::INSTANCE: wish.id,
        labels::INSTANCE_UID: wish.uid,
    })
}

/// The labels of pods of a role.
#[must_use]
pub fn pod_labels(wish: &Wish, role: &str) -> Value {
    let mut labels = common_labels(wish);
    labels[labels::ROLE] = json!(role);
    labels
}

/// An object in the tenant's namespace.
#[must_use]
pub fn object(wish: &Wish, kind: Kind, name: &str, rest: Value) -> Object {
    let namespace = kind.is_namespaced().then_some(wish.namespace.as_str());
    Object::new(kind, namespace, name, &common_labels(wish), rest)
}

/// Thousandths of a core, as the API server writes them back.
#[must_use]
pub fn cpu(millicores: u32) -> String {
    if millicores.is_multiple_of(1000) { (millicores / 1000).to_string() } else { format!("{millicores}m") }
}

/// Mebibytes, as the API server writes them back.
#[must_use]
pub fn memory(mebibytes: u32) -> String {
    if mebibytes.is_multiple_of(1024) && mebibytes > 0 {
        format!("{}Gi", mebibytes / 1024)
    } else {
        format!("{mebibytes}Mi")
    }
}

/// Gibibytes.
#[must_use]
pub fn disk(gibibytes: u32) -> String {
    format!("{gibibytes}Gi")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_canonical() {
        assert_eq!([cpu(500), cpu(2000), cpu(10)], ["500m", "2", "10m"]);
        assert_eq!([memory(128), memory(2048)], ["128Mi", "2Gi"]);
    }
}
