//! The values of an object, as a set of hashes: enough to tell whether somebody changed what we applied.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::Value;

/// Hashes of an object's values with their paths, sorted. Four bytes each, so that the whole cell's fit in memory.
///
/// Only compared inside one process; the hash function may change with the toolchain.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub struct Leaves(Box<[u32]>);

impl Leaves {
    /// The values of an object that a writer can own: labels, annotations and all but status and other metadata.
    #[must_use]
    pub fn of(object: &Value) -> Self {
        let mut hashes = Vec::new();
        if let Value::Object(fields) = object {
            for (name, value) in fields {
                match name.as_str() {
                    "apiVersion" | "kind" | "status" => {}
                    "metadata" => {
                        for part in ["labels", "annotations"] {
                            if let Some(value) = value.get(part) {
                                walk(&mut hashes, &path(&DefaultHasher::new(), part), value);
                            }
                        }
                    }
                    _ => walk(&mut hashes, &path(&DefaultHasher::new(), name), value),
                }
            }
        }
        hashes.sort_unstable();
        hashes.dedup();
        Self(hashes.into_boxed_slice())
    }

    /// Whether every value of `applied` is still there. The API server's defaults and other writers' fields may be
    /// there besides.
    #[must_use]
    pub fn contain(&self, applied: &Self) -> bool {
        applied.0.iter().all(|hash| self.0.binary_search(hash).is_ok())
    }
}

fn path(parent: &DefaultHasher, step: &str) -> DefaultHasher {
    let mut hasher = parent.clone();
    step.hash(&mut hasher);
    hasher
}

// Empty maps and lists and nulls are no values: the API server drops some of them.
fn walk(hashes: &mut Vec<u32>, at: &DefaultHasher, value: &Value) {
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            for (name, value) in fields {
                walk(hashes, &path(at, name), value);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                walk(hashes, &path(at, &index.to_string()), value);
            }
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            let mut hasher = at.clone();
            value.to_string().hash(&mut hasher);
            #[allow(clippy::cast_possible_truncation)] // half of the hash is enough
            hashes.push(hasher.finish() as u32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn defaults_are_no_drift_and_changes_are() {
        let applied = Leaves::of(
            &json!({"kind": "X", "metadata": {"name": "a", "labels": {"l": "1"}}, "spec": {"replicas": 1, "list": [{"a": "b"}], "none": {}}}),
        );
        let live = json!({"metadata": {"uid": "u", "labels": {"l": "1", "other": "2"}}, "spec": {"replicas": 1, "list": [{"a": "b", "default": true}], "more": 3}, "status": {"x": 1}});
        assert!(Leaves::of(&live).contain(&applied));
        for (pointer, value) in [
            ("/spec/replicas", json!(0)),
            ("/spec/list/0/a", json!("c")),
            ("/spec/list", json!([])),
            ("/metadata/labels/l", json!("typo")),
        ] {
            let mut changed = live.clone();
            *changed.pointer_mut(pointer).unwrap() = value;
            assert!(!Leaves::of(&changed).contain(&applied), "{pointer}");
        }
    }

    #[test]
    fn the_same_value_elsewhere_does_not_count() {
        let applied = Leaves::of(&json!({"spec": {"a": "x"}}));
        assert!(!Leaves::of(&json!({"spec": {"b": "x"}})).contain(&applied));
    }
}
