//! The rules of the control plane: who may do what, what a server should be doing and why, and how orders, holds and
//! operations go from one state to the next.
//!
//! Everything here is decided from arguments alone, the clock and chance among them. Nothing is read or written.

#[macro_use]
mod word;

pub mod audit;
pub mod email;
pub mod entitlement;
pub mod hold;
pub mod id;
pub mod limits;
pub mod locale;
pub mod mode;
pub mod money;
pub mod operation;
pub mod password;
pub mod person;
pub mod retry;
pub mod role;
pub mod topic;

pub use email::Email;
pub use entitlement::Entitlement;
pub use hold::{Hold, HoldKind};
pub use locale::Locale;
pub use mode::Mode;
pub use money::Money;
pub use operation::Operation;
pub use password::Password;
pub use person::PersonName;
pub use role::{Right, Role};
pub use topic::Topic;
pub use word::UnknownWord;
