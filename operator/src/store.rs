//! The object store, where bundles, escrow and logs are.
//!
//! Nothing of the operator deletes objects; [`Store::delete`] is there for the purger, which has credentials of its own.

mod credentials;
pub mod fake;
pub mod layout;
mod s3;

use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use futures::stream::{BoxStream, StreamExt as _};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use s3::S3Store;

/// What an object store is asked for. Keys are relative to the bucket and never begin with `/`.
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Says where the store is, as the cell has it. Called at the start and whenever the cell changes; cheap when nothing
    /// changed.
    ///
    /// # Errors
    /// When no client can be made from it.
    fn configure(&self, at: &crd::cell::ObjectStore, trust_bundle: Option<&str>) -> Result<(), StoreError>;

    /// A grant to put one object with exactly this content, without credentials.
    fn presign_put<'a>(
        &'a self,
        key: &'a str,
        sha256: [u8; 32],
        valid: Duration,
    ) -> BoxFuture<'a, Result<Grant, StoreError>>;

    /// Puts an object, replacing one of the same key.
    fn put<'a>(&'a self, key: &'a str, content: Bytes) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Puts an object only where there is none (`If-None-Match: *`). [`Put::Exists`] may also mean that an earlier try of
    /// this very call came through and its answer was lost: use [`ensure`] to know what is stored.
    fn put_if_absent<'a>(&'a self, key: &'a str, content: Bytes) -> BoxFuture<'a, Result<Put, StoreError>>;

    /// Opens an object; `None` when there is none.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Object>, StoreError>>;

    /// Looks at an object; `None` when there is none.
    fn head<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Meta>, StoreError>>;

    /// All objects whose keys begin with `prefix`, which ends in `/`; sorted by key.
    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<Meta>, StoreError>>;

    /// Deletes an object; no error when there is none. For the purger only.
    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;
}

/// A presigned request: a PUT to `url` with these headers and no others of the store's own.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Where to put. Whoever has it can put this one object until it expires, so it is not logged.
    #[serde(with = "as_text")]
    pub url: url::Url,
    /// Headers that were signed and must be sent.
    pub headers: Vec<(String, String)>,
}

mod as_text {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};
    use url::Url;

    pub(super) fn serialize<S: Serializer>(url: &Url, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(url.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
        let text = String::deserialize(deserializer)?;
        // Without the text, which is a secret while it lasts.
        text.parse().map_err(|_| D::Error::custom("a grant holds no URL"))
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Grant({})", self.url.path())
    }
}

/// What a conditional put found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// There was none; now there is this one.
    Created,
    /// There was one; it is unchanged.
    Exists,
}

/// What a store says about an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Its key.
    pub key: String,
    /// Its length in bytes.
    pub size: u64,
    /// When it was put.
    pub modified: Timestamp,
}

/// An opened object.
pub struct Object {
    /// Its length in bytes.
    pub size: u64,
    /// Its content.
    pub stream: BoxStream<'static, Result<Bytes, StoreError>>,
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Object({} bytes)", self.size)
    }
}

impl Object {
    /// Reads it into memory.
    ///
    /// # Errors
    /// When it is longer than `limit` bytes, or the store fails midway.
    pub async fn read(mut self, limit: u64) -> Result<Bytes, StoreError> {
        let too_long = || StoreError::TooLong { limit };
        if self.size > limit {
            return Err(too_long());
        }
        let mut content = BytesMut::new();
        while let Some(chunk) = self.stream.next().await {
            content.extend_from_slice(&chunk?);
            if content.len() as u64 > limit {
                return Err(too_long());
            }
        }
        Ok(content.freeze())
    }
}

/// What went wrong with the object store. Never carries credentials.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No cell has said yet where the store is.
    #[error("the object store is not known yet: the Cell object names it in spec.objectStore")]
    NotConfigured,
    /// What the cell says cannot be used.
    #[error("the object store in the Cell cannot be used: {0}")]
    Configuration(String),
    /// The credentials cannot be read.
    #[error("the object store's credentials cannot be read from {path}: {error}")]
    Credentials {
        /// The file.
        path: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// An object is longer than the reader takes.
    #[error("the object has more than {limit} bytes")]
    TooLong {
        /// What the reader takes.
        limit: u64,
    },
    /// The store refused or could not be reached.
    #[error("{doing} {key} in the object store: {source}")]
    Failed {
        /// `putting`, `reading`, …
        doing: &'static str,
        /// The key.
        key: String,
        /// What it says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Reads a whole object; `None` when there is none.
///
/// # Errors
/// When it is longer than `limit` bytes, or the store fails.
pub async fn read(store: &dyn Store, key: &str, limit: u64) -> Result<Option<Bytes>, StoreError> {
    match store.get(key).await? {
        Some(object) => object.read(limit).await.map(Some),
        None => Ok(None),
    }
}

/// Makes sure that there is an object of this key, and gives what is stored: `content`, or what somebody put before.
///
/// # Errors
/// When the store fails, or what is stored is longer than `limit` bytes.
pub async fn ensure(store: &dyn Store, key: &str, content: Bytes, limit: u64) -> Result<Bytes, StoreError> {
    match store.put_if_absent(key, content.clone()).await? {
        Put::Created => Ok(content),
        Put::Exists => read(store, key, limit).await?.ok_or_else(|| StoreError::Failed {
            doing: "reading",
            key: key.to_owned(),
            source: "it existed a moment ago and is gone".into(),
        }),
    }
}
