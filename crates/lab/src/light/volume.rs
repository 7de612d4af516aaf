//! The status double's volume provisioner and binder, by the ways of local-path-provisioner and of the persistent
//! volume controller (pkg/controller/volume/persistentvolume/pv_controller.go, v1.35.4): a volume is named
//! `pvc-<claim uid>`, takes its class's reclaim policy, points at its claim before the claim points at it, and once
//! its claim is gone it is `Released` or, by its policy at that moment, destroyed.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::runtime::controller::Action;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use super::double::{Context, Failure, key};

/// The provisioner the double stands in for.
pub const PROVISIONER: &str = "rancher.io/local-path";
/// The default class, as local-path-provisioner has it: bound by the first pod, deleted with its claim.
pub const CLASS: &str = "local-path";
/// The same, with volumes that stay.
pub const RETAINING_CLASS: &str = "local-path-retain";

/// The classes of the ground.
pub(super) fn classes() -> Vec<Value> {
    let class = |name: &str, policy: &str, default: bool| {
        json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
            "metadata": { "name": name, "annotations": { "storageclass.kubernetes.io/is-default-class": default.to_string() } },
            "provisioner": PROVISIONER, "reclaimPolicy": policy, "volumeBindingMode": "WaitForFirstConsumer",
        })
    };
    vec![class(CLASS, "Delete", true), class(RETAINING_CLASS, "Retain", false)]
}

pub(super) fn bound(claim: &PersistentVolumeClaim) -> bool {
    claim.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Bound")
}

/// Claims that need no pod to be bound: of a class that binds at once, or with a volume named.
pub(super) async fn reconcile_claim(
    claim: Arc<PersistentVolumeClaim>,
    context: Arc<Context>,
) -> Result<Action, Failure> {
    let meta = &claim.metadata;
    if !context.scope.holds(meta.namespace.as_deref()) || meta.deletion_timestamp.is_some() || bound(&claim) {
        return Ok(Action::await_change());
    }
    let named = claim.spec.as_ref().is_some_and(|spec| spec.volume_name.is_some());
    let at_once = class(&claim, &context)
        .await?
        .is_some_and(|class| class.volume_binding_mode.as_deref().unwrap_or("Immediate") == "Immediate");
    if (named || at_once) && !bind(&claim, &context).await? {
        return Ok(Action::requeue(Duration::from_millis(100)));
    }
    Ok(Action::await_change())
}

async fn class(claim: &PersistentVolumeClaim, context: &Context) -> Result<Option<StorageClass>, Failure> {
    let name = claim.spec.as_ref().and_then(|spec| spec.storage_class_name.clone()).unwrap_or_default();
    if name.is_empty() {
        return Ok(None);
    }
    let classes: Api<StorageClass> = Api::all(context.client.clone());
    let class = classes.get_opt(&name).await?;
    if class.as_ref().is_some_and(|class| class.provisioner != PROVISIONER) {
        context.problem(format!("claim {}: the double does not provision for class {name}", key(claim)));
        return Ok(None);
    }
    Ok(class)
}

/// Binds a claim to the volume it names, or to a fresh one. `false` if it has to wait.
pub(super) async fn bind(claim: &PersistentVolumeClaim, context: &Context) -> Result<bool, Failure> {
    let volumes: Api<PersistentVolume> = Api::all(context.client.clone());
    let spec = claim.spec.as_ref().context("the claim has no spec")?;
    let uid = claim.uid().unwrap_or_default();
    let name = spec.volume_name.clone().unwrap_or_else(|| format!("pvc-{uid}"));
    let found = volumes.get_opt(&name).await?;
    let policy = match (&found, class(claim, context).await?) {
        (Some(_), _) => String::new(),
        (None, Some(class)) if spec.volume_name.is_none() => class.reclaim_policy.unwrap_or_else(|| "Delete".into()),
        (None, _) => return Ok(false),
    };
    context.delay(&key(claim), "bind").await;
    let reference = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": claim.namespace(), "name": claim.name_any(), "uid": uid,
    });
    let volume = match found {
        None => volumes.create(&PostParams::default(), &fresh(claim, &name, &policy, &reference, context)?).await?,
        Some(volume) if !taken(&volume, claim) => {
            let patch = json!({ "spec": { "claimRef": reference } });
            volumes.patch(&name, &PatchParams::default(), &Patch::Merge(patch)).await?
        }
        Some(volume) if volume.spec.as_ref().and_then(|spec| spec.claim_ref.as_ref()?.uid.clone()) == Some(uid) => {
            volume
        }
        Some(_) => return Ok(false),
    };
    let phase = json!({ "status": { "phase": "Bound" } });
    volumes.patch_status(&name, &PatchParams::default(), &Patch::Merge(phase)).await?;
    point(claim, &volume, context).await?;
    Ok(true)
}

/// Points the claim at its volume.
async fn point(claim: &PersistentVolumeClaim, volume: &PersistentVolume, context: &Context) -> Result<(), Failure> {
    let modes = claim.spec.as_ref().and_then(|spec| spec.access_modes.as_ref());
    let claims: Api<PersistentVolumeClaim> =
        Api::namespaced(context.client.clone(), &claim.namespace().unwrap_or_default());
    let annotations = json!({
        "pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes",
        "volume.kubernetes.io/storage-provisioner": PROVISIONER, "volume.kubernetes.io/selected-node": context.node,
    });
    let metadata = json!({ "uid": claim.uid(), "annotations": annotations });
    let patch = json!({ "metadata": metadata, "spec": { "volumeName": volume.name_any() } });
    claims.patch(&claim.name_any(), &PatchParams::default(), &Patch::Merge(patch)).await?;
    let capacity = volume.spec.as_ref().and_then(|spec| spec.capacity.as_ref());
    let status = json!({ "status": { "phase": "Bound", "accessModes": modes, "capacity": capacity } });
    claims.patch_status(&claim.name_any(), &PatchParams::default(), &Patch::Merge(status)).await?;
    Ok(())
}

/// Whether the volume belongs to a claim already, this one or another. A reference without a uid reserves it for the
/// claim of that name.
fn taken(volume: &PersistentVolume, claim: &PersistentVolumeClaim) -> bool {
    let Some(reference) = volume.spec.as_ref().and_then(|spec| spec.claim_ref.as_ref()) else {
        return false;
    };
    let ours = reference.name.as_deref() == claim.metadata.name.as_deref()
        && reference.namespace.as_deref() == claim.metadata.namespace.as_deref();
    reference.uid.is_some() || !ours
}

fn fresh(
    claim: &PersistentVolumeClaim,
    name: &str,
    policy: &str,
    reference: &Value,
    context: &Context,
) -> Result<PersistentVolume, Failure> {
    let spec = claim.spec.as_ref().context("the claim has no spec")?;
    let storage = spec.resources.as_ref().and_then(|resources| resources.requests.as_ref()?.get("storage"));
    let folder = format!("{name}_{}_{}", claim.namespace().unwrap_or_default(), claim.name_any());
    let volume = json!({
        "metadata": { "name": name, "annotations": { "pv.kubernetes.io/provisioned-by": PROVISIONER } },
        "spec": {
            "capacity": { "storage": storage },
            "accessModes": spec.access_modes,
            "claimRef": reference,
            "persistentVolumeReclaimPolicy": policy,
            "storageClassName": spec.storage_class_name,
            "volumeMode": spec.volume_mode,
            "hostPath": { "path": format!("/opt/local-path-provisioner/{folder}"), "type": "DirectoryOrCreate" },
            "nodeAffinity": { "required": { "nodeSelectorTerms": [{ "matchExpressions": [
                { "key": "kubernetes.io/hostname", "operator": "In", "values": [context.node] },
            ] }] } },
        },
    });
    Ok(serde_json::from_value(volume).context("the claim makes no volume")?)
}

/// Volumes whose claim is gone.
pub(super) async fn reconcile_volume(volume: Arc<PersistentVolume>, context: Arc<Context>) -> Result<Action, Failure> {
    let Some(spec) = &volume.spec else {
        return Ok(Action::await_change());
    };
    let Some(reference) = spec.claim_ref.clone() else {
        return Ok(Action::await_change());
    };
    let namespace = reference.namespace.clone().unwrap_or_default();
    if !context.scope.holds(Some(&namespace)) || reference.uid.is_none() || volume.metadata.deletion_timestamp.is_some()
    {
        return Ok(Action::await_change());
    }
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(context.client.clone(), &namespace);
    let name = reference.name.unwrap_or_default();
    if claims.get_opt(&name).await?.is_some_and(|claim| claim.uid() == reference.uid) {
        return Ok(Action::await_change());
    }
    let volumes: Api<PersistentVolume> = Api::all(context.client.clone());
    let claim = format!("{namespace}/{name}");
    context.delay(&claim, "reclaim").await;
    if volume.status.as_ref().and_then(|status| status.phase.as_deref()) != Some("Released") {
        // First for either policy: a volume that is Bound is protected from deletion.
        let phase = json!({ "status": { "phase": "Released" } });
        volumes.patch_status(&volume.name_any(), &PatchParams::default(), &Patch::Merge(phase)).await?;
    } else if spec.persistent_volume_reclaim_policy.as_deref() == Some("Delete") {
        // With its version, so that a policy changed in this moment still saves the data.
        let same = Preconditions { uid: volume.uid(), resource_version: volume.resource_version() };
        volumes.delete(&volume.name_any(), &DeleteParams::default().preconditions(same)).await?;
        context.disks.destroy(&volume.name_any(), &claim);
    }
    Ok(Action::await_change())
}
