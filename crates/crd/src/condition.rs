//! What is true of an object now, and since when.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One observed truth about an object, in the shape of Kubernetes' own conditions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct Condition {
    /// What it is about, one of the constants of this module.
    #[serde(rename = "type")]
    pub type_: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Why, as one CamelCase word for programs.
    pub reason: String,
    /// Why, as a sentence for people: what happened, to which object, what to do.
    pub message: String,
    /// When `status` last changed.
    #[schemars(schema_with = "crate::schema::time")]
    pub last_transition_time: Timestamp,
    /// The generation of the spec that this was observed at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

/// The spec can be carried out in this cell (version known, names free, claim readable).
pub const ACCEPTED: &str = "Accepted";
/// The server's identity has been made and recorded. Never turns false again.
pub const BORN: &str = "Born";
/// The volume or Secret that the server was born with is missing or another one. The server is stopped.
pub const IDENTITY_MISSING: &str = "IdentityMissing";
/// Another, older instance has this host name.
pub const HOST_TAKEN: &str = "HostTaken";
/// The server answered a probe through its Service with the right Host header.
pub const SERVING: &str = "Serving";
/// The server answered a probe through its public URL: DNS, certificate and ingress are right.
pub const REACHABLE: &str = "Reachable";
/// Serving and reachable.
pub const READY: &str = "Ready";
/// The server's processes have ended. Its public name answers 503 as soon as the ingress has followed, which takes moments.
pub const STOPPED: &str = "Stopped";
/// The operator has been told to change nothing here.
pub const PAUSED: &str = "Paused";
/// Someone deleted this object; that is held until a purge.
pub const DELETION_HELD: &str = "DeletionHeld";

impl Condition {
    /// Whether the condition is `True`.
    #[must_use]
    pub fn is_true(&self) -> bool {
        self.status == "True"
    }
}

/// Whether a condition of this type is present and `True`.
#[must_use]
pub fn is_true(conditions: &[Condition], type_: &str) -> bool {
    conditions.iter().any(|condition| condition.type_ == type_ && condition.is_true())
}
