//! What export jobs and the grants endpoint say to each other, JSON over HTTPS.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `GET /v1/exports/{uid}` | | [`Task`] |
//! | `POST /v1/exports/{uid}/parts` | [`PartRequest`] | [`crate::store::Grant`] |
//! | `POST /v1/exports/{uid}/segments` | [`SegmentDone`] | `null` |
//! | `POST /v1/exports/{uid}/finish` | [`Finish`] | `null` |
//! | `POST /v1/exports/{uid}/log` | a string | `null` |

use bundle::format::{ActorKey, Counts, Digest, ObjectName, SegmentRecord, SkippedList};
use jiff::Timestamp;
use names::{Flavour, Hostname, Version};
use serde::{Deserialize, Serialize};

/// What is to be written. Fixed when the copy begins, and the same for every pod that works on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// The software.
    pub flavour: Flavour,
    /// Its version.
    pub version: Version,
    /// The server's public name.
    pub hostname: Hostname,
    /// The age recipients that can open the bundle.
    pub recipients: Vec<String>,
    /// Whether the bundle has a key of its own, which the platform keeps sealed.
    pub own_key: bool,
    /// Since when the server is stopped for this copy; `None`: it was stopped anyway.
    pub stopped_at: Option<Timestamp>,
}

/// The order, and how far it has been carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// What is to be written.
    pub order: Order,
    /// Segments that are there.
    pub done: Vec<SegmentRecord>,
    /// Whether all is written.
    pub finished: bool,
}

/// Asks for a grant for one part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PartRequest {
    /// Its name in the bundle.
    pub name: ObjectName,
    /// Its length in bytes.
    pub size: u64,
    /// SHA-256 over its bytes.
    pub sha256: Digest,
}

/// Says that a segment is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SegmentDone {
    /// The segment.
    pub record: SegmentRecord,
    /// Bytes of content up to its end.
    pub done_bytes: u64,
    /// Bytes of content in all.
    pub total_bytes: u64,
}

/// Says that all is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finish {
    /// All segments, in order.
    pub segments: Vec<SegmentRecord>,
    /// How much there is.
    pub counts: Counts,
    /// What was left out.
    pub skipped: SkippedList,
    /// What people should know.
    pub warnings: Vec<String>,
    /// Deliveries that were cut by the stop; `None`: nobody knows.
    pub deliveries_cut: Option<u64>,
    /// The keys that other servers know the accounts by.
    pub actor_keys: Vec<ActorKey>,
}
