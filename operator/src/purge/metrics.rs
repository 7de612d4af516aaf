//! What the purger counts.

use std::sync::{Arc, PoisonError, RwLock};

use crd::{Phase, Purge};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    phase: String,
    reason: String,
}

/// The purger's counters. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Arc<RwLock<Registry>>,
    purges: Family<State, Gauge>,
    breaker: Gauge,
    expired: Counter,
    passes: Counter,
    failures: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            registry: Arc::default(),
            purges: Family::default(),
            breaker: Gauge::default(),
            expired: Counter::default(),
            passes: Counter::default(),
            failures: Counter::default(),
        };
        let mut registry = metrics.registry.write().unwrap_or_else(PoisonError::into_inner);
        let ours = registry.sub_registry_with_prefix("steppe_purger");
        ours.register("purges", "Purges by phase and reason", metrics.purges.clone());
        ours.register("breaker_open", "Whether all destruction is stopped", metrics.breaker.clone());
        ours.register("expired_bundles", "Bundles removed because their time was over", metrics.expired.clone());
        ours.register("passes", "Looks at all purges", metrics.passes.clone());
        ours.register("failed_passes", "Looks that ended with an error", metrics.failures.clone());
        drop(registry);
        metrics
    }
}

impl Metrics {
    /// All purges as they are now.
    pub fn purges(&self, purges: &[Purge]) {
        self.purges.clear();
        for purge in purges {
            let work = purge.status.as_ref().map(|status| &status.work);
            let state = State {
                phase: work.map_or(Phase::Pending, |work| work.phase).as_str().to_owned(),
                reason: work.map(|work| work.reason.clone()).unwrap_or_default(),
            };
            self.purges.get_or_create(&state).inc();
        }
    }

    /// Whether the breaker is open.
    pub fn breaker(&self, open: bool) {
        self.breaker.set(i64::from(open));
    }

    /// A bundle expired.
    pub fn expired(&self) {
        self.expired.inc();
    }

    /// A pass ended.
    pub fn passed(&self, well: bool) {
        self.passes.inc();
        if !well {
            self.failures.inc();
        }
    }

    /// All counters as text.
    ///
    /// # Errors
    /// When a label cannot be written as text; none of ours can.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry.read().unwrap_or_else(PoisonError::into_inner))?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_that_nobody_is_in_any_more_is_gone() {
        let metrics = Metrics::default();
        let mut purge: Purge = serde_json::from_value(serde_json::json!({
            "metadata": { "name": "p" },
            "spec": { "instanceRef": { "name": "birds", "uid": "u" }, "manifestDigest": "0", "notBefore": "2026-01-01T00:00:00Z" },
        }))
        .unwrap();
        metrics.purges(std::slice::from_ref(&purge));
        assert!(metrics.text().unwrap().contains(r#"steppe_purger_purges{phase="Pending",reason=""} 1"#));
        purge.status = Some(crd::PurgeStatus::default());
        purge.status.as_mut().unwrap().work.reason = "TooEarly".into();
        metrics.purges(&[purge]);
        let text = metrics.text().unwrap();
        assert!(text.contains(r#"reason="TooEarly"} 1"#) && !text.contains(r#"reason="""#), "{text}");
    }
}
