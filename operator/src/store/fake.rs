//! A store in memory, for tests. What it grants can really be put, over HTTP on the loopback, when it is asked to listen.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes as Body;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::put;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::{self, StreamExt as _};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::{Grant, Meta, Object, Put, Store, StoreError};

/// Objects in memory, and what was asked for.
#[derive(Debug, Default)]
pub struct FakeStore {
    inner: Mutex<Inner>,
    grants: Arc<Mutex<Grants>>,
}

#[derive(Debug, Default)]
struct Inner {
    survive: u32,
    fail: u32,
    calls: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Default)]
struct Grants {
    objects: BTreeMap<String, Bytes>,
    address: Option<SocketAddr>,
    granted: u64,
}

impl FakeStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The next `calls` calls fail.
    pub fn fail_next(&self, calls: u32) {
        self.fail_after(0, calls);
    }

    /// After `survive` good calls, `calls` calls fail.
    pub fn fail_after(&self, survive: u32, calls: u32) {
        let mut inner = lock(&self.inner);
        (inner.survive, inner.fail) = (survive, calls);
    }

    /// All keys, sorted.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        lock(&self.grants).objects.keys().cloned().collect()
    }

    /// The content of an object.
    #[must_use]
    pub fn content(&self, key: &str) -> Option<Bytes> {
        lock(&self.grants).objects.get(key).cloned()
    }

    /// Puts an object without asking.
    pub fn set(&self, key: &str, content: impl Into<Bytes>) {
        lock(&self.grants).objects.insert(key.to_owned(), content.into());
    }

    /// Takes an object away without asking.
    pub fn forget(&self, key: &str) {
        lock(&self.grants).objects.remove(key);
    }

    /// How many objects were put through grants.
    #[must_use]
    pub fn granted_puts(&self) -> u64 {
        lock(&self.grants).granted
    }

    /// How often each kind of call was made.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<&'static str, u64> {
        lock(&self.inner).calls.clone()
    }

    /// Serves granted puts on a free port of the loopback, until the runtime ends.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn listen(&self) -> std::io::Result<()> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        lock(&self.grants).address = Some(listener.local_addr()?);
        let router = Router::new()
            .route("/{*key}", put(take))
            .layer(DefaultBodyLimit::max(16 << 20))
            .with_state(Arc::clone(&self.grants));
        tokio::spawn(axum::serve(listener, router).into_future());
        Ok(())
    }

    fn call(&self, what: &'static str, key: &str) -> Result<MutexGuard<'_, Grants>, StoreError> {
        let mut inner = lock(&self.inner);
        *inner.calls.entry(what).or_default() += 1;
        if inner.survive > 0 {
            inner.survive -= 1;
        } else if inner.fail > 0 {
            inner.fail -= 1;
            return Err(StoreError::Failed {
                doing: what,
                key: key.to_owned(),
                source: "the fake was told to fail".into(),
            });
        }
        Ok(lock(&self.grants))
    }
}

async fn take(
    State(grants): State<Arc<Mutex<Grants>>>,
    Path(key): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> StatusCode {
    let sent = headers.get("x-amz-checksum-sha256").and_then(|value| value.to_str().ok());
    if sent != Some(STANDARD.encode(Sha256::digest(&body)).as_str()) {
        return StatusCode::BAD_REQUEST;
    }
    let mut grants = lock(&grants);
    grants.granted += 1;
    grants.objects.insert(key, body);
    StatusCode::OK
}

impl Store for FakeStore {
    fn configure(&self, _: &crd::cell::ObjectStore, _: Option<&str>) -> Result<(), StoreError> {
        Ok(())
    }

    fn presign_put<'a>(
        &'a self,
        key: &'a str,
        sha256: [u8; 32],
        _: Duration,
    ) -> BoxFuture<'a, Result<Grant, StoreError>> {
        async move {
            let address = self.call("presign", key)?.address.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 9)));
            let url = format!("http://{address}/{key}").parse();
            let url = url.map_err(|e: url::ParseError| StoreError::Configuration(e.to_string()))?;
            Ok(Grant { url, headers: vec![("x-amz-checksum-sha256".to_owned(), STANDARD.encode(sha256))] })
        }
        .boxed()
    }

    fn put<'a>(&'a self, key: &'a str, content: Bytes) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            self.call("put", key)?.objects.insert(key.to_owned(), content);
            Ok(())
        }
        .boxed()
    }

    fn put_if_absent<'a>(&'a self, key: &'a str, content: Bytes) -> BoxFuture<'a, Result<Put, StoreError>> {
        async move {
            let mut grants = self.call("put_if_absent", key)?;
            if grants.objects.contains_key(key) {
                return Ok(Put::Exists);
            }
            grants.objects.insert(key.to_owned(), content);
            Ok(Put::Created)
        }
        .boxed()
    }

    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Object>, StoreError>> {
        async move {
            let content = self.call("get", key)?.objects.get(key).cloned();
            Ok(content
                .map(|content| Object { size: content.len() as u64, stream: stream::iter([Ok(content)]).boxed() }))
        }
        .boxed()
    }

    fn head<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Meta>, StoreError>> {
        async move { Ok(self.call("head", key)?.objects.get(key).map(|content| meta(key, content))) }.boxed()
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<Meta>, StoreError>> {
        async move {
            let grants = self.call("list", prefix)?;
            let found = grants.objects.iter().filter(|(key, _)| key.starts_with(prefix));
            Ok(found.map(|(key, content)| meta(key, content)).collect())
        }
        .boxed()
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        async move {
            self.call("delete", key)?.objects.remove(key);
            Ok(())
        }
        .boxed()
    }
}

fn meta(key: &str, content: &Bytes) -> Meta {
    Meta { key: key.to_owned(), size: content.len() as u64, modified: Timestamp::UNIX_EPOCH }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::{ensure, read};
    use super::*;

    #[tokio::test]
    async fn only_the_first_conditional_put_counts() {
        let store = FakeStore::new();
        assert_eq!(store.put_if_absent("a/b", "one".into()).await.unwrap(), Put::Created);
        assert_eq!(store.put_if_absent("a/b", "two".into()).await.unwrap(), Put::Exists);
        assert_eq!(ensure(&store, "a/b", "three".into(), 100).await.unwrap(), "one");
        assert!(matches!(read(&store, "a/b", 2).await, Err(StoreError::TooLong { limit: 2 })));
        assert_eq!(read(&store, "a/c", 2).await.unwrap(), None);
        assert_eq!(store.list("a/").await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_failure_is_had_on_demand() {
        let store = FakeStore::new();
        store.fail_next(1);
        assert!(store.put("a", "x".into()).await.is_err());
        store.put("a", "x".into()).await.unwrap();
        assert_eq!(store.keys(), ["a"]);
    }
}
