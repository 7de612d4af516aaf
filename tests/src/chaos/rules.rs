//! What must hold of every request that the operator makes and of every server that it leaves behind, whatever happened
//! in between: the promises of `docs/architecture.md` that a comparison with a clean run cannot see broken.

use anyhow::Result;
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Secret};
use kube::ResourceExt as _;
use kube::api::Api;
use lab::fault::Record;

use super::place::Place;

/// What holds data, and what holds that.
const PRECIOUS: [&str; 5] =
    ["namespaces", "secrets", "persistentvolumeclaims", "persistentvolumes", "instances.steppe.host"];

/// Fields that differ from run to run: pointer as in [`lab::fault::Scenario::ignores`].
#[must_use]
pub fn is_drawn(object: &str, pointer: &str) -> bool {
    // A digest over what holds uids and names.
    let digest = pointer.ends_with("/steppe.host/applied");
    // What Kubernetes' own controllers and the status double keep up to date.
    let theirs = object.starts_with("resourcequotas ") && pointer.starts_with("/status")
        || pointer.ends_with("/volume.kubernetes.io/selected-node");
    // How long a copy took, and how well its bytes could be packed.
    let copied = object.starts_with("exports.steppe.host ")
        && ["/status/message", "/status/log", "/status/bundle", "/status/keyClaim"]
            .iter()
            .any(|begin| pointer.starts_with(begin));
    digest || theirs || copied
}

/// What is wrong with the requests.
#[must_use]
pub fn broken_by_requests(records: &[Record]) -> Vec<String> {
    records.iter().flat_map(|record| broken_by(record).into_iter().map(move |rule| tell(record, rule))).collect()
}

fn tell(record: &Record, rule: &str) -> String {
    format!("{} {}: {rule}", record.call.verb, record.call.object())
}

fn broken_by(record: &Record) -> Vec<&'static str> {
    let call = &record.call;
    let kind = call.kind();
    if !call.writes() || matches!(call.resource.as_str(), "leases" | "events") {
        return Vec::new();
    }
    let body = record.body.as_ref();
    let has = |pointer: &str| body.and_then(|body| body.pointer(pointer)).is_some_and(|value| !value.is_null());
    let precious = PRECIOUS.contains(&kind.as_str());
    let mut broken = Vec::new();
    match call.verb.as_str() {
        "delete" | "deletecollection" if precious => broken.push("only the purger deletes this"),
        "delete" if !has("/preconditions/uid") => broken.push("a delete names no uid"),
        "deletecollection" => broken.push("many are deleted at once"),
        "patch" if !call.apply && !has("/metadata/resourceVersion") => {
            broken.push("a merge patch names no version of what it was computed from");
        }
        _ => {}
    }
    if precious && has("/metadata/ownerReferences/0") {
        broken.push("what holds data is owned, so it goes with its owner");
    }
    if kind == "secrets" && call.verb != "create" {
        broken.push("a Secret is written again");
    }
    if kind == "secrets" && body.is_none_or(|body| body["immutable"] != true) {
        broken.push("a Secret can be changed");
    }
    broken
}

/// What is wrong with the server as it is now.
///
/// # Errors
/// When the API server does not answer.
pub async fn broken_by_objects(place: &Place) -> Result<Vec<String>> {
    let mut broken = place.pods.wrongs();
    let theirs = |problem: &String| !problem.contains("the double does not do podFailurePolicy");
    broken.extend(place.double.problems().into_iter().filter(theirs));
    if place.births() > 1 {
        broken.push(format!("keys were made {} times", place.births()));
    }
    let instance = place.instance().await?;
    let Some(identity) = instance.status.as_ref().and_then(|status| status.identity.clone()) else {
        return Ok(broken);
    };
    let (client, space) = (place.client.clone(), place.space());
    let secret = Api::<Secret>::namespaced(client.clone(), &space).get("identity").await?;
    let claim = Api::<PersistentVolumeClaim>::namespaced(client.clone(), &space).get("data").await?;
    let volume = Api::<PersistentVolume>::all(client).get(&identity.volume_name).await?;
    let policy = volume.spec.as_ref().and_then(|spec| spec.persistent_volume_reclaim_policy.clone());
    let escrow = operator::store::layout::escrow(&instance.uid().unwrap_or_default());
    let rules = [
        (secret.uid().as_ref() == Some(&identity.secret_uid), "the recorded Secret is not the one that is there"),
        (secret.immutable == Some(true), "the identity can be changed"),
        (claim.uid().as_ref() == Some(&identity.volume_claim_uid), "the recorded claim is not the one that is there"),
        (policy.as_deref() == Some("Retain"), "the volume goes with its claim"),
        (place.store.content(&escrow).is_some(), "the identity is recorded and not in escrow"),
        (claim.owner_references().is_empty() && secret.owner_references().is_empty(), "data goes with its owner"),
    ];
    broken.extend(rules.iter().filter(|(holds, _)| !holds).map(|(_, rule)| (*rule).to_owned()));
    Ok(broken)
}
