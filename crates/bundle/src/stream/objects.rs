//! Where parts go to and come from: the two traits for foreign stores.

use std::future::Future;

use bytes::Bytes;

use crate::format::{Digest, KitFile, ObjectName, PartRecord};

/// Any error of a store.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// An object ready to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its name, relative to the bundle's prefix.
    pub name: ObjectName,
    /// Its content, at most 8 MiB.
    pub bytes: Bytes,
    /// SHA-256 over the content, for a checksum header of the store.
    pub sha256: Digest,
}

impl Part {
    /// An object with this content.
    #[must_use]
    pub fn new(name: ObjectName, bytes: Bytes) -> Self {
        let sha256 = Digest::of(&bytes);
        Self { name, bytes, sha256 }
    }

    /// What the manifest says about it, if it is a part of a segment.
    #[must_use]
    pub fn record(&self) -> PartRecord {
        PartRecord { name: self.name.clone(), size: self.bytes.len() as u64, sha256: self.sha256 }
    }

    /// What the manifest says about it, if it is a kit file.
    #[must_use]
    pub fn kit_file(&self) -> KitFile {
        KitFile { name: self.name.clone(), size: self.bytes.len() as u64, sha256: self.sha256 }
    }
}

/// A place that parts are written to.
pub trait PartSink: Send {
    /// Stores one object, replacing one of the same name. When this returns, the object is safe: the record of its segment
    /// may be handed on. Retries of what may pass are the sink's business.
    ///
    /// # Errors
    /// When the object may not be there. The segment is then given up; a later run writes it again from its beginning.
    fn put(&mut self, part: Part) -> impl Future<Output = Result<(), BoxError>> + Send;
}

/// A place that objects of a bundle are read from.
pub trait PartSource: Send + Sync {
    /// Reads one whole object. It must not take more than `limit` bytes into memory, whatever the store sends.
    ///
    /// # Errors
    /// See [`SourceError`].
    fn get(&self, name: &ObjectName, limit: u64) -> impl Future<Output = Result<Bytes, SourceError>> + Send;

    /// Names of all objects that are there, if the source can tell; then [`super::verify`] refuses a bundle with objects
    /// that the manifest does not name. The names are as found, so they need not be valid ones.
    ///
    /// # Errors
    /// What the store says.
    fn names(&self) -> impl Future<Output = Result<Option<Vec<String>>, BoxError>> + Send {
        async { Ok(None) }
    }
}

/// An object could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// There is no object of this name.
    #[error("it is missing")]
    Missing,
    /// It is longer than it may be.
    #[error("it is longer than {0} bytes")]
    TooLong(u64),
    /// Anything else.
    #[error(transparent)]
    Store(#[from] BoxError),
}
