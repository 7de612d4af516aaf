//! The watches that fill the caches.

use std::collections::HashSet;
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crd::labels;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::DynamicObject;
use kube::core::PartialObjectMeta;
use kube::runtime::reflector::store::Writer;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt as _, watcher as watch};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;

use super::{Held, Owned, Trigger, owned};
use crate::kind::Kind;
use crate::metrics::Metrics;

/// Counts watches that have not had their first list.
#[derive(Clone, Default)]
pub(super) struct Synced(Arc<(AtomicUsize, Notify)>);

impl Synced {
    fn expect(&self) {
        self.0.0.fetch_add(1, Ordering::SeqCst);
    }

    fn done(&self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
        self.0.1.notify_waiters();
    }

    pub(super) fn is_done(&self) -> bool {
        self.0.0.load(Ordering::SeqCst) == 0
    }

    pub(super) async fn wait(&self) {
        loop {
            let changed = self.0.1.notified();
            if self.is_done() {
                return;
            }
            changed.await;
        }
    }
}

/// What every watch needs.
#[derive(Clone)]
pub(super) struct Source {
    pub(super) client: Client,
    pub(super) triggers: broadcast::Sender<Trigger>,
    pub(super) metrics: Metrics,
    pub(super) synced: Synced,
    pub(super) stop: CancellationToken,
}

impl Source {
    /// Watches a custom resource into a store. Every change triggers; a new list triggers all, because what was
    /// deleted while the watch was cut is in no event.
    pub(super) fn resource<K>(
        &self,
        selector: Option<&str>,
        mut writer: Writer<K>,
        mut trigger: impl FnMut(&K) -> Option<Trigger> + Send + 'static,
    ) where
        K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    {
        let mut config = watcher::Config::default();
        if let Some(selector) = selector {
            config = config.labels(selector);
        }
        let api: Api<K> = Api::all(self.client.clone());
        let kind = K::kind(&()).into_owned();
        let source = self.clone();
        self.synced.expect();
        tokio::spawn(async move {
            let mut events = watch(api, config)
                .default_backoff()
                .modify(|object| object.meta_mut().managed_fields = None)
                .take_until(source.stop.clone().cancelled_owned())
                .boxed();
            let mut first = true;
            while let Some(event) = events.next().await {
                let Some(event) = source.heard(&kind, event) else {
                    continue;
                };
                writer.apply_watcher_event(&event);
                match &event {
                    Event::Apply(object) => source.tell(trigger(object)),
                    Event::Delete(object) => source.tell(trigger(object).or(Some(Trigger::All))),
                    Event::InitDone => {
                        if std::mem::take(&mut first) {
                            source.synced.done();
                        }
                        source.tell(Some(Trigger::All));
                    }
                    Event::Init | Event::InitApply(_) => {}
                }
            }
        });
    }

    /// Watches an owned kind. Only changes that can matter trigger.
    pub(super) fn owned(&self, kind: Kind, cache: Owned) {
        let config = watcher::Config::default().labels(&format!("{}={}", labels::MANAGED_BY, labels::MANAGER));
        let client = self.client.clone();
        let source = self.clone();
        self.synced.expect();
        tokio::spawn(async move {
            let mut events = stream(kind, client, config)
                .default_backoff()
                .take_until(source.stop.clone().cancelled_owned())
                .boxed();
            let mut first = true;
            let mut listed = HashSet::new();
            while let Some(event) = events.next().await {
                let Some(event) = source.heard(kind.as_str(), event) else {
                    continue;
                };
                let concerned = match event {
                    Event::Init => {
                        listed.clear();
                        Vec::new()
                    }
                    Event::InitApply(object) => {
                        let held = Held::new(kind, object);
                        listed.insert(owned::key(&held));
                        cache.put(held)
                    }
                    Event::InitDone => {
                        let gone = cache.retain(kind, &listed);
                        listed = HashSet::new();
                        if std::mem::take(&mut first) {
                            source.synced.done();
                        }
                        gone
                    }
                    Event::Apply(object) => cache.put(Held::new(kind, object)),
                    Event::Delete(object) => cache.remove(&Held::new(kind, object)),
                };
                for (name, work_uid) in concerned {
                    source.tell(Some(Trigger::Instance { name, work_uid }));
                }
            }
        });
    }

    fn tell(&self, trigger: Option<Trigger>) {
        if let Some(trigger) = trigger {
            // Nobody listening is fine: a reconciler that starts later looks at everything.
            let _ = self.triggers.send(trigger);
        }
    }

    // The stream goes on after an error, by itself and later each time.
    fn heard<T>(&self, kind: &str, event: Result<Event<T>, watcher::Error>) -> Option<Event<T>> {
        match event {
            Ok(event) => {
                self.metrics.watch_event(kind);
                Some(event)
            }
            Err(error) => {
                self.metrics.watch_error(kind);
                tracing::warn!(kind, %error, "watch failed; it is started again");
                None
            }
        }
    }
}

/// The events of a kind: of its objects whole, or without what nobody reads of them.
fn stream(
    kind: Kind,
    client: Client,
    config: watcher::Config,
) -> BoxStream<'static, Result<Event<DynamicObject>, watcher::Error>> {
    match kind {
        Kind::Namespace => {
            let api: Api<PartialObjectMeta<Namespace>> = Api::all(client);
            watch(api, config).map_ok(|event| map(event, bare)).boxed()
        }
        Kind::ServiceAccount
        | Kind::RoleBinding
        | Kind::ResourceQuota
        | Kind::LimitRange
        | Kind::NetworkPolicy
        | Kind::ConfigMap
        | Kind::Secret
        | Kind::PersistentVolumeClaim
        | Kind::PersistentVolume
        | Kind::Job
        | Kind::Deployment
        | Kind::Pod
        | Kind::Service
        | Kind::Ingress => watch(kind.api(client, None), config).boxed(),
    }
}

fn bare<K>(object: PartialObjectMeta<K>) -> DynamicObject {
    DynamicObject { types: None, metadata: object.metadata, data: serde_json::json!({}) }
}

fn map<A, B>(event: Event<A>, change: impl FnOnce(A) -> B) -> Event<B> {
    match event {
        Event::Apply(object) => Event::Apply(change(object)),
        Event::Delete(object) => Event::Delete(change(object)),
        Event::Init => Event::Init,
        Event::InitApply(object) => Event::InitApply(change(object)),
        Event::InitDone => Event::InitDone,
    }
}
