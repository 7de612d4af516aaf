//! Whether a server may be destroyed, as far as that can be told from the cluster's objects.

use std::collections::BTreeSet;

use crd::{AccountChange, Cell, Export, Instance, Mode, Purge, condition};
use jiff::Timestamp;
use kube::ResourceExt as _;

use super::refusal::Refusal;

/// A digest of zeros: the purge says that there is no bundle. See [`Proof::None`].
pub const NO_BUNDLE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The tenant's namespace as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceSeen {
    /// Its name.
    pub name: String,
    /// Its own uid.
    pub uid: String,
    /// The uid of the instance that its label names.
    pub instance_uid: Option<String>,
    /// Whether it is being deleted.
    pub terminating: bool,
    /// Pods in it that have not ended.
    pub pods: Vec<String>,
}

/// Everything that the decision hangs on, read live.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Now.
    pub now: Timestamp,
    /// The purge.
    pub purge: &'a Purge,
    /// The cell, if there is one.
    pub cell: Option<&'a Cell>,
    /// The uid of this cluster's `kube-system` namespace.
    pub cluster_uid: &'a str,
    /// The instance of the name in the purge.
    pub instance: Option<&'a Instance>,
    /// All exports.
    pub exports: &'a [Export],
    /// All account changes.
    pub account_changes: &'a [AccountChange],
    /// The namespace of the instance's name.
    pub namespace: Option<&'a NamespaceSeen>,
    /// How many people must approve.
    pub approvals: usize,
}

/// What must be true of the bundle before anything goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// The bundle with this digest, of this host, made when the server had stopped for good.
    Bundle {
        /// SHA-256 of its manifest, hex.
        digest: String,
        /// The instance's uid.
        uid: String,
        /// The server's public name.
        hostname: String,
        /// Since when the server is stopped.
        stopped: Timestamp,
    },
    /// None: two people said that there is no bundle. The volume itself then stays as the copy.
    None,
}

/// Whether anything at all may be destroyed in this cell: the right cluster, the breaker closed.
///
/// # Errors
/// The refusal.
pub fn cell(cell: Option<&Cell>, cluster_uid: &str) -> Result<(), Refusal> {
    let cell = cell.ok_or(Refusal::CellMissing)?;
    let status = cell.status.as_ref().ok_or(Refusal::ClusterUnknown)?;
    let recorded = status.cluster_uid.as_ref().ok_or(Refusal::ClusterUnknown)?;
    if recorded != cluster_uid {
        return Err(Refusal::WrongCluster { recorded: recorded.clone(), found: cluster_uid.to_owned() });
    }
    match &status.breaker {
        Some(breaker) => Err(Refusal::BreakerOpen { since: breaker.since, why: breaker.message.clone() }),
        None => Ok(()),
    }
}

/// Whether this server may be destroyed, once the bundle has been proven to be what the result asks for.
///
/// # Errors
/// The first condition that is not met.
pub fn decide(seen: &Seen<'_>) -> Result<Proof, Refusal> {
    cell(seen.cell, seen.cluster_uid)?;
    let instance = right_instance(seen)?;
    approved(seen)?;
    if let Some(reason) = &instance.spec.legal_hold {
        return Err(Refusal::LegalHold(reason.clone()));
    }
    if instance.spec.mode != Mode::Closing {
        return Err(Refusal::NotClosing { name: instance.name_any(), mode: instance.spec.mode.as_str() });
    }
    own_namespace(seen)?;
    idle(seen)?;
    let spec = &seen.purge.spec;
    no_pods(seen)?;
    if spec.manifest_digest == NO_BUNDLE {
        return Ok(Proof::None);
    }
    Ok(Proof::Bundle {
        digest: spec.manifest_digest.clone(),
        uid: spec.instance_ref.uid.clone(),
        hostname: instance.spec.hostname.to_string(),
        stopped: stopped(instance)?,
    })
}

fn right_instance<'a>(seen: &Seen<'a>) -> Result<&'a Instance, Refusal> {
    let wanted = &seen.purge.spec.instance_ref;
    let instance = seen.instance.ok_or_else(|| Refusal::InstanceMissing(wanted.name.clone()))?;
    let found = instance.uid().unwrap_or_default();
    if found != wanted.uid {
        return Err(Refusal::UidMismatch { name: wanted.name.clone(), wanted: wanted.uid.clone(), found });
    }
    Ok(instance)
}

fn approved(seen: &Seen<'_>) -> Result<(), Refusal> {
    let spec = &seen.purge.spec;
    if seen.now < spec.not_before {
        return Err(Refusal::TooEarly(spec.not_before));
    }
    let people: BTreeSet<String> =
        spec.approvals.iter().map(|approval| approval.by.trim().to_lowercase()).filter(|by| !by.is_empty()).collect();
    // Without a bundle there is nothing to check, so it takes a second person in its place.
    let need = if spec.manifest_digest == NO_BUNDLE { seen.approvals.max(2) } else { seen.approvals.max(1) };
    if people.len() < need {
        return Err(Refusal::NotApproved { have: people.len(), need });
    }
    Ok(())
}

fn own_namespace(seen: &Seen<'_>) -> Result<(), Refusal> {
    let uid = &seen.purge.spec.instance_ref.uid;
    let Some(namespace) = seen.namespace else {
        return Ok(());
    };
    if namespace.instance_uid.as_ref() == Some(uid) {
        return Ok(());
    }
    Err(Refusal::NamespaceForeign {
        namespace: namespace.name.clone(),
        owner: namespace
            .instance_uid
            .as_ref()
            .map_or_else(|| "nobody we know".to_owned(), |other| format!("the instance with uid {other}")),
    })
}

/// Nothing is being done with the server's data.
fn idle(seen: &Seen<'_>) -> Result<(), Refusal> {
    let uid = &seen.purge.spec.instance_ref.uid;
    if let Some(export) =
        seen.exports.iter().find(|export| &export.spec.instance_ref.uid == uid && !is_final_export(export))
    {
        return Err(Refusal::ExportActive(export.name_any()));
    }
    let active = |change: &&AccountChange| {
        let phase = change.status.as_ref().map(|status| status.work.phase);
        &change.spec.instance_ref.uid == uid && !phase.unwrap_or_default().is_final()
    };
    match seen.account_changes.iter().find(active) {
        Some(change) => Err(Refusal::AccountChangeActive(change.name_any())),
        None => Ok(()),
    }
}

fn is_final_export(export: &Export) -> bool {
    export.status.as_ref().is_some_and(|status| status.work.phase.is_final())
}

fn no_pods(seen: &Seen<'_>) -> Result<(), Refusal> {
    let pod = seen.namespace.and_then(|namespace| namespace.pods.first());
    pod.map_or(Ok(()), |pod| Err(Refusal::NotStopped(format!("pod {pod} has not ended"))))
}

/// Since when the server is stopped for good.
fn stopped(instance: &Instance) -> Result<Timestamp, Refusal> {
    let fail = |why: String| Err(Refusal::NotStopped(why));
    let Some(status) = &instance.status else {
        return fail("the operator has not looked at it yet".to_owned());
    };
    if status.mode != Some(Mode::Closing) {
        let mode = status.mode.map_or("unknown", Mode::as_str);
        return fail(format!("the mode in force is {mode}"));
    }
    let Some(stopped) = status.conditions.iter().find(|condition| condition.type_ == condition::STOPPED) else {
        return fail("it has no condition Stopped".to_owned());
    };
    if !stopped.is_true() {
        return fail(format!("Stopped is {}: {}", stopped.status, stopped.message));
    }
    Ok(stopped.last_transition_time)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: &str = "2026-06-01T00:00:00Z";

    /// Everything is as it must be; a case changes one thing.
    fn good() -> Value {
        let digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        json!({
            "approvals": 1,
            "cluster": "c",
            "purge": {
                "metadata": { "name": "birds", "uid": "p" },
                "spec": {
                    "instanceRef": { "name": "birds", "uid": "i" }, "manifestDigest": digest,
                    "notBefore": NOW, "approvals": [{ "by": "dana", "reason": "r" }],
                },
            },
            "cell": { "metadata": { "name": "cell" }, "spec": {
                "zone": "steppe.test", "ingress": { "className": "x" }, "objectStore": { "endpoint": "http://s", "bucket": "b" },
                "networks": {}, "storageClass": "s", "versions": [],
            }, "status": { "clusterUid": "c" } },
            "instance": {
                "metadata": { "name": "birds", "uid": "i" },
                "spec": { "flavour": "snac", "version": "2.75", "hostname": "birds.test", "owner": { "handle": "a" }, "mode": "Closing" },
                "status": { "mode": "Closing", "conditions": [{
                    "type": "Stopped", "status": "True", "reason": "r", "message": "m", "lastTransitionTime": "2026-05-01T00:00:00Z",
                }] },
            },
            "exports": [{
                "metadata": { "name": "final", "uid": "e" },
                "spec": { "instanceRef": { "name": "birds", "uid": "i" } }, "status": { "phase": "Succeeded" },
            }],
            "changes": [{
                "metadata": { "name": "add", "uid": "a" },
                "spec": { "instanceRef": { "name": "birds", "uid": "i" }, "action": "Remove", "handle": "b" }, "status": { "phase": "Failed" },
            }],
        })
    }

    fn namespace() -> NamespaceSeen {
        NamespaceSeen {
            name: "steppe-t-birds".into(),
            uid: "n".into(),
            instance_uid: Some("i".into()),
            terminating: false,
            pods: vec![],
        }
    }

    fn judge(world: &Value, namespace: Option<&NamespaceSeen>) -> Result<Proof, Refusal> {
        fn read<T: serde::de::DeserializeOwned>(value: &Value) -> T {
            serde_json::from_value(value.clone()).unwrap()
        }
        let (purge, cell, instance): (Purge, Option<Cell>, Option<Instance>) =
            (read(&world["purge"]), read(&world["cell"]), read(&world["instance"]));
        let (exports, changes): (Vec<Export>, Vec<AccountChange>) = (read(&world["exports"]), read(&world["changes"]));
        decide(&Seen {
            now: NOW.parse().unwrap(),
            purge: &purge,
            cell: cell.as_ref(),
            cluster_uid: world["cluster"].as_str().unwrap(),
            instance: instance.as_ref(),
            exports: &exports,
            account_changes: &changes,
            namespace,
            approvals: usize::try_from(world["approvals"].as_u64().unwrap()).unwrap(),
        })
    }

    #[test]
    fn when_all_is_well_the_bundle_is_asked_for() {
        let proof = judge(&good(), Some(&namespace())).unwrap();
        let Proof::Bundle { uid, hostname, stopped, .. } = proof else { panic!("{proof:?}") };
        assert_eq!((uid.as_str(), hostname.as_str()), ("i", "birds.test"));
        assert_eq!(stopped.to_string(), "2026-05-01T00:00:00Z");
        assert!(judge(&good(), None).is_ok());
    }

    #[test]
    fn each_missing_condition_is_refused_with_a_way_out() {
        let cases: [(&str, &str, Value); 21] = [
            ("CellMissing", "/cell", Value::Null),
            ("ClusterUnknown", "/cell/status", json!({})),
            ("WrongCluster", "/cluster", json!("other")),
            (
                "BreakerOpen",
                "/cell/status",
                json!({ "clusterUid": "c", "breaker": { "reason": "r", "message": "m", "since": NOW } }),
            ),
            ("InstanceMissing", "/instance", Value::Null),
            ("UidMismatch", "/instance/metadata/uid", json!("j")),
            ("TooEarly", "/purge/spec/notBefore", json!("2026-06-01T00:00:01Z")),
            ("NotApproved", "/purge/spec/approvals", json!([])),
            ("NotApproved", "/approvals", json!(2)),
            ("NotApproved", "/purge/spec/approvals/0/by", json!("  ")),
            ("LegalHold", "/instance/spec/legalHold", json!("a court")),
            ("NotClosing", "/instance/spec/mode", json!("Frozen")),
            ("NotStopped", "/instance/status/mode", json!("Running")),
            ("NotStopped", "/instance/status/conditions", json!([])),
            ("NotStopped", "/instance/status/conditions/0/status", json!("False")),
            ("NotStopped", "/instance/status/conditions/0/status", json!("Unknown")),
            ("NotStopped", "/instance/status", Value::Null),
            ("ExportActive", "/exports/0/status", Value::Null),
            ("ExportActive", "/exports/0/status/phase", json!("Running")),
            ("AccountChangeActive", "/changes/0/status/phase", json!("Pending")),
            ("NotApproved", "/purge/spec/manifestDigest", json!(NO_BUNDLE)),
        ];
        for (reason, path, value) in cases {
            let mut world = good();
            let (parent, field) = path.rsplit_once('/').unwrap();
            match world.pointer_mut(parent).unwrap() {
                Value::Array(items) => items[field.parse::<usize>().unwrap()] = value,
                object @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
                    object[field] = value;
                }
            }
            let refusal = judge(&world, Some(&namespace())).expect_err(path);
            assert_eq!(refusal.reason(), reason, "{path}");
            assert!(refusal.to_string().len() > 15, "{refusal}");
        }
    }

    #[test]
    fn the_namespace_must_be_the_instances_own_and_empty_of_pods() {
        let foreign = NamespaceSeen { instance_uid: Some("j".into()), ..namespace() };
        assert_eq!(judge(&good(), Some(&foreign)).unwrap_err().reason(), "NamespaceForeign");
        let unlabelled = NamespaceSeen { instance_uid: None, ..namespace() };
        assert_eq!(judge(&good(), Some(&unlabelled)).unwrap_err().reason(), "NamespaceForeign");
        let busy = NamespaceSeen { pods: vec!["server-0".into()], ..namespace() };
        assert_eq!(judge(&good(), Some(&busy)).unwrap_err().reason(), "NotStopped");
    }

    #[test]
    fn people_are_counted_once() {
        let mut world = good();
        world["approvals"] = json!(2);
        world["purge"]["spec"]["approvals"] =
            json!([{ "by": "dana", "reason": "r" }, { "by": "Dana ", "reason": "r" }]);
        assert_eq!(judge(&world, None).unwrap_err(), Refusal::NotApproved { have: 1, need: 2 });
        world["purge"]["spec"]["approvals"][1]["by"] = json!("eve");
        assert!(judge(&world, None).is_ok());
    }

    #[test]
    fn without_a_bundle_it_takes_two_people() {
        let mut world = good();
        world["purge"]["spec"]["manifestDigest"] = json!(NO_BUNDLE);
        world["purge"]["spec"]["approvals"] = json!([{ "by": "dana", "reason": "r" }, { "by": "eve", "reason": "r" }]);
        assert_eq!(judge(&world, Some(&namespace())), Ok(Proof::None));
        let busy = NamespaceSeen { pods: vec!["server-0".into()], ..namespace() };
        assert!(judge(&world, Some(&busy)).is_err());
    }

    #[test]
    fn work_on_other_servers_hinders_nothing() {
        let mut world = good();
        world["exports"][0]["spec"]["instanceRef"]["uid"] = json!("other");
        world["exports"][0]["status"] = Value::Null;
        assert!(judge(&world, Some(&namespace())).is_ok());
    }
}
