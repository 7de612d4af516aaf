//! What a manifest says about a segment and its parts.

use serde::{Deserialize, Serialize};

use super::{Digest, ObjectName};

/// One part: an object of at most [`PartRecord::MAX`] bytes of ciphertext.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartRecord {
    /// The object's name, `segment-NNNN/part-NNNN.tar.gz.age`.
    pub name: ObjectName,
    /// Its length in bytes.
    pub size: u64,
    /// SHA-256 over its bytes as stored, that is over the ciphertext.
    pub sha256: Digest,
}

impl PartRecord {
    /// Most bytes a part may have: 8 MiB. All parts of a segment but the last have exactly the same size.
    pub const MAX: u64 = 8 << 20;
}

/// One finished segment. The writer gives it back, the caller keeps it safe, a resumed job passes it in again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentRecord {
    /// `segment-NNNN`; the number is its place in the manifest.
    pub name: ObjectName,
    /// Digest over names and metadata of what it was made from, and over the recipients' ids: a resumed job writes the
    /// segment again when this has changed. Says nothing about the content; only the writer understands it.
    pub source: Digest,
    /// Regular files in it.
    pub files: u64,
    /// Folders in it.
    pub directories: u64,
    /// Hard links in it.
    pub hard_links: u64,
    /// Bytes of content of its files.
    pub bytes: u64,
    /// Its parts, in order. Joined, decrypted and decompressed they are one tar archive.
    pub parts: Vec<PartRecord>,
}

impl SegmentRecord {
    /// Entries in the archive.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.files.saturating_add(self.directories).saturating_add(self.hard_links)
    }

    /// Bytes of its parts together.
    #[must_use]
    pub fn stored_bytes(&self) -> u64 {
        self.parts.iter().fold(0, |sum, part| sum.saturating_add(part.size))
    }
}
