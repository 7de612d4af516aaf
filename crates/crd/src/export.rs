//! A copy of everything a server is, to take away or to keep.

#![allow(clippy::duplicated_attributes)] // One `printcolumn` a column is how kube spells a table.

use jiff::Timestamp;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{InstanceRef, WorkStatus};

/// Which server to copy, for whom.
#[derive(CustomResource, Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "steppe.host",
    version = "v1alpha1",
    kind = "Export",
    doc = "A copy of everything a server is, as one encrypted and signed bundle.",
    status = "ExportStatus",
    derive = "PartialEq",
    category = "steppe",
    cel,
    printcolumn(name = "Instance", type_ = "string", json_path = ".spec.instanceRef.name"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".spec.reason"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Step", type_ = "string", json_path = ".status.step"),
    printcolumn(name = "Percent", type_ = "integer", json_path = ".status.percent"),
    printcolumn(name = "Bytes", type_ = "integer", json_path = ".status.bundle.bytes"),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.message", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    cel,
    validation = Rule::new("self.instanceRef == oldSelf.instanceRef && self.reason == oldSelf.reason && has(self.recipient) == has(oldSelf.recipient) && (!has(self.recipient) || self.recipient == oldSelf.recipient)").message("an export cannot be redirected; make a new one")
)]
pub struct ExportSpec {
    /// The server to copy.
    pub instance_ref: InstanceRef,
    /// Why it is made; decides how long the bundle is kept.
    #[serde(default)]
    pub reason: ExportReason,
    /// The age recipient that can open the bundle. Without one (here or on the instance) the bundle has a key of its
    /// own, kept sealed and handed over through `keyClaim`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::schema::recipient")]
    pub recipient: Option<String>,
    /// A one-time age recipient: the bundle's own key comes back sealed to it in `status.keyClaim`. May be set, changed
    /// and removed at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::schema::recipient")]
    pub key_claim: Option<String>,
}

/// Why an export is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum ExportReason {
    /// Somebody asked for it.
    #[default]
    Requested,
    /// It was night.
    Nightly,
    /// The server closes; its purge names this bundle.
    Final,
}

/// How the export goes and what it made.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ExportStatus {
    /// How it goes.
    #[serde(flatten)]
    pub work: WorkStatus,
    /// What it made; present once the manifest is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle: Option<Bundle>,
    /// Since when the server is stopped for the copy.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::schema::maybe_time")]
    pub stopped_at: Option<Timestamp>,
    /// When the copy was complete and the server could start again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::schema::maybe_time")]
    pub copied_at: Option<Timestamp>,
    /// The bundle's own key, sealed to `spec.keyClaim` (age, ASCII armour).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_claim: Option<String>,
    /// The `spec.keyClaim` that was answered last, with `keyClaim` or with a line in the log that says why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_claim_for: Option<String>,
    /// When the bundle's objects were removed because newer ones replaced it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::schema::maybe_time")]
    pub expired_at: Option<Timestamp>,
}

/// A complete bundle in the object store.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(inline)]
pub struct Bundle {
    /// Key prefix of its objects in the cell's bucket, ending in `/`.
    pub prefix: String,
    /// SHA-256 of the manifest, hex. Names the bundle for good.
    pub manifest_digest: String,
    /// Sum of the parts' sizes in bytes.
    pub bytes: u64,
    /// Number of parts.
    pub parts: u32,
    /// Number of files in it, hard links not counted.
    pub files: u64,
    /// Id of the key that opens it.
    pub key_id: String,
    /// For how many seconds the server was stopped.
    pub stopped_seconds: u32,
    /// How many deliveries were cut because they did not drain in time; absent where the flavour cannot tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deliveries_cut: Option<u64>,
}
