//! A store in memory, for tests.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt as _, ready};
use futures::stream::{StreamExt as _, iter};

use super::{Content, Meta, Objects, ObjectsError};

/// A store in memory.
#[derive(Debug, Default)]
pub struct FakeObjects(Mutex<BTreeMap<String, Bytes>>);

impl FakeObjects {
    /// Puts an object into it.
    pub fn put(&self, key: &str, content: impl Into<Bytes>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), content.into());
    }

    fn get(&self, key: &str) -> Result<Bytes, ObjectsError> {
        let objects = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        objects.get(key).cloned().ok_or_else(|| ObjectsError::Missing(key.to_owned()))
    }
}

impl Objects for FakeObjects {
    fn head<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Meta, ObjectsError>> {
        let found = self
            .get(key)
            .map(|content| Meta { size: content.len() as u64, tag: Some(format!("\"{}-{key}\"", content.len())) });
        ready(found).boxed()
    }

    fn read<'a>(&'a self, key: &'a str, range: Range<u64>) -> BoxFuture<'a, Result<Content, ObjectsError>> {
        let read = || {
            let content = self.get(key)?;
            let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(content.len());
            let part = content.slice(at(range.start)..at(range.end));
            // In small pieces, as a network brings them.
            let pieces: Vec<_> = part.chunks(7).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
            Ok(iter(pieces).boxed())
        };
        ready(read()).boxed()
    }
}
