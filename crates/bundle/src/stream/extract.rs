//! Extraction into an empty folder.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::decode::{ReadError, Visitor, read_segment};
use super::parts::part_stream;
use super::{PartSource, VerifyError};
use crate::format::{
    Counts, Entry, EntryKind, Guard, Limits, Manifest, ObjectName, RelPath, SegmentRecord,
};
use crate::root::Root;
use crate::seal::Identities;

/// A bundle could not be extracted. What was written so far stays, and is not complete.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// The target cannot be made or opened.
    #[error("the folder `{path}` cannot be used: {error}")]
    Target {
        /// The target.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// The target has something in it. Nothing is ever overwritten.
    #[error("`{0}` is not empty: name a new or empty folder")]
    NotEmpty(PathBuf),
    /// A part is missing or changed. Nothing of it was used.
    #[error(transparent)]
    Part(#[from] VerifyError),
    /// A segment is not what a segment may be.
    #[error("`{segment}`: {error}")]
    Segment {
        /// Which.
        segment: ObjectName,
        /// Why.
        #[source]
        error: ReadError,
    },
    /// A segment holds something else than the manifest says.
    #[error("`{segment}` holds {found:?}, the manifest says {expected:?}")]
    Counts {
        /// Which.
        segment: ObjectName,
        /// As the manifest says.
        expected: Box<Counts>,
        /// As found.
        found: Box<Counts>,
    },
    /// The manifest promises more than the limits allow.
    #[error("the bundle holds {0} bytes, more than the limit")]
    TooLarge(u64),
    /// The thread that writes died.
    #[error("the thread that writes ended unexpectedly: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

/// Extracts all data into `target`, a new or empty folder, and waits until it is on the disk.
///
/// Each part is checked before a byte of it is used. Nothing is written outside of `target`, nothing overwritten, no
/// symbolic link made or followed; hard links stay links. `progress` hears the bytes of parts read so far.
///
/// # Errors
/// See [`ExtractError`].
pub async fn extract(
    source: &impl PartSource,
    manifest: &Manifest,
    identities: &Identities,
    limits: Limits,
    target: &Path,
    progress: impl FnMut(u64) + Send,
) -> Result<Counts, ExtractError> {
    let unusable = |error| ExtractError::Target {
        path: target.to_owned(),
        error,
    };
    std::fs::create_dir_all(target).map_err(unusable)?;
    let root = Arc::new(Root::open(target).map_err(unusable)?);
    if !root.is_empty().map_err(unusable)? {
        return Err(ExtractError::NotEmpty(target.to_owned()));
    }
    let shelf = Shelf {
        root: Arc::clone(&root),
        folders: Vec::new(),
    };
    let (shelf, counts) = read_all(source, manifest, identities, limits, shelf, progress).await?;
    tokio::task::spawn_blocking(move || shelf.close())
        .await?
        .map_err(unusable)?;
    Ok(counts)
}

/// Leads all segments past a visitor. Gives the visitor back and what was counted.
pub(super) async fn read_all<V: Visitor + Send + 'static>(
    source: &impl PartSource,
    manifest: &Manifest,
    identities: &Identities,
    limits: Limits,
    mut visitor: V,
    mut progress: impl FnMut(u64) + Send,
) -> Result<(V, Counts), ExtractError> {
    if manifest.counts.bytes > limits.bytes {
        return Err(ExtractError::TooLarge(manifest.counts.bytes));
    }
    let mut guard = Guard::new(limits);
    let mut stored = 0;
    for segment in &manifest.segments {
        let (feed, stream) = part_stream(segment);
        let identities = identities.clone();
        let reader = tokio::task::spawn_blocking(move || {
            let read = read_segment(stream, &identities, &mut guard, &mut visitor);
            (read, guard, visitor)
        });
        let fed = feed.feed(source, segment).await;
        let (read, guard_back, visitor_back) = reader.await?;
        // A broken part is the cause of whatever the reader then says, so it is told first.
        fed?;
        (guard, visitor) = (guard_back, visitor_back);
        let found = read.map_err(|error| ExtractError::Segment {
            segment: segment.name.clone(),
            error,
        })?;
        as_promised(segment, found)?;
        stored += segment.stored_bytes();
        progress(stored);
    }
    Ok((visitor, manifest.counts))
}

fn as_promised(segment: &SegmentRecord, found: Counts) -> Result<(), ExtractError> {
    let expected = Counts::of(std::slice::from_ref(segment));
    if found == expected {
        return Ok(());
    }
    Err(ExtractError::Counts {
        segment: segment.name.clone(),
        expected: expected.into(),
        found: found.into(),
    })
}

/// Puts entries into a folder.
struct Shelf {
    root: Arc<Root>,
    /// Folders get their permissions and times last, when nothing is put into them any more.
    folders: Vec<(RelPath, u32, u64)>,
}

impl Visitor for Shelf {
    fn entry(&mut self, entry: &Entry, content: &mut dyn Read) -> io::Result<()> {
        match &entry.kind {
            EntryKind::Directory => {
                self.root.create_directory(&entry.path)?;
                self.folders
                    .push((entry.path.clone(), entry.mode, entry.mtime));
                Ok(())
            }
            EntryKind::File { .. } => {
                let mut file: File = self.root.create_file(&entry.path)?;
                io::copy(content, &mut file)?;
                Root::finish_file(&file, entry.mode, entry.mtime)
            }
            EntryKind::HardLink { target } => self.root.link(target, &entry.path),
        }
    }
}

impl Shelf {
    fn close(self) -> io::Result<()> {
        // From the inside out: a folder's time changes when something inside is touched.
        for (path, mode, mtime) in self.folders.iter().rev() {
            self.root.finish_directory(path, *mode, *mtime)?;
        }
        self.root.sync()
    }
}
