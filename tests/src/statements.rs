//! Statements to the database, as sqlx tells of them: counted instead of timed, because machines differ.

use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its first words.
    pub summary: String,
    /// Whether it ran in what is answered at a fixed pace.
    pub paced: bool,
}

/// Hears of the statements of one thread.
#[derive(Debug, Clone, Default)]
pub struct Statements(Arc<Mutex<Vec<Statement>>>);

impl Statements {
    /// Listens on this thread until the guard is dropped.
    #[must_use]
    pub fn listen() -> (Self, DefaultGuard) {
        let statements = Self::default();
        let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(statements.clone()));
        (statements, guard)
    }

    /// Those that were heard of, in order.
    #[must_use]
    pub fn heard(&self) -> Vec<Statement> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct Summary(String);

impl Visit for Summary {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "summary" {
            value.clone_into(&mut self.0);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Statements {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if event.metadata().target() != "sqlx::query" {
            return;
        }
        let paced = context.event_scope(event).into_iter().flatten().any(|span| span.name() == "evenly");
        let mut summary = Summary(String::new());
        event.record(&mut summary);
        let statement = Statement { summary: summary.0, paced };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(statement);
    }
}
