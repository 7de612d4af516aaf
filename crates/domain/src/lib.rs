//! The rules of the control plane: who may do what, what a server should be doing and why, and how orders, holds and
//! operations go from one state to the next.
//!
//! Everything here is decided from arguments alone, the clock and chance among them. Nothing is read or written.

#[macro_use]
mod word;

pub mod abuse;
pub mod audit;
pub mod closing;
pub mod download;
pub mod email;
pub mod entitlement;
pub mod hold;
pub mod id;
pub mod label;
pub mod limits;
pub mod locale;
pub mod mode;
pub mod money;
pub mod offer;
pub mod operation;
pub mod order;
pub mod password;
pub mod person;
pub mod retry;
pub mod role;
pub mod scope;
pub mod standing;
pub mod topic;
pub mod waitlist;

pub use closing::Closing;
pub use email::Email;
pub use entitlement::Entitlement;
pub use hold::{Hold, HoldKind};
pub use label::ServerName;
pub use locale::Locale;
pub use mode::Mode;
pub use money::Money;
pub use offer::Offer;
pub use operation::Operation;
pub use order::Order;
pub use password::Password;
pub use person::PersonName;
pub use role::{Right, Role};
pub use scope::{Scope, Scopes};
pub use standing::Standing;
pub use topic::Topic;
pub use word::UnknownWord;
