//! What an archive may contain: the rules against a hostile one.

use std::collections::HashMap;

use super::{Digest, Entry, EntryKind, Manifest, RelPath};

/// Ceilings for reading an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most entries of the whole bundle.
    pub entries: u64,
    /// Most bytes of content of the whole bundle.
    pub bytes: u64,
    /// Most bytes of content of one file.
    pub file_bytes: u64,
    /// Most bytes of archive for one byte of compressed data, after a grace of [`Limits::RATIO_GRACE`] per segment.
    pub ratio: u64,
    /// Most components of a path.
    pub depth: usize,
}

impl Limits {
    /// So many bytes of archive per segment are never held against the ratio: small archives are mostly padding.
    pub const RATIO_GRACE: u64 = 1 << 20;
    /// More than DEFLATE can do (1,032 to 1), so it refuses nothing that gzip could have made.
    pub const ANY_RATIO: u64 = 1_100;

    /// For a bundle whose signature was checked against a key one trusts: what its manifest says, and not a byte more.
    #[must_use]
    pub fn signed(manifest: &Manifest) -> Self {
        let counts = &manifest.counts;
        let entries = counts.files.saturating_add(counts.directories).saturating_add(counts.hard_links);
        Self { entries, bytes: counts.bytes, file_bytes: counts.bytes, ratio: Self::ANY_RATIO, depth: 128 }
    }

    /// For a bundle from a stranger: 2 million entries, 256 GiB, 64 GiB a file, 250 to 1, 32 levels. A ceiling for
    /// machines that are not ours to fill; the caller sets `bytes` to the room there is.
    #[must_use]
    pub fn untrusted() -> Self {
        Self { entries: 2_000_000, bytes: 256 << 30, file_bytes: 64 << 30, ratio: 250, depth: 32 }
    }
}

/// Why an archive is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Hostile {
    /// More entries than allowed.
    #[error("the archive has more than {0} entries")]
    Entries(u64),
    /// More content than allowed.
    #[error("`{path}` would bring the content above {most} bytes")]
    Bytes {
        /// The entry that goes too far.
        path: RelPath,
        /// The ceiling.
        most: u64,
    },
    /// One file is too big.
    #[error("`{path}` has {size} bytes; {most} are allowed for one file")]
    FileBytes {
        /// The file.
        path: RelPath,
        /// Its size.
        size: u64,
        /// The ceiling.
        most: u64,
    },
    /// The data grows out of all proportion when decompressed.
    #[error("{stored} compressed bytes became {plain}; more than {most} to 1 is not allowed")]
    Ratio {
        /// Bytes of archive so far.
        plain: u64,
        /// Compressed bytes that they came from.
        stored: u64,
        /// The ceiling.
        most: u64,
    },
    /// Folders within folders without end.
    #[error("`{path}` is more than {most} levels deep")]
    Depth {
        /// The entry.
        path: RelPath,
        /// The ceiling.
        most: usize,
    },
    /// The same path twice: the later one would overwrite what was checked before.
    #[error("`{0}` stands in the archive twice")]
    Duplicate(RelPath),
    /// The folder of an entry was not announced before it, or is a file.
    #[error("`{0}` stands before the folder it is in, or inside something that is no folder")]
    NoParent(RelPath),
    /// A hard link to something that is no file of an earlier entry.
    #[error("the hard link `{path}` points to `{target}`, which is no file that stands earlier in the bundle")]
    LinkTarget {
        /// The link.
        path: RelPath,
        /// Where it points.
        target: RelPath,
    },
    /// Permission bits beyond read, write, execute.
    #[error("`{path}` has mode {mode:o}; only the bits of 777 are allowed")]
    Mode {
        /// The entry.
        path: RelPath,
        /// Its mode.
        mode: u32,
    },
}

/// Lets entries pass one by one, across all segments of a bundle, and refuses the first that breaks a rule.
///
/// Remembers each path by half its SHA-256, so about 40 bytes an entry.
#[derive(Debug)]
pub struct Guard {
    limits: Limits,
    entries: u64,
    bytes: u64,
    seen: HashMap<[u8; 16], Seen>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Directory,
    File,
}

impl Guard {
    /// A guard that has seen nothing yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, entries: 0, bytes: 0, seen: HashMap::new() }
    }

    /// Lets the next entry pass.
    ///
    /// # Errors
    /// The rule that it breaks. After an error the archive must not be read on.
    pub fn admit(&mut self, entry: &Entry) -> Result<(), Hostile> {
        self.room(entry)?;
        if entry.mode > 0o777 {
            return Err(Hostile::Mode { path: entry.path.clone(), mode: entry.mode });
        }
        if let Some(parent) = entry.path.parent()
            && self.seen.get(&key(&parent)) != Some(&Seen::Directory)
        {
            return Err(Hostile::NoParent(entry.path.clone()));
        }
        let kind = match &entry.kind {
            EntryKind::Directory => Seen::Directory,
            EntryKind::File { .. } => Seen::File,
            EntryKind::HardLink { target } if self.seen.get(&key(target)) == Some(&Seen::File) => Seen::File,
            EntryKind::HardLink { target } => {
                return Err(Hostile::LinkTarget { path: entry.path.clone(), target: target.clone() });
            }
        };
        match self.seen.insert(key(&entry.path), kind) {
            None => Ok(()),
            Some(_) => Err(Hostile::Duplicate(entry.path.clone())),
        }
    }

    fn room(&mut self, entry: &Entry) -> Result<(), Hostile> {
        let (path, size) = (&entry.path, entry.size());
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(Hostile::Entries(self.limits.entries));
        }
        if path.depth() > self.limits.depth {
            return Err(Hostile::Depth { path: path.clone(), most: self.limits.depth });
        }
        if size > self.limits.file_bytes {
            return Err(Hostile::FileBytes { path: path.clone(), size, most: self.limits.file_bytes });
        }
        self.bytes = self.bytes.saturating_add(size);
        if self.bytes > self.limits.bytes {
            return Err(Hostile::Bytes { path: path.clone(), most: self.limits.bytes });
        }
        Ok(())
    }

    /// The ratio of its limits, for [`Guard::growth`].
    #[must_use]
    pub fn ratio(&self) -> u64 {
        self.limits.ratio
    }

    /// Checks how much a segment has grown: `plain` bytes of archive out of `stored` compressed bytes so far.
    ///
    /// # Errors
    /// When it is more than `most` to 1, after the grace.
    pub fn growth(plain: u64, stored: u64, most: u64) -> Result<(), Hostile> {
        if plain > stored.saturating_mul(most).saturating_add(Limits::RATIO_GRACE) {
            return Err(Hostile::Ratio { plain, stored, most });
        }
        Ok(())
    }
}

fn key(path: &RelPath) -> [u8; 16] {
    let mut key = [0; 16];
    key.copy_from_slice(&Digest::of(path.as_bytes()).as_bytes()[..16]);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RelPath {
        RelPath::parse(text.as_bytes()).unwrap()
    }

    fn entry(text: &str, kind: EntryKind) -> Entry {
        Entry { path: path(text), kind, mode: 0o644, mtime: 0 }
    }

    fn file(text: &str, size: u64) -> Entry {
        entry(text, EntryKind::File { size })
    }

    fn guard() -> Guard {
        Guard::new(Limits { entries: 4, bytes: 100, file_bytes: 80, ratio: 10, depth: 2 })
    }

    #[test]
    fn order_and_kind_matter() {
        let mut guard = guard();
        assert_eq!(guard.admit(&file("d/f", 1)), Err(Hostile::NoParent(path("d/f"))));
        guard.admit(&entry("d", EntryKind::Directory)).unwrap();
        guard.admit(&file("d/f", 1)).unwrap();
        let to = |target| entry("l", EntryKind::HardLink { target: path(target) });
        assert!(matches!(guard.admit(&to("d")), Err(Hostile::LinkTarget { .. })));
        let mut guard = self::guard();
        assert!(matches!(guard.admit(&to("l")), Err(Hostile::LinkTarget { .. })));
        guard.admit(&file("f", 1)).unwrap();
        guard.admit(&to("f")).unwrap();
        assert_eq!(guard.admit(&file("l", 1)), Err(Hostile::Duplicate(path("l"))));
    }

    #[test]
    fn nothing_goes_into_a_file() {
        let mut guard = guard();
        guard.admit(&file("f", 1)).unwrap();
        assert_eq!(guard.admit(&file("f/x", 1)), Err(Hostile::NoParent(path("f/x"))));
    }

    #[test]
    fn each_ceiling_holds() {
        let mut by_count = guard();
        for name in ["a", "b", "c", "d"] {
            by_count.admit(&file(name, 0)).unwrap();
        }
        assert_eq!(by_count.admit(&file("e", 0)), Err(Hostile::Entries(4)));
        let mut by_size = guard();
        assert!(matches!(by_size.admit(&file("a", 81)), Err(Hostile::FileBytes { .. })));
        by_size.admit(&file("b", 80)).unwrap();
        assert!(matches!(by_size.admit(&file("c", 21)), Err(Hostile::Bytes { .. })));
        assert!(matches!(guard().admit(&file("a/b/c", 0)), Err(Hostile::Depth { .. })));
        assert!(matches!(guard().admit(&Entry { mode: 0o4755, ..file("a", 0) }), Err(Hostile::Mode { .. })));
        assert_eq!(Guard::growth(Limits::RATIO_GRACE + 10, 1, 10), Ok(()));
        assert!(Guard::growth(Limits::RATIO_GRACE + 11, 1, 10).is_err());
    }

    #[test]
    fn sizes_cannot_overflow_the_sum() {
        let mut guard = Guard::new(Limits { bytes: u64::MAX - 1, file_bytes: u64::MAX, ..Limits::untrusted() });
        guard.admit(&file("a", u64::MAX - 1)).unwrap();
        assert!(matches!(guard.admit(&file("b", u64::MAX)), Err(Hostile::Bytes { .. })));
    }
}
