//! A server that someone owns.

#![allow(clippy::duplicated_attributes)] // One `printcolumn` a column is how kube spells a table.

use jiff::Timestamp;
use kube::{CustomResource, KubeSchema};
use names::{Flavour, Handle, Hostname, Revision, Size, Version};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Condition;

/// What a server should be.
#[derive(CustomResource, Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "steppe.host",
    version = "v1alpha1",
    kind = "Instance",
    doc = "A Mastodon-compatible server that someone owns.",
    status = "InstanceStatus",
    derive = "PartialEq",
    shortname = "inst",
    category = "steppe",
    cel,
    validation = Rule::new("self.metadata.name.matches('^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$')").message("the name must begin with a letter and have at most 40 lower-case letters, digits and inner hyphens"),
    printcolumn(name = "Host", type_ = "string", json_path = ".spec.hostname"),
    printcolumn(name = "Flavour", type_ = "string", json_path = ".spec.flavour"),
    printcolumn(name = "Version", type_ = "string", json_path = ".status.version"),
    printcolumn(name = "Size", type_ = "string", json_path = ".spec.size"),
    printcolumn(name = "Mode", type_ = "string", json_path = ".status.mode"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].status"),
    printcolumn(name = "Why", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].message"),
    printcolumn(name = "Exported", type_ = "date", json_path = ".status.lastExport.finishedAt", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    cel,
    validation = Rule::new("self.flavour == oldSelf.flavour").message("the flavour is part of the server's identity and cannot change"),
    validation = Rule::new("self.hostname == oldSelf.hostname").message("the host name is part of the server's identity and cannot change"),
    validation = Rule::new("self.owner.handle == oldSelf.owner.handle").message("the owner's handle is given at birth and cannot change"),
    validation = Rule::new("oldSelf.size == 'small' || oldSelf.size == self.size || (oldSelf.size == 'medium' && self.size == 'large')").message("a server may grow and never shrink, because its volume cannot"),
    validation = Rule::new("!has(oldSelf.revision) || (has(self.revision) && self.revision >= oldSelf.revision)").message("the revision never falls: a writer with an older database must stop")
)]
pub struct InstanceSpec {
    /// Which software it runs.
    pub flavour: Flavour,
    /// Which version of it; one that the cell lists.
    pub version: Version,
    /// How much room it has.
    #[serde(default = "small")]
    pub size: Size,
    /// Its public name. Never changes.
    pub hostname: Hostname,
    /// Who owns it.
    pub owner: Owner,
    /// What its owner may set from outside.
    #[serde(default)]
    pub settings: Settings,
    /// What it should be doing.
    #[serde(default)]
    pub mode: Mode,
    /// How its data is exported every night.
    #[serde(default)]
    pub exports: ExportPolicy,
    /// A one-time age recipient. Given before birth, the owner's first password comes back sealed to it in
    /// `status.ownerClaim`; taking it out clears that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::schema::recipient")]
    pub owner_claim: Option<String>,
    /// Why this server must not be purged, whatever else is approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 300))]
    pub legal_hold: Option<String>,
    /// The number of the control plane's wish; absent where there is no control plane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
}

fn small() -> Size {
    Size::Small
}

/// Who owns a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Owner {
    /// The account that is made at birth.
    pub handle: Handle,
}

/// What an owner may set from outside the server. Absent values are left as the server has them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(inline)]
pub struct Settings {
    /// The title that visitors read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100))]
    pub title: Option<String>,
    /// A sentence or two about the server, plain text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500))]
    pub description: Option<String>,
    /// Where visitors can write to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 254))]
    pub contact_email: Option<String>,
}

/// What a server should be doing, from least to most restrictive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Mode {
    /// Up, for all.
    #[default]
    Running,
    /// Up, refusing writes, where the flavour can; frozen where it cannot.
    ReadOnly,
    /// Stopped; its name answers 503 with a page of its own. Nothing is lost.
    Frozen,
    /// Stopped for good, waiting for its purge. Going back is possible until then.
    Closing,
}

impl Mode {
    /// The mode as written in objects.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::ReadOnly => "ReadOnly",
            Self::Frozen => "Frozen",
            Self::Closing => "Closing",
        }
    }
}

/// How a server's data is exported every night.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(inline)]
pub struct ExportPolicy {
    /// Whether there is a nightly export.
    pub nightly: bool,
    /// How many nightly bundles are kept; the newest are.
    #[schemars(range(min = 1, max = 60))]
    pub keep: u32,
    /// The customer's age recipient. Without one each bundle has a key of its own, kept sealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::schema::recipient")]
    pub recipient: Option<String>,
}

impl Default for ExportPolicy {
    fn default() -> Self {
        Self { nightly: true, keep: 7, recipient: None }
    }
}

/// What a server was seen to be.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct InstanceStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The revision whose wish has been carried out in full.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_revision: Option<Revision>,
    /// The mode in force: the most restrictive of the wished one and the running work's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Why the mode in force differs from the wished one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode_reason: Option<String>,
    /// The version that runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The address people open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The tenant's namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// What the server was born with. Written once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// The owner's first password, sealed to `spec.ownerClaim` (age, ASCII armour).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_claim: Option<String>,
    /// The newest complete bundle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_export: Option<LastExport>,
    /// What is true of it now.
    #[schemars(schema_with = "crate::schema::conditions")]
    pub conditions: Vec<Condition>,
}

/// What a server was born with: recorded before its first start, compared before every later one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Identity {
    /// The uid of the PersistentVolumeClaim.
    pub volume_claim_uid: String,
    /// The name of the PersistentVolume bound to it.
    pub volume_name: String,
    /// The uid of the identity Secret.
    pub secret_uid: String,
    /// SHA-256 over the owner's public key as the server publishes it, hex.
    pub fingerprint: String,
    /// When it was made.
    #[schemars(schema_with = "crate::schema::time")]
    pub born_at: Timestamp,
}

/// The newest complete bundle of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct LastExport {
    /// The uid of the `Export`.
    pub uid: String,
    /// SHA-256 of its manifest, hex.
    pub manifest_digest: String,
    /// When its manifest was written.
    #[schemars(schema_with = "crate::schema::time")]
    pub finished_at: Timestamp,
}
