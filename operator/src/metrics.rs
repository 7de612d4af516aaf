//! What the operator counts, in OpenMetrics' text form at `/metrics`.

use std::sync::{Arc, PoisonError, RwLock};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::error::Step;

mod calls;

pub use calls::{Call, CountCalls, CountCallsLayer};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabel {
    kind: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StepLabel {
    kind: String,
    step: String,
}

type Histograms = Family<KindLabel, Histogram, fn() -> Histogram>;

/// All counters of one operator. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Arc<RwLock<Registry>>,
    reconciles: Family<KindLabel, Counter>,
    errors: Family<StepLabel, Counter>,
    seconds: Histograms,
    waiting: Family<KindLabel, Gauge>,
    waited: Histograms,
    writes: Family<KindLabel, Counter>,
    time_to_ready: Histogram,
    watch_events: Family<KindLabel, Counter>,
    watch_errors: Family<KindLabel, Counter>,
    leader: Gauge,
    calls: Family<Call, Counter>,
}

// 1 ms to 65 s: a reconcile that writes nothing takes less than a millisecond, one that applies all some tenths of a
// second, one that waits for a slow API server many seconds.
fn durations() -> Histogram {
    Histogram::new((0..17).map(|n| 0.001 * f64::from(1 << n)))
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            registry: Arc::default(),
            reconciles: Family::default(),
            errors: Family::default(),
            seconds: Family::new_with_constructor(durations),
            waiting: Family::default(),
            waited: Family::new_with_constructor(durations),
            writes: Family::default(),
            // From pods with warm images (seconds) to images pulled and certificates issued (minutes).
            time_to_ready: Histogram::new([
                2.0, 4.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 120.0, 300.0, 900.0, 3600.0,
            ]),
            watch_events: Family::default(),
            watch_errors: Family::default(),
            leader: Gauge::default(),
            calls: Family::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&self) {
        let mut registry = self.registry.write().unwrap_or_else(PoisonError::into_inner);
        let registry = registry.sub_registry_with_prefix("steppe_operator");
        registry.register("reconciles", "Reconciles begun", self.reconciles.clone());
        registry.register("errors", "Reconciles that failed, by step", self.errors.clone());
        registry.register("reconcile_seconds", "Duration of a reconcile", self.seconds.clone());
        registry.register("queue", "Objects that wait for a reconcile", self.waiting.clone());
        registry.register("queue_seconds", "How long an object waited for a reconcile", self.waited.clone());
        registry.register("writes", "Objects written, by kind", self.writes.clone());
        registry.register(
            "time_to_ready_seconds",
            "From an instance's creation to its first Ready",
            self.time_to_ready.clone(),
        );
        registry.register("watch_events", "Events received by watches", self.watch_events.clone());
        registry.register("watch_errors", "Watches that broke and were started again", self.watch_errors.clone());
        registry.register("leader", "Whether this replica holds the lease", self.leader.clone());
        registry.register("api_calls", "Requests sent to the API server", self.calls.clone());
    }

    /// A reconcile began, after having waited for so long.
    pub fn began(&self, kind: &str, waited: std::time::Duration) {
        self.reconciles.get_or_create(&label(kind)).inc();
        self.waited.get_or_create(&label(kind)).observe(waited.as_secs_f64());
    }

    /// A reconcile ended.
    pub fn ended(&self, kind: &str, took: std::time::Duration) {
        self.seconds.get_or_create(&label(kind)).observe(took.as_secs_f64());
    }

    /// A reconcile failed at a step.
    pub fn failed(&self, kind: &str, step: Step) {
        let label = StepLabel { kind: kind.to_owned(), step: step.as_str().to_owned() };
        self.errors.get_or_create(&label).inc();
    }

    /// So many objects of a kind wait for a reconcile.
    pub fn waiting(&self, kind: &str, count: usize) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.waiting.get_or_create(&label(kind)).set(count);
    }

    /// An object was written.
    pub fn wrote(&self, kind: &str) {
        self.writes.get_or_create(&label(kind)).inc();
    }

    /// An instance became ready for the first time, so long after its creation.
    pub fn became_ready(&self, seconds: f64) {
        self.time_to_ready.observe(seconds);
    }

    /// A watch heard something.
    pub fn watch_event(&self, kind: &str) {
        self.watch_events.get_or_create(&label(kind)).inc();
    }

    /// A watch broke.
    pub fn watch_error(&self, kind: &str) {
        self.watch_errors.get_or_create(&label(kind)).inc();
    }

    /// This replica got or lost the lease.
    pub fn leads(&self, leads: bool) {
        self.leader.set(i64::from(leads));
    }

    /// A layer for a kube client that counts its requests.
    #[must_use]
    pub fn layer(&self) -> CountCallsLayer {
        CountCallsLayer::new(self.calls.clone())
    }

    /// How many requests of this verb (`get`, `list`, `watch`, `create`, `update`, `patch`, `delete`) were sent.
    #[must_use]
    pub fn calls(&self, verb: &str, resource: &str) -> u64 {
        let call = Call { verb: verb.to_owned(), resource: resource.to_owned() };
        self.calls.get(&call).map_or(0, |counter| counter.get())
    }

    /// All counters as text.
    ///
    /// # Errors
    /// When a label cannot be written as text; none of ours can.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        let registry = self.registry.read().unwrap_or_else(PoisonError::into_inner);
        encode(&mut text, &registry)?;
        Ok(text)
    }
}

fn label(kind: &str) -> KindLabel {
    KindLabel { kind: kind.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn everything_counted_is_in_the_text() {
        let metrics = Metrics::default();
        metrics.began("Instance", Duration::from_millis(3));
        metrics.ended("Instance", Duration::from_millis(3));
        metrics.failed("Instance", Step::Apply);
        metrics.waiting("Instance", 2);
        metrics.wrote("Deployment");
        metrics.became_ready(7.0);
        metrics.watch_event("Pod");
        metrics.watch_error("Pod");
        metrics.leads(true);
        let text = metrics.text().unwrap();
        for line in [
            r#"steppe_operator_reconciles_total{kind="Instance"} 1"#,
            r#"steppe_operator_errors_total{kind="Instance",step="apply"} 1"#,
            r#"steppe_operator_queue{kind="Instance"} 2"#,
            r#"steppe_operator_writes_total{kind="Deployment"} 1"#,
            r#"steppe_operator_time_to_ready_seconds_bucket{le="8.0"} 1"#,
            r"steppe_operator_leader 1",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
    }
}
