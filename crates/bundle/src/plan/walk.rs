//! The walk through a source folder.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use nix::sys::stat::{FileStat, SFlag};

use super::links::Links;
use super::{Order, PlannedEntry, PlannedSegment, Stamp};
use crate::format::{Entry, EntryKind, PathError, RelPath, Skipped, SkippedList};
use crate::root::{self, Root};

/// When a segment is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Bytes of content after which a segment is closed. A file that is bigger has a segment of its own.
    pub bytes: u64,
    /// Entries after which a segment is closed.
    pub entries: usize,
}

impl Default for Sizes {
    /// 64 MiB or 20,000 entries: at most that is done again after a kill, and the entries in memory stay below 10 MB.
    fn default() -> Self {
        Self { bytes: 64 << 20, entries: 20_000 }
    }
}

/// The source could not be walked to the end. Nothing is left out silently, so the export fails.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// The folder itself.
    #[error("the source folder `{path}` cannot be opened: {error}")]
    Open {
        /// As given.
        path: String,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// Something inside.
    #[error("`{path}` in the source cannot be read: {error}")]
    Read {
        /// Below the source.
        path: String,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// A name that no bundle can carry, for example because the path is too long.
    #[error("the source holds a path that no bundle can carry: {0}")]
    Path(#[from] PathError),
}

/// Gives the segments of a source one after the other. Holds one segment's entries and the open hard links in memory.
#[derive(Debug)]
pub struct Walk {
    root: Arc<Root>,
    order: Order,
    sizes: Sizes,
    links: Links,
    stack: Vec<Level>,
    held: Option<PlannedEntry>,
    next_index: usize,
    skipped: SkippedList,
}

/// One open folder, and the names in it that are still to come.
#[derive(Debug)]
struct Level {
    directory: OwnedFd,
    names: std::vec::IntoIter<RelPath>,
}

impl Walk {
    /// Opens `source`. Nothing outside of it is ever read: links in it are not followed.
    ///
    /// # Errors
    /// When it is no folder or not readable.
    pub fn open(source: &Path, order: Order, sizes: Sizes) -> Result<Self, WalkError> {
        let open = |error| WalkError::Open { path: source.display().to_string(), error };
        let root = Arc::new(Root::open(source).map_err(open)?);
        let directory = root.directory(None).map_err(open)?;
        let mut walk = Self {
            root,
            order,
            sizes,
            links: Links::default(),
            stack: Vec::new(),
            held: None,
            next_index: 0,
            skipped: SkippedList::default(),
        };
        walk.descend(None, directory)?;
        Ok(walk)
    }

    /// The handle that the segments' files are to be opened by.
    #[must_use]
    pub fn root(&self) -> &Arc<Root> {
        &self.root
    }

    /// What was left out so far because the format cannot carry it. What the order skips is not listed.
    #[must_use]
    pub fn skipped(&self) -> &SkippedList {
        &self.skipped
    }

    /// The next segment; `None` at the end.
    ///
    /// # Errors
    /// See [`WalkError`].
    pub fn next_segment(&mut self) -> Result<Option<PlannedSegment>, WalkError> {
        let mut entries: Vec<PlannedEntry> = Vec::new();
        let mut bytes = 0_u64;
        while entries.len() < self.sizes.entries.max(1) && bytes < self.sizes.bytes {
            let next = match self.held.take() {
                Some(held) => Some(held),
                None => self.next_entry()?,
            };
            let Some(next) = next else { break };
            let size = next.entry.size();
            if !entries.is_empty() && bytes.saturating_add(size) > self.sizes.bytes {
                self.held = Some(next);
                break;
            }
            bytes = bytes.saturating_add(size);
            entries.push(next);
        }
        if entries.is_empty() {
            return Ok(None);
        }
        let segment = PlannedSegment::new(self.next_index, entries);
        self.next_index += 1;
        Ok(Some(segment))
    }

    fn next_entry(&mut self) -> Result<Option<PlannedEntry>, WalkError> {
        while let Some(level) = self.stack.last_mut() {
            let Some(path) = level.names.next() else {
                self.stack.pop();
                continue;
            };
            let read = |error| WalkError::Read { path: path.to_string(), error };
            let Some(stat) = root::stat(&level.directory, path.name()).map_err(read)? else {
                continue;
            };
            match SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits()) {
                SFlag::S_IFREG if self.order.skips(&path) => {}
                SFlag::S_IFREG => return Ok(Some(self.file(path, &stat))),
                SFlag::S_IFDIR => {
                    if !self.order.skips(&path) {
                        let directory = root::open_child(&level.directory, path.name()).map_err(read)?;
                        self.descend(Some(&path), directory)?;
                    }
                    return Ok(Some(planned(path, EntryKind::Directory, &stat)));
                }
                other => self.skip(&path, other),
            }
        }
        Ok(None)
    }

    fn file(&mut self, path: RelPath, stat: &FileStat) -> PlannedEntry {
        let kind = match self.links.meet(stat.st_dev, stat.st_ino, stat.st_nlink, &path) {
            Some(target) => EntryKind::HardLink { target },
            None => EntryKind::File { size: u64::try_from(stat.st_size).unwrap_or(0) },
        };
        planned(path, kind, stat)
    }

    fn descend(&mut self, path: Option<&RelPath>, directory: OwnedFd) -> Result<(), WalkError> {
        let read = |error| WalkError::Read { path: path.map_or_else(|| ".".into(), ToString::to_string), error };
        let listed = root::names(directory.as_fd().try_clone_to_owned().map_err(read)?).map_err(read)?;
        let mut names = listed.iter().map(|name| RelPath::join(path, name)).collect::<Result<Vec<_>, _>>()?;
        if path.is_none() {
            // A stable sort: inside a group the order by bytes stays.
            names.sort_by_key(|name| self.order.group(name));
        }
        self.stack.push(Level { directory, names: names.into_iter() });
        Ok(())
    }

    fn skip(&mut self, path: &RelPath, kind: SFlag) {
        let why = match kind {
            SFlag::S_IFLNK => "symbolic link",
            SFlag::S_IFSOCK => "socket",
            SFlag::S_IFIFO => "named pipe",
            SFlag::S_IFBLK | SFlag::S_IFCHR => "device",
            _ => "unknown kind of file",
        };
        self.skipped.push(Skipped { path: path.to_string(), why: why.into() });
    }
}

fn planned(path: RelPath, kind: EntryKind, stat: &FileStat) -> PlannedEntry {
    // Owners can always read and write what they restored; set-user-id bits and the like do not travel.
    let needed = if kind == EntryKind::Directory { 0o700 } else { 0o600 };
    let entry =
        Entry { path, kind, mode: (stat.st_mode & 0o777) | needed, mtime: u64::try_from(stat.st_mtime).unwrap_or(0) };
    let size = u64::try_from(stat.st_size).unwrap_or(0);
    PlannedEntry {
        entry,
        stamp: Stamp { device: stat.st_dev, inode: stat.st_ino, size, mtime: (stat.st_mtime, stat.st_mtime_nsec) },
    }
}
