//! Statements to the database, as sqlx tells of them: counted instead of timed, because machines differ.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, Once, PoisonError};

use tracing::field::{Field, Visit};
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

impl Statement {
    /// Whether the driver asks for what a connection does not know of the types of ours yet, whoever comes first.
    #[must_use]
    pub fn is_the_drivers(&self) -> bool {
        self.summary.contains("pg_catalog") || self.summary.contains("pg_type")
    }
}

/// Hears of the statements of one thread.
#[derive(Debug, Clone, Default)]
pub struct Statements(Arc<Mutex<Vec<Statement>>>);

/// Ends the hearing when dropped.
#[derive(Debug)]
pub struct Hearing(PhantomData<*const ()>);

thread_local! {
    static HEARING: RefCell<Option<Statements>> = const { RefCell::new(None) };
}

impl Statements {
    /// Listens on this thread until the guard is dropped.
    #[must_use]
    pub fn listen() -> (Self, Hearing) {
        // One for all threads: of one that is in force on a single thread, others that come to a statement first know
        // nothing, and then nobody is told of that kind of statement.
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Hearer));
        });
        let statements = Self::default();
        HEARING.set(Some(statements.clone()));
        (statements, Hearing(PhantomData))
    }

    /// Those that were heard of, in order.
    #[must_use]
    pub fn heard(&self) -> Vec<Statement> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Hearing {
    fn drop(&mut self) {
        HEARING.set(None);
    }
}

/// Tells whoever listens on a thread.
struct Hearer;

struct Summary(String);

impl Visit for Summary {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "summary" {
            value.clone_into(&mut self.0);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Hearer {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if event.metadata().target() != "sqlx::query" {
            return;
        }
        let Some(listener) = HEARING.with_borrow(Clone::clone) else {
            return;
        };
        let paced = context.event_scope(event).into_iter().flatten().any(|span| span.name() == "evenly");
        let mut summary = Summary(String::new());
        event.record(&mut summary);
        let statement = Statement { summary: summary.0, paced };
        listener.0.lock().unwrap_or_else(PoisonError::into_inner).push(statement);
    }
}
