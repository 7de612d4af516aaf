//! The contract between the programs: the custom resources of group `steppe.host`, version `v1alpha1`.
//!
//! All kinds are cluster-scoped. An [`Instance`] names what it wants by flavour, version, size and host name, and never an
//! image, an environment variable or a field of a pod: whoever steals the right to write instances cannot run code.
//! The [`Cell`] says what those names mean here. Work objects ([`Export`], [`AccountChange`], [`Purge`]) ask for
//! something to be done once; their record of what happened is a [`WorkStatus`].
//!
//! Status carries transitions only, never "last seen at": an idle fleet writes nothing.

pub mod account_change;
pub mod cell;
pub mod condition;
pub mod export;
pub mod instance;
pub mod labels;
pub mod purge;
mod schema;
pub mod work;

pub use account_change::{AccountAction, AccountChange, AccountChangeSpec, AccountChangeStatus};
pub use cell::{Cell, CellSpec, CellStatus};
pub use condition::Condition;
pub use export::{Bundle, Export, ExportReason, ExportSpec, ExportStatus};
pub use instance::{Identity, Instance, InstanceSpec, InstanceStatus, Mode};
pub use purge::{Approval, Purge, PurgeSpec, PurgeStatus};
pub use work::{InstanceRef, Phase, WorkStatus};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt as _;

/// The API group of all kinds.
pub const GROUP: &str = "steppe.host";
/// The one served version.
pub const VERSION: &str = "v1alpha1";

/// All definitions, in the order in which they are installed.
#[must_use]
pub fn all() -> Vec<CustomResourceDefinition> {
    vec![Cell::crd(), Instance::crd(), Export::crd(), AccountChange::crd(), Purge::crd()]
}
