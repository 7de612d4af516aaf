//! The cells' object stores, as far as we may use them: reading bundles.

pub mod fake;
mod s3;

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

pub use s3::S3;

/// Why an object is not there to be read.
#[derive(Debug, thiserror::Error)]
pub enum ObjectsError {
    /// There is no such object.
    #[error("the store has no object {0}")]
    Missing(String),
    /// The store cannot be reached, or refuses.
    #[error("the store of cell {cell}: {why}")]
    Unavailable {
        /// Which cell's.
        cell: String,
        /// What it said.
        why: String,
    },
    /// Its folder does not say how it is reached.
    #[error("cell {cell} has no store that can be read: {why}")]
    Configuration {
        /// Which cell's.
        cell: String,
        /// What is missing or wrong.
        why: String,
    },
}

/// What is known of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Its size in bytes.
    pub size: u64,
    /// What changes when it changes.
    pub tag: Option<String>,
}

/// The bytes of an object, as they come.
pub type Content = BoxStream<'static, Result<Bytes, ObjectsError>>;

/// One cell's object store.
pub trait Objects: Send + Sync + 'static {
    /// What is known of an object.
    fn head<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Meta, ObjectsError>>;

    /// The bytes of an object, or of a part of it that lies within it.
    fn read<'a>(&'a self, key: &'a str, range: Range<u64>) -> BoxFuture<'a, Result<Content, ObjectsError>>;
}

/// The stores of all cells, each opened when it is first needed and again when its description changes.
pub struct Stores {
    source: Source,
    open: Mutex<HashMap<String, (String, Arc<S3>)>>,
}

enum Source {
    /// A folder with one folder for each cell, by its name.
    Folder(PathBuf),
    /// Stores that are there already, by the cell's name.
    Given(HashMap<String, Arc<dyn Objects>>),
}

impl Stores {
    /// Stores that are described by a folder: `store.toml`, `access-key` and `secret-key` in the folder of each cell.
    #[must_use]
    pub fn in_folder(folder: PathBuf) -> Self {
        Self { source: Source::Folder(folder), open: Mutex::default() }
    }

    /// Stores that are given.
    #[must_use]
    pub fn given(stores: HashMap<String, Arc<dyn Objects>>) -> Self {
        Self { source: Source::Given(stores), open: Mutex::default() }
    }

    /// The store of a cell.
    ///
    /// # Errors
    /// When its folder does not say how it is reached.
    pub async fn of(&self, cell: &str) -> Result<Arc<dyn Objects>, ObjectsError> {
        let wrong = |why: String| ObjectsError::Configuration { cell: cell.to_owned(), why };
        match &self.source {
            Source::Given(stores) => stores.get(cell).cloned().ok_or_else(|| wrong("it was not given".to_owned())),
            Source::Folder(folder) => {
                let path = folder.join(cell).join(s3::DESCRIPTION);
                let text = tokio::fs::read_to_string(&path).await;
                let text = text.map_err(|error| wrong(format!("{}: {error}", path.display())))?;
                let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some((_, store)) = open.get(cell).filter(|(made_from, _)| *made_from == text) {
                    return Ok(store.clone());
                }
                let store = Arc::new(S3::open(cell, folder.join(cell), &text)?);
                open.insert(cell.to_owned(), (text, store.clone()));
                Ok(store)
            }
        }
    }
}

impl From<ObjectsError> for crate::error::Problem {
    fn from(error: ObjectsError) -> Self {
        use crate::error::Code;
        match error {
            ObjectsError::Missing(_) => Self { cause: Self::internal(error).cause, ..Self::new(Code::NotFound) },
            ObjectsError::Unavailable { .. } => {
                Self { cause: Self::internal(error).cause, ..Self::new(Code::Unavailable) }
            }
            ObjectsError::Configuration { .. } => Self::internal(error),
        }
    }
}
