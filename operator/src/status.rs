//! Saving a status: only what changed, and only over the version that it was computed from.

use std::fmt::Debug;

use kube::api::{Patch, PatchParams};
use kube::{Api, Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::error::{Error, Step};

/// Writes the difference between two statuses of an object; nothing when there is none. Answers whether it wrote.
///
/// Fails as stale when the object has changed since it was read: then the new status was computed from an old view.
///
/// # Errors
/// When the API server refuses or cannot be reached.
pub async fn save<K, S>(client: &Client, object: &K, old: &S, new: &S) -> Result<bool, Error>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
    S: Serialize,
{
    let meta = object.meta();
    let name = meta.name.clone().unwrap_or_default();
    let doing = || format!("saving the status of {} {name}", K::kind(&()));
    let text = |error: serde_json::Error| Error::new(Step::Status, doing(), error);
    let old = serde_json::to_value(old).map_err(text)?;
    let new = serde_json::to_value(new).map_err(text)?;
    let Some(status) = difference(&old, &new) else {
        return Ok(false);
    };
    let patch = json!({
        "metadata": { "uid": meta.uid, "resourceVersion": meta.resource_version },
        "status": status,
    });
    let api: Api<K> = Api::all(client.clone());
    api.patch_status(&name, &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .map_err(|error| Error::kube(Step::Status, doing(), error))?;
    Ok(true)
}

/// The JSON merge patch (RFC 7396) that makes `new` of `old`; none when they are equal. Lists are replaced whole.
#[must_use]
pub fn difference(old: &Value, new: &Value) -> Option<Value> {
    if old == new {
        return None;
    }
    let (Value::Object(before), Value::Object(after)) = (old, new) else {
        return Some(new.clone());
    };
    let mut patch = Map::new();
    for key in before.keys().filter(|key| !after.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, value) in after {
        let changed = match before.get(key) {
            Some(old) => difference(old, value),
            None => Some(value.clone()),
        };
        if let Some(changed) = changed {
            patch.insert(key.clone(), changed);
        }
    }
    Some(Value::Object(patch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed() {
        let old = json!({"a": 1, "b": {"c": 1, "d": 2}, "gone": true, "list": [1, 2]});
        let new = json!({"a": 1, "b": {"c": 1, "d": 3}, "list": [2], "fresh": "x"});
        assert_eq!(difference(&old, &new).unwrap(), json!({"b": {"d": 3}, "gone": null, "list": [2], "fresh": "x"}));
        assert_eq!(difference(&old, &old), None);
    }
}
