//! One cluster and what its names mean there.

#![allow(clippy::duplicated_attributes)] // One `printcolumn` a column is how kube spells a table.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kube::{CustomResource, KubeSchema};
use names::{Flavour, Hostname, Version};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Condition;

/// What the cell offers. The only object of its kind, named `cell`, made by the chart.
#[derive(CustomResource, Debug, Clone, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "steppe.host",
    version = "v1alpha1",
    kind = "Cell",
    doc = "One cluster: its zone, ingress, object store, networks and the images behind versions.",
    status = "CellStatus",
    derive = "PartialEq",
    category = "steppe",
    cel,
    validation = Rule::new("self.metadata.name == 'cell'").message("there is one cell in a cluster, and its name is `cell`"),
    printcolumn(name = "Zone", type_ = "string", json_path = ".spec.zone"),
    printcolumn(name = "Cluster", type_ = "string", json_path = ".status.clusterUid"),
    printcolumn(name = "Breaker", type_ = "string", json_path = ".status.breaker.reason"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct CellSpec {
    /// The zone whose names tenants get; never the zone of the dashboard.
    pub zone: Hostname,
    /// How visitors come in.
    pub ingress: Ingress,
    /// Certificates that tenants' programs trust besides the public ones, PEM; for a private authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200_000))]
    pub trust_bundle: Option<String>,
    /// Where bundles and logs go.
    pub object_store: ObjectStore,
    /// The cell's own networks, which tenants must not reach.
    pub networks: Networks,
    /// The StorageClass of tenants' volumes.
    #[schemars(length(min = 1, max = 63))]
    pub storage_class: String,
    /// The images behind versions.
    pub versions: Vec<Release>,
    /// The platform's offline age recipient, to which each identity is sealed at birth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::schema::recipient")]
    pub escrow_recipient: Option<String>,
    /// When nightly exports begin, hour of the day in UTC; they are spread over the following hours.
    #[serde(default = "three")]
    #[schemars(range(min = 0, max = 23))]
    pub nightly_hour: u8,
    /// How many servers of each size fit; a size that is not listed has no limit.
    #[serde(default)]
    pub room: BTreeMap<String, u32>,
}

fn three() -> u8 {
    3
}

/// How visitors come in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Ingress {
    /// The IngressClass of tenants' Ingresses.
    #[schemars(length(min = 1, max = 63))]
    pub class_name: String,
    /// Where certificates come from.
    #[serde(default)]
    pub tls: Tls,
    /// The namespace of the ingress controller's pods, if it runs in pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Networks at which the public addresses of the ingress are seen from pods, so that tenants can reach each other
    /// by their public names even where those are private addresses.
    #[serde(default)]
    pub cidrs: Vec<String>,
    /// Annotations that the ingress controller or the certificate issuer needs on each Ingress.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

/// Where the certificates of tenants' names come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Tls {
    /// The ingress has a certificate for the whole zone.
    #[default]
    Wildcard,
    /// An issuer that watches Ingresses (cert-manager) writes one Secret per name.
    PerHost,
}

/// An S3-compatible store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct ObjectStore {
    /// Its base URL as seen from pods.
    #[schemars(length(min = 1, max = 300))]
    pub endpoint: String,
    /// The bucket for bundles, escrow and logs.
    #[schemars(length(min = 3, max = 63))]
    pub bucket: String,
    /// The region that requests are signed for.
    #[serde(default = "region")]
    pub region: String,
    /// The networks at which export jobs reach it, when it is not on the public internet.
    #[serde(default)]
    pub cidrs: Vec<String>,
}

fn region() -> String {
    "us-east-1".to_owned()
}

/// The cell's own networks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(inline)]
pub struct Networks {
    /// Pods.
    pub pods: Vec<String>,
    /// Services.
    pub services: Vec<String>,
    /// Nodes.
    pub nodes: Vec<String>,
    /// Where name servers are when they do not run as pods labelled `k8s-app=kube-dns` in `kube-system`.
    pub dns: Vec<String>,
}

/// A version that the cell offers and the image behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Release {
    /// Which software.
    pub flavour: Flavour,
    /// Which version of it.
    pub version: Version,
    /// The image, by digest where the registry has one.
    #[schemars(length(min = 1, max = 300))]
    pub image: String,
}

/// What the cell was seen to be.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CellStatus {
    /// The uid of the `kube-system` namespace: which cluster this is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_uid: Option<String>,
    /// How many more servers of each limited size fit.
    pub room: BTreeMap<String, u32>,
    /// The breaker on all destruction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaker: Option<Breaker>,
    /// When servers were destroyed, during the last hour.
    #[schemars(schema_with = "times")]
    pub recent_purges: Vec<Timestamp>,
    /// How many instances there were when last counted, to notice a list that shrank.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instances: Option<u32>,
    /// What is true of it now.
    #[schemars(schema_with = "crate::schema::conditions")]
    pub conditions: Vec<Condition>,
}

fn times(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "array", "maxItems": 1000, "items": { "type": "string", "format": "date-time" } })
}

/// Why and since when nothing is destroyed. A person removes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Breaker {
    /// One CamelCase word.
    pub reason: String,
    /// What was seen.
    pub message: String,
    /// Since when.
    #[schemars(schema_with = "crate::schema::time")]
    pub since: Timestamp,
}
