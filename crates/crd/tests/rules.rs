//! The rules that the definitions carry, evaluated as the API server does, without one.

#![cfg(test)]

use crd::{AccountChange, Cell, Export, Instance, Purge};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn object<K: DeserializeOwned>(kind: &str, name: &str, spec: &Value) -> K {
    serde_json::from_value(json!({
        "apiVersion": "steppe.host/v1alpha1",
        "kind": kind,
        "metadata": { "name": name },
        "spec": spec,
    }))
    .unwrap()
}

fn changed(spec: &Value, change: &Value) -> Value {
    let mut spec = spec.clone();
    let fields = change.as_object().unwrap();
    for (field, value) in fields {
        if value.is_null() {
            spec.as_object_mut().unwrap().remove(field);
        } else {
            spec[field] = value.clone();
        }
    }
    spec
}

/// Asserts what a change of a spec answers: nothing, or an error with these words.
macro_rules! change {
    ($kind:ty, $spec:expr, $change:expr, $words:expr) => {{
        let change = $change;
        let kind = stringify!($kind);
        let old: $kind = object(kind, "heron", &$spec);
        let new: $kind = object(kind, "heron", &changed(&$spec, &change));
        let answer = new.validate_cel_update(&old);
        let words: Option<&str> = $words;
        match (answer, words) {
            (Ok(()), None) => {}
            (Ok(()), Some(words)) => panic!("{kind} {change} was taken; expected {words:?}"),
            (Err(errors), None) => panic!("{kind} {change} was refused: {errors}"),
            (Err(errors), Some(words)) => assert!(errors.to_string().contains(words), "{kind} {change}: {errors}"),
        }
    }};
}

const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

#[test]
fn an_instance_keeps_what_it_was_born_as() {
    let spec = json!({
        "flavour": "snac", "version": "2.75", "size": "medium", "hostname": "heron.ponds.test",
        "owner": { "handle": "ardea" }, "revision": 5,
    });
    change!(Instance, spec, json!({ "flavour": "mastodon" }), Some("flavour is part"));
    change!(Instance, spec, json!({ "hostname": "egret.ponds.test" }), Some("host name is part"));
    change!(Instance, spec, json!({ "owner": { "handle": "egretta" } }), Some("given at birth"));
    change!(Instance, spec, json!({ "size": "small" }), Some("never shrink"));
    change!(Instance, spec, json!({ "size": "large" }), None);
    change!(Instance, spec, json!({ "revision": 4 }), Some("never falls"));
    change!(Instance, spec, json!({ "revision": null }), Some("never falls"));
    change!(Instance, spec, json!({ "revision": 5, "mode": "Frozen" }), None);
    change!(Instance, spec, json!({ "revision": 6, "version": "2.76" }), None);
    let free = changed(&spec, &json!({ "revision": null }));
    change!(Instance, free, json!({ "mode": "Closing" }), None);
    change!(Instance, free, json!({ "revision": 1 }), None);
}

#[test]
fn names_of_instances_and_of_the_cell() {
    let spec = json!({
        "flavour": "snac", "version": "2.75", "hostname": "heron.ponds.test", "owner": { "handle": "ardea" },
    });
    for (name, good) in [("heron", true), ("h", true), ("0heron", false), ("he.ron", false)] {
        assert_eq!(object::<Instance>("Instance", name, &spec).validate_cel().is_ok(), good, "{name}");
    }
    assert!(object::<Instance>("Instance", &"h".repeat(40), &spec).validate_cel().is_ok());
    assert!(object::<Instance>("Instance", &"h".repeat(41), &spec).validate_cel().is_err());
    let cell = json!({
        "zone": "ponds.test", "ingress": { "className": "door" },
        "objectStore": { "endpoint": "http://s", "bucket": "bundles" },
        "networks": {}, "storageClass": "shelf", "versions": [],
    });
    assert!(object::<Cell>("Cell", "cell", &cell).validate_cel().is_ok());
    assert!(object::<Cell>("Cell", "another", &cell).validate_cel().is_err());
}

#[test]
fn work_cannot_be_redirected() {
    let whose = json!({ "name": "heron", "uid": "1" });
    let other = json!({ "name": "heron", "uid": "2" });
    let export = json!({ "instanceRef": whose, "reason": "Final", "recipient": RECIPIENT });
    change!(Export, export, json!({ "instanceRef": other }), Some("redirected"));
    change!(Export, export, json!({ "reason": "Nightly" }), Some("redirected"));
    change!(Export, export, json!({ "recipient": null }), Some("redirected"));
    change!(Export, export, json!({ "keyClaim": RECIPIENT }), None);

    let account = json!({ "instanceRef": whose, "action": "Add", "handle": "chick", "claim": RECIPIENT });
    change!(AccountChange, account, json!({ "handle": "egg" }), Some("asked for once"));
    let mute = changed(&account, &json!({ "claim": null }));
    assert!(object::<AccountChange>("AccountChange", "x", &mute).validate_cel().is_err());
    let removal = changed(&mute, &json!({ "action": "Remove" }));
    assert!(object::<AccountChange>("AccountChange", "x", &removal).validate_cel().is_ok());
}

#[test]
fn a_purge_cannot_be_brought_forward_nor_an_approval_withdrawn() {
    let purge = json!({
        "instanceRef": { "name": "heron", "uid": "1" },
        "manifestDigest": "a".repeat(64),
        "notBefore": "2026-02-01T00:00:00Z",
        "approvals": [{ "by": "one", "reason": "asked" }],
    });
    change!(Purge, purge, json!({ "notBefore": "2026-01-01T00:00:00Z" }), Some("brought forward"));
    change!(Purge, purge, json!({ "manifestDigest": "b".repeat(64) }), Some("brought forward"));
    change!(Purge, purge, json!({ "approvals": [] }), Some("taken back"));
    let two = json!([{ "by": "one", "reason": "asked" }, { "by": "two", "reason": "seen" }]);
    change!(Purge, purge, json!({ "approvals": two }), None);
}
