//! One entry of the archive inside a segment.

use super::RelPath;

/// What an archive may contain: nothing else is written, nothing else is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A folder. It stands before everything in it.
    Directory,
    /// A regular file with so many bytes.
    File {
        /// Length in bytes.
        size: u64,
    },
    /// Another name of a regular file that stands earlier in the same bundle, perhaps in an earlier segment.
    HardLink {
        /// The earlier entry.
        target: RelPath,
    },
}

/// One entry: where, what, which permissions, how old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it belongs, below the root of the data.
    pub path: RelPath,
    /// What it is.
    pub kind: EntryKind,
    /// Permission bits, at most `0o777`.
    pub mode: u32,
    /// Time of the last change, whole seconds since 1970.
    pub mtime: u64,
}

impl Entry {
    /// How many bytes of content follow the entry's header.
    #[must_use]
    pub fn size(&self) -> u64 {
        match self.kind {
            EntryKind::File { size } => size,
            EntryKind::Directory | EntryKind::HardLink { .. } => 0,
        }
    }
}
