//! A bundle in a folder: written by tests and tools, read after a download.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::{BoxError, Part, PartSink, PartSource, SourceError};
use crate::format::{Manifest, ManifestError, ObjectName, RelPath};
use crate::root::{self, Root, Steps};

/// A folder that holds one bundle: an object is a file of the same name. Reading follows no symbolic links.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

/// The folder does not do as it should.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A bundle is complete there already.
    #[error("`{0}` holds a complete bundle already; nothing was changed")]
    Committed(PathBuf),
    /// The manifest is not one.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Anything else.
    #[error("`{path}`: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
}

impl Folder {
    /// The bundle in this folder. It is made with the first object that is put there.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Completes the bundle: signature first, manifest last and only if none is there. The manifest is the commit point.
    ///
    /// Parts that interrupted runs left behind and the manifest does not name are removed before: an age header has a
    /// random length, so a segment that is written again may have a part less than at first.
    ///
    /// # Errors
    /// When a manifest is there, the bytes are none, or the disk refuses.
    pub fn commit(&self, manifest: &[u8], signature: &[u8]) -> Result<(), FolderError> {
        if self.0.join("manifest.json").exists() {
            return Err(FolderError::Committed(self.0.clone()));
        }
        self.remove_leftovers(&Manifest::parse(manifest)?)?;
        self.write(&ObjectName::signature(), signature)?;
        self.write(&ObjectName::manifest(), manifest)
    }

    fn remove_leftovers(&self, manifest: &Manifest) -> Result<(), FolderError> {
        let known: BTreeSet<&str> = manifest.objects().map(|(name, ..)| name.as_str()).collect();
        let names = match self.list() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            other => other.map_err(|error| FolderError::Io { path: self.0.clone(), error })?,
        };
        for name in names.iter().filter(|name| !known.contains(name.as_str()) && is_ours(name)) {
            let path = self.0.join(name);
            std::fs::remove_file(&path).map_err(|error| FolderError::Io { path, error })?;
        }
        Ok(())
    }

    /// Written under another name, flushed to disk, then renamed: a name never stands for half a file.
    fn write(&self, name: &ObjectName, content: &[u8]) -> Result<(), FolderError> {
        let path = self.0.join(name.as_str());
        let failed = |error| FolderError::Io { path: path.clone(), error };
        let folder = path.parent().unwrap_or(&self.0);
        std::fs::create_dir_all(folder).map_err(failed)?;
        // Begins with a dot, so it can be the name of no object.
        let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let draft = folder.join(format!(".{file_name}.draft"));
        let mut file = std::fs::File::create(&draft).map_err(failed)?;
        file.write_all(content).and_then(|()| file.sync_all()).map_err(failed)?;
        std::fs::rename(&draft, &path).map_err(failed)
    }

    fn read(&self, name: &ObjectName, limit: u64) -> Result<Bytes, SourceError> {
        let store = |error: io::Error| {
            if error.kind() == io::ErrorKind::NotFound {
                return SourceError::Missing;
            }
            SourceError::Store(error.into())
        };
        let path = RelPath::parse(name.as_str().as_bytes()).map_err(|e| SourceError::Store(e.into()))?;
        let file = Root::open(&self.0).and_then(|root| Steps::new(Arc::new(root)).file(&path)).map_err(store)?;
        let meta = file.metadata().map_err(store)?;
        if !meta.is_file() {
            return Err(SourceError::Store("it is no regular file".into()));
        }
        // All at once: a buffer that grows by doubling would take three times the memory.
        let room = usize::try_from(meta.len().min(limit)).unwrap_or(0).saturating_add(1);
        let mut content = Vec::with_capacity(room);
        file.take(limit.saturating_add(1)).read_to_end(&mut content).map_err(store)?;
        if content.len() as u64 > limit { Err(SourceError::TooLong(limit)) } else { Ok(content.into()) }
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let root = Root::open(&self.0)?;
        let mut found = Vec::new();
        for name in root::names(root.directory(None)?)? {
            let text = String::from_utf8_lossy(&name).into_owned();
            let inner = RelPath::parse(&name).ok().and_then(|path| root.directory(Some(&path)).ok());
            match inner {
                Some(inner) => found
                    .extend(root::names(inner)?.iter().map(|name| format!("{text}/{}", String::from_utf8_lossy(name)))),
                None => found.push(text),
            }
        }
        Ok(found)
    }
}

/// Whether a file can only be a part, or the draft of one.
fn is_ours(name: &str) -> bool {
    name.split_once('/').is_some_and(|(segment, part)| {
        segment.starts_with("segment-") && (part.starts_with("part-") || part.starts_with(".part-"))
    })
}

impl PartSink for Folder {
    async fn put(&mut self, part: Part) -> Result<(), BoxError> {
        let folder = self.clone();
        Ok(tokio::task::spawn_blocking(move || folder.write(&part.name, &part.bytes)).await??)
    }
}

impl PartSource for Folder {
    async fn get(&self, name: &ObjectName, limit: u64) -> Result<Bytes, SourceError> {
        let (folder, name) = (self.clone(), name.clone());
        let read = tokio::task::spawn_blocking(move || folder.read(&name, limit)).await;
        read.map_err(|error| SourceError::Store(error.into()))?
    }

    async fn names(&self) -> Result<Option<Vec<String>>, BoxError> {
        let folder = self.clone();
        Ok(Some(tokio::task::spawn_blocking(move || folder.list()).await??))
    }
}
