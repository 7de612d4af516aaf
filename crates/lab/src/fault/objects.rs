//! What is stored at the end of a run, in a form in which two runs of the same thing are equal.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use kube::api::{ApiResource, DynamicObject, ListParams, ObjectMeta};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::call::Call;
use super::mask::{Mask, times};

/// A kind of objects.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Kind {
    /// API group, empty for the core group.
    pub group: String,
    /// API version.
    pub version: String,
    /// Plural name.
    pub plural: String,
    /// Whether its objects are known to be in namespaces.
    pub namespaced: bool,
}

/// Objects by kind, namespace and name, with what differs by nature taken out: uids, versions, times, generations,
/// managed fields, names drawn by the API server, addresses drawn by it, and the values of Secrets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Objects(BTreeMap<String, Vec<Value>>);

impl Kind {
    /// By group, version and plural name.
    pub fn new(group: &str, version: &str, plural: &str) -> Self {
        Self { group: group.into(), version: version.into(), plural: plural.into(), namespaced: false }
    }

    /// The kind a call is about.
    pub fn of(call: &Call) -> Self {
        let namespaced = !call.namespace.is_empty() && call.resource != "namespaces";
        Self { namespaced, ..Self::new(&call.group, &call.version, &call.resource) }
    }

    /// Whether it is the same kind, whatever is known of it.
    pub(super) fn is(&self, other: &Self) -> bool {
        (&self.group, &self.version, &self.plural) == (&other.group, &other.version, &other.plural)
    }

    async fn list(&self, client: &Client, namespaces: &[String]) -> Result<Vec<DynamicObject>> {
        let resource = self.resource();
        let apis: Vec<Api<DynamicObject>> = if self.namespaced && !namespaces.is_empty() {
            let within = |space: &String| Api::namespaced_with(client.clone(), space, &resource);
            namespaces.iter().map(within).collect()
        } else {
            vec![Api::all_with(client.clone(), &resource)]
        };
        let mut all = Vec::new();
        for api in apis {
            let list = api.list(&ListParams::default()).await;
            all.extend(list.with_context(|| format!("cannot list {}", self.plural))?.items);
        }
        Ok(all)
    }

    fn resource(&self) -> ApiResource {
        let api_version =
            if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) };
        // The kind's own name is not needed to list.
        ApiResource {
            group: self.group.clone(),
            version: self.version.clone(),
            api_version,
            kind: self.plural.clone(),
            plural: self.plural.clone(),
        }
    }
}

impl Objects {
    /// All objects of the kinds for which `owns` holds. With `namespaces`, those that are in namespaces are looked for in
    /// these only.
    pub async fn take(
        client: &Client,
        kinds: &BTreeSet<Kind>,
        namespaces: &[String],
        owns: &(dyn Fn(&ObjectMeta) -> bool + Sync),
        mask: &Mask,
    ) -> Result<Self> {
        let mut all = Self::default();
        for kind in kinds {
            for object in kind.list(client, namespaces).await?.into_iter().filter(|object| owns(&object.metadata)) {
                let object = serde_json::to_value(object).context("an object is no JSON")?;
                let (key, object) = masked(kind, object, mask);
                all.0.entry(key).or_default().push(object);
            }
        }
        for objects in all.0.values_mut() {
            objects.sort_by_key(Value::to_string);
        }
        Ok(all)
    }

    /// Their names.
    pub fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where they differ: as name of the object and JSON pointer, with a line for people.
    pub fn differences(&self, other: &Self) -> BTreeMap<(String, String), String> {
        let mut all = BTreeMap::new();
        let keys: BTreeSet<&String> = self.0.keys().chain(other.0.keys()).collect();
        for key in keys {
            let [ours, theirs] = [self, other].map(|objects| objects.0.get(key).map(Vec::as_slice).unwrap_or_default());
            if ours.len() != theirs.len() {
                let line = format!("{key}: {} instead of {}", theirs.len(), ours.len());
                all.insert((key.clone(), "number".into()), line);
                continue;
            }
            for (ours, theirs) in ours.iter().zip(theirs) {
                compare(ours, theirs, "", &mut |pointer, a, b| {
                    all.insert((key.clone(), pointer.to_owned()), format!("{key}{pointer}: {b} instead of {a}"));
                });
            }
        }
        all
    }
}

fn compare(ours: &Value, theirs: &Value, pointer: &str, tell: &mut impl FnMut(&str, &Value, &Value)) {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for name in names {
                let [a, b] = [a, b].map(|map| map.get(name).unwrap_or(&Value::Null));
                compare(a, b, &format!("{pointer}/{name}"), tell);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                compare(a, b, &format!("{pointer}/{index}"), tell);
            }
        }
        (a, b) if a == b => {}
        (a, b) => tell(pointer, a, b),
    }
}

fn masked(kind: &Kind, mut object: Value, mask: &Mask) -> (String, Value) {
    let meta = &mut object["metadata"];
    let text = |value: &Value| mask.text(value.as_str().unwrap_or_default());
    let generated = meta["generateName"].as_str().map(|prefix| format!("{}*", mask.text(prefix)));
    let name = generated.unwrap_or_else(|| text(&meta["name"]));
    // A digest of a template that holds uids and names.
    let name = match meta["labels"]["pod-template-hash"].as_str() {
        Some(hash) => name.replace(hash, "HASH"),
        None => name,
    };
    let namespace = text(&meta["namespace"]);
    let group = if kind.group.is_empty() { String::new() } else { format!(".{}", kind.group) };
    let key = format!("{}{group} {namespace}/{name}", kind.plural);
    if let Some(meta) = meta.as_object_mut() {
        for field in ["uid", "resourceVersion", "generation", "managedFields", "selfLink", "creationTimestamp"] {
            meta.remove(field);
        }
        meta.insert("name".into(), json!(name));
    }
    if kind.group.is_empty() && kind.plural == "secrets" {
        for value in object["data"].as_object_mut().into_iter().flat_map(|data| data.values_mut()) {
            *value = json!("present");
        }
    }
    plain(&mut object, mask);
    (key, object)
}

/// Takes out what differs by nature, at any depth.
fn plain(value: &mut Value, mask: &Mask) {
    match value {
        Value::String(text) if text.parse::<jiff::Timestamp>().is_ok() => *text = "TIME".into(),
        Value::String(text) => *text = times(&mask.text(text)),
        Value::Array(all) => all.iter_mut().for_each(|one| plain(one, mask)),
        Value::Object(all) => {
            for field in
                ["observedGeneration", "clusterIP", "clusterIPs", "nodePort", "resourceVersion", "podIP", "podIPs"]
            {
                if let Some(drawn) = all.get_mut(field).filter(|drawn| !drawn.is_null()) {
                    *drawn = json!("DRAWN");
                }
            }
            all.values_mut().for_each(|one| plain(one, mask));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(list: &[Value]) -> Objects {
        let mut all = Objects::default();
        let mask = Mask::default().replace("r1x", "RUN").replace("r2x", "RUN");
        for object in list {
            let (key, object) = masked(&Kind::new("", "v1", "configmaps"), object.clone(), &mask);
            all.0.entry(key).or_default().push(object);
        }
        all
    }

    #[test]
    fn two_runs_of_the_same_are_equal() {
        let run = |id: &str, uid: &str, time: &str| {
            objects(&[json!({
                "metadata": { "name": format!("{id}-a"), "namespace": format!("{id}-space"), "uid": uid, "resourceVersion": "7",
                    "ownerReferences": [{ "name": "x", "uid": uid }], "creationTimestamp": time },
                "data": { "volume": format!("pvc-{uid}"), "since": time, "path": format!("/{id}/b") },
                "status": { "observedGeneration": 4 },
            })])
        };
        let one = run("r1x", "0f8fad5b-d9cb-469f-a165-70867728950e", "2026-01-01T00:00:00Z");
        let two = run("r2x", "7c9e6679-7425-40de-944b-e07fc1f90ae7", "2026-01-01T00:00:09Z");
        assert_eq!(one.differences(&two), BTreeMap::new());
        assert_eq!(one.names(), ["configmaps RUN-space/RUN-a"]);
    }

    #[test]
    fn a_changed_field_and_a_second_object_are_told() {
        let clean = objects(&[json!({ "metadata": { "name": "a" }, "data": { "k": "1" } })]);
        let changed = objects(&[json!({ "metadata": { "name": "a" }, "data": { "k": "2" } })]);
        let lines: Vec<String> = clean.differences(&changed).into_values().collect();
        assert_eq!(lines, ["configmaps /a/data/k: \"2\" instead of \"1\""]);
        let generated = |name: &str| json!({ "metadata": { "name": name, "generateName": "b-" } });
        let (one, two) = (objects(&[generated("b-x")]), objects(&[generated("b-y"), generated("b-z")]));
        let lines: Vec<String> = one.differences(&two).into_values().collect();
        assert_eq!(lines, ["configmaps /b-*: 2 instead of 1"]);
    }

    #[test]
    fn secrets_are_compared_by_their_keys() {
        let secret = |key: &str, value: &str| {
            masked(
                &Kind::new("", "v1", "secrets"),
                json!({ "metadata": { "name": "s" }, "data": { key: value } }),
                &Mask::default(),
            )
            .1
        };
        assert_eq!(secret("a", "x"), secret("a", "y"));
        assert_ne!(secret("a", "x"), secret("b", "x"));
    }
}
