//! The loop that all reconcilers share: triggers in, one reconcile per object at a time, waiting longer after each
//! failure.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::{StreamExt as _, stream};
use kube::Resource;
use kube::runtime::controller::{Action, Config, ReconcileRequest, applier};
use kube::runtime::reflector::{ObjectRef, Store};
use tokio::sync::broadcast;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::backoff;
use crate::cache::{Caches, Trigger};
use crate::context::Context;
use crate::error::Error;

/// Who has to be looked at because of a trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Concern {
    /// The objects with these names.
    These(Vec<String>),
    /// All objects of the kind.
    All,
}

/// Reconciles one kind of object.
pub trait Reconciler: Send + Sync + 'static {
    /// The kind.
    type Object: Resource<DynamicType = ()> + Clone + Send + Sync + 'static;

    /// The kind's name in logs and metrics.
    const KIND: &'static str;

    /// Where objects of the kind are read from.
    fn store(caches: &Caches) -> Store<Self::Object>;

    /// Which objects a trigger concerns.
    fn concerned(caches: &Caches, trigger: &Trigger) -> Concern;

    /// Brings one object nearer to its wish and saves what was found. Says when to look again though nothing happens.
    fn reconcile(
        context: Arc<Context>,
        object: Arc<Self::Object>,
    ) -> impl Future<Output = Result<Action, Error>> + Send;
}

/// Objects that wait, since when, and how often in a row they failed.
#[derive(Default)]
struct Book {
    waiting: HashMap<String, Instant>,
    failures: HashMap<String, u32>,
}

struct Shared {
    context: Arc<Context>,
    book: Mutex<Book>,
}

/// Runs a reconciler until `stop`; reconciles that have begun then end first.
pub async fn drive<R: Reconciler>(context: Arc<Context>, stop: CancellationToken)
where
    ObjectRef<R::Object>: Eq + Hash,
{
    let caches = context.caches.clone();
    let receiver = caches.subscribe();
    if !caches.ready(&stop).await {
        return;
    }
    let store = R::store(&caches);
    let shared = Arc::new(Shared { context: context.clone(), book: Mutex::default() });
    let noted = shared.clone();
    let everything = stream::iter(names(&store));
    let triggered = triggers::<R>(caches, store.clone(), receiver);
    let queue = everything
        .chain(triggered)
        .inspect(move |name| noted.queued::<R>(name))
        .map(|name| Ok::<_, Infallible>(ReconcileRequest::from(ObjectRef::new(&name))))
        .take_until(stop.cancelled_owned());
    applier(
        |object, shared| Box::pin(one::<R>(object, shared)),
        |object, error, shared: Arc<Shared>| shared.failed::<R>(&object, error),
        shared,
        store,
        queue,
        Config::default().concurrency(context.config.concurrency),
    )
    .for_each(|_| std::future::ready(())) // errors have been logged where they happened
    .await;
}

fn names<K: Resource<DynamicType = ()> + Clone + 'static>(store: &Store<K>) -> Vec<String> {
    store.state().iter().filter_map(|object| object.meta().name.clone()).collect()
}

fn triggers<R: Reconciler>(
    caches: Caches,
    store: Store<R::Object>,
    receiver: broadcast::Receiver<Trigger>,
) -> impl stream::Stream<Item = String> + Send {
    stream::unfold(receiver, |mut receiver| async {
        match receiver.recv().await {
            Ok(trigger) => Some((trigger, receiver)),
            Err(broadcast::error::RecvError::Lagged(_)) => Some((Trigger::All, receiver)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    })
    .map(move |trigger| match R::concerned(&caches, &trigger) {
        Concern::These(names) => names,
        Concern::All => names(&store),
    })
    .flat_map(stream::iter)
    .boxed()
}

async fn one<R: Reconciler>(object: Arc<R::Object>, shared: Arc<Shared>) -> Result<Action, Error> {
    let name = object.meta().name.clone().unwrap_or_default();
    let metrics = &shared.context.metrics;
    metrics.began(R::KIND, shared.taken::<R>(&name));
    let began = Instant::now();
    let result = R::reconcile(shared.context.clone(), object).await;
    metrics.ended(R::KIND, began.elapsed());
    if result.is_ok() {
        shared.book().failures.remove(&name);
    }
    result
}

impl Shared {
    fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queued<R: Reconciler>(&self, name: &str) {
        let mut book = self.book();
        book.waiting.entry(name.to_owned()).or_insert_with(Instant::now);
        self.context.metrics.waiting(R::KIND, book.waiting.len());
    }

    fn taken<R: Reconciler>(&self, name: &str) -> Duration {
        let mut book = self.book();
        let since = book.waiting.remove(name);
        self.context.metrics.waiting(R::KIND, book.waiting.len());
        since.map(|since| since.elapsed()).unwrap_or_default()
    }

    fn failed<R: Reconciler>(&self, object: &Arc<R::Object>, error: &Error) -> Action {
        let meta = object.meta();
        let name = meta.name.clone().unwrap_or_default();
        let failures = {
            let mut book = self.book();
            let count = book.failures.entry(name.clone()).or_default();
            *count = count.saturating_add(1);
            *count
        };
        let wait = backoff::after(failures, backoff::spread(&name));
        let uid = meta.uid.as_deref().unwrap_or_default();
        if error.stale {
            tracing::info!(kind = R::KIND, name, uid, error = error.chain(), "somebody wrote first; looking again");
        } else {
            self.context.metrics.failed(R::KIND, error.step);
            tracing::error!(kind = R::KIND, name, uid, step = %error.step, failures, error = error.chain(), "reconcile failed");
        }
        Action::requeue(wait)
    }
}
