//! A store whose user dies at one of its deletions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use operator::store::fake::FakeStore;
use operator::store::{Grant, Meta, Object, Put, Store, StoreError};

/// Fails from the nth deletion on, which is done or not.
#[derive(Debug)]
pub struct Brittle {
    inner: Arc<FakeStore>,
    left: AtomicU32,
    done: bool,
}

impl Brittle {
    /// A store that works for `deletions` deletions; the next one is `done` or not, and nothing works after it.
    #[must_use]
    pub const fn new(inner: Arc<FakeStore>, deletions: u32, done: bool) -> Self {
        Self { inner, left: AtomicU32::new(deletions + 1), done }
    }

    /// Whether it broke.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.left.load(Ordering::SeqCst) == 0
    }

    fn broken(&self, key: &str) -> StoreError {
        StoreError::Failed { doing: "deleting", key: key.to_owned(), source: "the test ends it here".into() }
    }
}

impl Store for Brittle {
    fn configure(&self, at: &crd::cell::ObjectStore, trust: Option<&str>) -> Result<(), StoreError> {
        self.inner.configure(at, trust)
    }

    fn presign_put<'a>(
        &'a self,
        key: &'a str,
        sha256: [u8; 32],
        valid: Duration,
    ) -> BoxFuture<'a, Result<Grant, StoreError>> {
        self.inner.presign_put(key, sha256, valid)
    }

    fn put<'a>(&'a self, key: &'a str, content: Bytes) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.put(key, content)
    }

    fn put_if_absent<'a>(&'a self, key: &'a str, content: Bytes) -> BoxFuture<'a, Result<Put, StoreError>> {
        self.inner.put_if_absent(key, content)
    }

    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Object>, StoreError>> {
        self.inner.get(key)
    }

    fn head<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Meta>, StoreError>> {
        self.inner.head(key)
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<Meta>, StoreError>> {
        self.inner.list(prefix)
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let left = self.left.load(Ordering::SeqCst);
            self.left.store(left.saturating_sub(1), Ordering::SeqCst);
            if left > 1 || (left == 1 && self.done) {
                self.inner.delete(key).await?;
            }
            if left > 1 { Ok(()) } else { Err(self.broken(key)) }
        })
    }
}
