//! The one way in which a server's data is destroyed.

#![allow(clippy::duplicated_attributes)] // One `printcolumn` a column is how kube spells a table.

use jiff::Timestamp;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{InstanceRef, WorkStatus};

/// What to destroy, not before when, and who approved it.
#[derive(CustomResource, Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "steppe.host",
    version = "v1alpha1",
    kind = "Purge",
    doc = "Destroys a closed server's data, once its final bundle has been proven whole.",
    status = "PurgeStatus",
    derive = "PartialEq",
    category = "steppe",
    cel,
    printcolumn(name = "Instance", type_ = "string", json_path = ".spec.instanceRef.name"),
    printcolumn(name = "NotBefore", type_ = "date", json_path = ".spec.notBefore"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.reason"),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.message", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    cel,
    validation = Rule::new("self.instanceRef == oldSelf.instanceRef && self.manifestDigest == oldSelf.manifestDigest && self.notBefore == oldSelf.notBefore").message("a purge cannot be redirected or brought forward; make a new one"),
    validation = Rule::new("oldSelf.approvals.all(a, a in self.approvals)").message("an approval cannot be taken back or changed; delete the purge instead")
)]
pub struct PurgeSpec {
    /// The server to destroy.
    pub instance_ref: InstanceRef,
    /// SHA-256 of the manifest of the bundle that outlives it, hex.
    #[schemars(length(min = 64, max = 64), regex(pattern = "^[0-9a-f]{64}$"))]
    pub manifest_digest: String,
    /// Nothing is destroyed before this time.
    #[schemars(schema_with = "crate::schema::time")]
    pub not_before: Timestamp,
    /// Who approved it; at least one.
    #[serde(default)]
    #[schemars(length(max = 8))]
    pub approvals: Vec<Approval>,
}

/// One person's approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Approval {
    /// Who.
    #[schemars(length(min = 1, max = 100))]
    pub by: String,
    /// Why.
    #[schemars(length(min = 1, max = 300))]
    pub reason: String,
}

/// How the purge goes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PurgeStatus {
    /// How it goes. A refusal is `Pending` with the missing condition as `reason`: it may be met later.
    #[serde(flatten)]
    pub work: WorkStatus,
    /// When the whole bundle was last re-read and found good.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::schema::maybe_time")]
    pub verified_at: Option<Timestamp>,
}
