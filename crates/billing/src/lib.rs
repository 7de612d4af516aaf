//! The port to whoever takes the money. The control plane says what it wants by [`Command`]s and is told what is so by
//! [`Event`]s; what a server may do follows from the state of its subscription by one table.
//!
//! Nothing here knows of a provider's wire format. [`ManualBilling`] is the implementation that needs no provider.

pub mod command;
pub mod event;
pub mod manual;
pub mod port;
pub mod subscription;

pub use command::{Command, CommandKey};
pub use event::Event;
pub use manual::ManualBilling;
pub use port::{Admission, Billing, BillingError, Reply};
pub use subscription::SubscriptionState;
