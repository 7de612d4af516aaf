//! The purger: the only identity that destroys data.
//!
//! A [`crd::Purge`] is carried out when everything that could make it a mistake has been looked at, here and now, by this
//! program alone: see [`Refusal`] for the list. Then the server goes in an order ([`destroy::next`]) in which a purger
//! that is killed between any two writes goes on where it is; the data's volume and the record of the server go last.
//!
//! Decisions ([`decide`], [`breaker`], [`destroy`], [`expiry`]) are pure; all looking is in `observe` and `proof`, all
//! writing in `act`, `ledger`, `record` and `sweep`.

mod act;
pub mod breaker;
pub mod decide;
pub mod destroy;
pub mod expiry;
pub mod fake;
mod ledger;
mod mark;
mod metrics;
mod observe;
mod pass;
mod program;
mod proof;
mod record;
mod refusal;
mod sweep;

use std::sync::Arc;

use kube::Client;

pub use mark::PURGE_UID;
pub use metrics::Metrics;
pub use pass::Again;
pub use program::{Config, run, work};
pub use proof::Keys;
pub use refusal::Refusal;

use crate::clock::Clock;
use crate::events::Events;
use crate::store::Store;

/// The purger with its own credentials.
pub struct Purger {
    /// The way to the API server, as the purger.
    pub client: Client,
    /// The options.
    pub config: Config,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The object store, with the right to delete.
    pub store: Arc<dyn Store>,
    /// What proves a bundle.
    pub keys: Keys,
    /// Writes events.
    pub events: Events,
    /// Counters.
    pub metrics: Metrics,
}
