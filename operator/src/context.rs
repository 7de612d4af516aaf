//! What every reconciler is given.

use std::sync::{Arc, PoisonError, RwLock};

use kube::core::{Selector, SelectorExt as _};
use kube::{Client, ResourceExt};

use crate::apply::Writer;
use crate::cache::Caches;
use crate::cell::Ground;
use crate::clock::{Clock, Random};
use crate::config::Config;
use crate::events::Events;
use crate::instance::Memory;
use crate::metrics::Metrics;
use crate::probe::{Prober, Probes};
use crate::store::Store;

/// What the operator needs from outside: everything foreign is a trait with a fake beside it.
pub struct Deps {
    /// The way to the API server; [`crate::client`] makes one that counts its calls in `metrics`.
    pub client: Client,
    /// The options.
    pub config: Config,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Looks whether servers answer.
    pub prober: Arc<dyn Prober>,
    /// The object store.
    pub store: Arc<dyn Store>,
    /// Counters.
    pub metrics: Metrics,
}

/// What every reconciler is given.
pub struct Context {
    /// The way to the API server.
    pub client: Client,
    /// The options.
    pub config: Config,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// The object store.
    pub store: Arc<dyn Store>,
    /// Counters.
    pub metrics: Metrics,
    /// Writes objects.
    pub writer: Writer,
    /// Writes events.
    pub events: Events,
    /// What is known of the cluster.
    pub caches: Caches,
    /// What probes found.
    pub probes: Arc<Probes>,
    /// What is remembered of instances.
    pub instances: Memory,
    /// Which of our objects are reconciled here; all without one.
    pub selector: Option<Selector>,
    pub(crate) looking: tokio::sync::Mutex<()>,
    pub(crate) ground: RwLock<Option<Ground>>,
}

impl Context {
    /// What was last seen of the cluster itself.
    #[must_use]
    pub fn ground(&self) -> Option<Ground> {
        let ground = self.ground.read().unwrap_or_else(PoisonError::into_inner);
        ground.clone()
    }

    /// Whether an object of ours is reconciled here.
    #[must_use]
    pub fn selects(&self, object: &impl ResourceExt) -> bool {
        self.selector.as_ref().is_none_or(|selector| selector.matches(object.labels()))
    }

    pub(crate) fn set_ground(&self, seen: Ground) {
        *self.ground.write().unwrap_or_else(PoisonError::into_inner) = Some(seen);
    }
}
