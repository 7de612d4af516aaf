//! What is kept of an owned object.

use std::collections::BTreeMap;

use crd::labels;
use kube::api::DynamicObject;
use serde_json::Value;

use super::{Leaves, Seen};
use crate::kind::Kind;

/// What is kept of an owned object: who it is, whether it is still what we applied, and the few fields that decide
/// something.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace, if it lies in one.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// The version that was seen; a precondition for deletion and for starts.
    pub resource_version: String,
    /// Whether its deletion has been asked for.
    pub deleting: bool,
    /// All its labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations of ours (`steppe.host/…`).
    pub annotations: BTreeMap<String, String>,
    /// Its values as hashes.
    pub leaves: Leaves,
    /// The fields that decide something.
    pub seen: Seen,
}

impl Held {
    /// Keeps what is needed of an object.
    #[must_use]
    pub fn new(kind: Kind, object: DynamicObject) -> Self {
        let DynamicObject { metadata, data, types: _ } = object;
        let leaves = if kind == Kind::Pod {
            Leaves::default() // pods are only read
        } else {
            let mut whole = data.clone();
            if let Value::Object(fields) = &mut whole {
                fields.insert(
                    "metadata".to_owned(),
                    serde_json::json!({ "labels": metadata.labels, "annotations": metadata.annotations }),
                );
            }
            Leaves::of(&whole)
        };
        let generation = metadata.generation;
        let mut annotations = metadata.annotations.unwrap_or_default();
        annotations.retain(|key, _| key.starts_with("steppe.host/"));
        Self {
            kind,
            namespace: metadata.namespace,
            name: metadata.name.unwrap_or_default(),
            uid: metadata.uid.unwrap_or_default(),
            resource_version: metadata.resource_version.unwrap_or_default(),
            deleting: metadata.deletion_timestamp.is_some(),
            labels: metadata.labels.unwrap_or_default(),
            annotations,
            leaves,
            seen: Seen::of(kind, generation, &data),
        }
    }

    /// A label's value.
    #[must_use]
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key).map(String::as_str)
    }

    /// The digest of what was applied last.
    #[must_use]
    pub fn applied(&self) -> Option<&str> {
        self.annotations.get(labels::APPLIED).map(String::as_str)
    }

    /// Kind, namespace and name for messages.
    #[must_use]
    pub fn path(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{} {namespace}/{}", self.kind, self.name),
            None => format!("{} {}", self.kind, self.name),
        }
    }

    /// Whether a change from `self` to `other` can matter to anyone.
    #[must_use]
    pub fn matters(&self, other: &Self) -> bool {
        self.uid != other.uid
            || self.deleting != other.deleting
            || self.labels != other.labels
            || self.annotations != other.annotations
            || self.leaves != other.leaves
            || self.seen != other.seen
    }
}
