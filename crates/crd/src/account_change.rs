//! Work on a server's accounts that its software cannot do from its own pages.

#![allow(clippy::duplicated_attributes)] // One `printcolumn` a column is how kube spells a table.

use kube::{CustomResource, KubeSchema};
use names::Handle;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{InstanceRef, WorkStatus};

/// What to do to which account.
#[derive(CustomResource, Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "steppe.host",
    version = "v1alpha1",
    kind = "AccountChange",
    doc = "Adds or removes an account of a server, or gives one a new password.",
    status = "AccountChangeStatus",
    derive = "PartialEq",
    shortname = "achg",
    category = "steppe",
    cel,
    printcolumn(name = "Instance", type_ = "string", json_path = ".spec.instanceRef.name"),
    printcolumn(name = "Action", type_ = "string", json_path = ".spec.action"),
    printcolumn(name = "Handle", type_ = "string", json_path = ".spec.handle"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.message"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    cel,
    validation = Rule::new("self == oldSelf").message("an account change is asked for once; make a new one"),
    validation = Rule::new("self.action == 'Remove' || has(self.claim)").message("the new password needs a one-time recipient in `claim` to come back to")
)]
pub struct AccountChangeSpec {
    /// The server.
    pub instance_ref: InstanceRef,
    /// What to do.
    pub action: AccountAction,
    /// The account.
    pub handle: Handle,
    /// A one-time age recipient for the password that is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::schema::recipient")]
    pub claim: Option<String>,
}

/// What to do to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum AccountAction {
    /// Make it, with a new password.
    Add,
    /// Give it a new password.
    ResetLogin,
    /// Remove it with all it posted. Cannot be undone; the owner's account is refused.
    Remove,
}

/// How the change goes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AccountChangeStatus {
    /// How it goes.
    #[serde(flatten)]
    pub work: WorkStatus,
    /// The new password, sealed to `spec.claim` (age, ASCII armour).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
}
