//! Writing and following Kubernetes objects, as all services of a ground do it.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use kube::api::{Patch, PatchParams};
use kube::runtime::reflector::{self, Store};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

/// Owner of the fields that the lab writes, in server-side apply.
pub const FIELD_MANAGER: &str = "steppe-lab";

/// Applies one object, given as JSON without apiVersion and kind. Fields of others stay.
pub async fn apply<K>(api: &Api<K>, object: Value) -> Result<K>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + serde::Serialize,
{
    let object: K = serde_json::from_value(object).with_context(|| format!("this is no {}", K::kind(&())))?;
    let name = object.meta().name.clone().with_context(|| format!("a {} without a name", K::kind(&())))?;
    let params = PatchParams::apply(FIELD_MANAGER).force();
    let applied = api.patch(&name, &params, &Patch::Apply(&object)).await;
    applied.with_context(|| format!("cannot apply {} {name}", K::kind(&())))
}

/// Tells that something that is followed has changed.
#[derive(Clone, Debug, Default)]
pub struct Changes(Arc<Notify>);

impl Changes {
    /// Waits for a change and then for `debounce`, so that changes close together are taken together; at most for
    /// `resync`. Returns whether there was a change. A change since the last call is not lost.
    pub async fn settle(&self, debounce: Duration, resync: Duration) -> bool {
        let changed = timeout(resync, self.0.notified()).await.is_ok();
        if changed {
            sleep(debounce).await;
        }
        changed
    }
}

/// Follows all objects of `api`: a store that is always as new as the watch, and the stream that must be polled to keep
/// it so. Watch errors are logged and retried with growing pauses.
pub fn follow<K>(api: Api<K>, changes: &Changes) -> (Store<K>, BoxStream<'static, ()>)
where
    K: Resource + ResourceExt + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    K::DynamicType: Default + Eq + Hash + Clone + Debug + Send + Sync + Unpin,
{
    let (store, writer) = reflector::store();
    let watch = watcher(api, watcher::Config::default()).default_backoff();
    let notify = Arc::clone(&changes.0);
    let stream = reflector::reflector(writer, watch).map(move |event| match event {
        Ok(_) => notify.notify_one(),
        Err(error) => tracing::warn!(kind = %K::kind(&K::DynamicType::default()), "watch: {error}"),
    });
    (store, stream.boxed())
}

/// Polls a stream to its end.
pub async fn drain(mut stream: impl Stream<Item = ()> + Unpin) {
    while stream.next().await.is_some() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_before_the_wait_is_not_lost() {
        let changes = Changes::default();
        changes.0.notify_one();
        changes.0.notify_one();
        let second = Duration::from_secs(1);
        assert!(changes.settle(Duration::ZERO, second).await);
        assert!(!changes.settle(Duration::ZERO, Duration::from_millis(10)).await);
    }
}
