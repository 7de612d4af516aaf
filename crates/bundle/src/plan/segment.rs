//! A segment as planned.

use sha2::Digest as _;

use crate::format::{Digest, Entry, EntryKind};

/// What identifies the state of a file: if any of it differs when the file is read, the source changed under us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Device.
    pub device: u64,
    /// Inode.
    pub inode: u64,
    /// Length in bytes.
    pub size: u64,
    /// Time of the last change: seconds and nanoseconds since 1970.
    pub mtime: (i64, i64),
}

/// An entry and the state it was planned from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedEntry {
    /// As it will stand in the archive.
    pub entry: Entry,
    /// As it was seen.
    pub stamp: Stamp,
}

/// Entries that go into one segment, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedSegment {
    /// Its number, from 0.
    pub index: usize,
    /// Its entries.
    pub entries: Vec<PlannedEntry>,
    /// Digest over paths, kinds, permissions, sizes, times and link groups.
    pub digest: Digest,
}

impl PlannedSegment {
    pub(super) fn new(index: usize, entries: Vec<PlannedEntry>) -> Self {
        let digest = digest(&entries);
        Self { index, entries, digest }
    }

    /// Bytes of content of its files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.entries.iter().map(|planned| planned.entry.size()).sum()
    }

    /// How many files, folders and hard links it has.
    #[must_use]
    pub fn tally(&self) -> (u64, u64, u64) {
        self.entries.iter().fold((0, 0, 0), |(files, directories, links), planned| match planned.entry.kind {
            EntryKind::File { .. } => (files + 1, directories, links),
            EntryKind::Directory => (files, directories + 1, links),
            EntryKind::HardLink { .. } => (files, directories, links + 1),
        })
    }
}

fn digest(entries: &[PlannedEntry]) -> Digest {
    let mut hash = sha2::Sha256::new();
    let mut field = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    field(b"steppe-bundle segment 1");
    for PlannedEntry { entry, stamp } in entries {
        let (kind, target) = match &entry.kind {
            EntryKind::Directory => (0, [].as_slice()),
            EntryKind::File { .. } => (1, [].as_slice()),
            EntryKind::HardLink { target } => (2, target.as_bytes()),
        };
        field(entry.path.as_bytes());
        field(&[kind]);
        field(target);
        field(&entry.mode.to_be_bytes());
        field(&entry.size().to_be_bytes());
        field(&stamp.mtime.0.to_be_bytes());
        field(&stamp.mtime.1.to_be_bytes());
    }
    Digest::from_bytes(hash.finalize().into())
}
