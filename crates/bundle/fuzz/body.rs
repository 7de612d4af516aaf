//! What the fuzz target does with an input. The ordinary tests run it too, over the seeds and changes of them.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::Path;

use bundle::format::{Entry, EntryKind, Guard, Limits, Manifest, RelPath};
use bundle::stream::{Target, Visitor, read_archive};

/// The first byte says what the rest is taken for; with its highest bit set, checksums of tar headers are put right first,
/// because hardly any change would get past them.
pub fn extract(data: &[u8]) {
    let Some((kind, data)) = data.split_first() else { return };
    let mut data = data.to_vec();
    if kind & 0x80 != 0 {
        put_checksums_right(&mut data);
    }
    match kind % 4 {
        0 => archive(&gzip(&data), &mut Checked::default()),
        1 => archive(&data, &mut Checked::default()),
        2 => on_disk(&gzip(&data)),
        _ => manifest(&data),
    }
}

fn put_checksums_right(data: &mut [u8]) {
    for block in data.chunks_exact_mut(512).filter(|block| block[257..262] == *b"ustar") {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
}

/// Small enough that an input which reaches a ceiling is found soon.
const LIMITS: Limits = Limits { entries: 200, bytes: 1 << 20, file_bytes: 1 << 19, ratio: 100, depth: 8 };

fn archive(compressed: &[u8], visitor: &mut Checked) {
    let mut guard = Guard::new(LIMITS);
    if let Ok(counts) = read_archive(compressed, &mut guard, visitor) {
        let entries = counts.files + counts.directories + counts.hard_links;
        assert_eq!(entries, visitor.seen.len() as u64);
        assert_eq!(counts.bytes, visitor.bytes);
    }
    assert!(visitor.seen.len() as u64 <= LIMITS.entries);
    assert!(visitor.bytes <= LIMITS.bytes);
}

/// Whatever comes in: every path stays inside, each once, parents first, links only to files that were there.
#[derive(Default)]
struct Checked {
    seen: BTreeMap<RelPath, bool>,
    bytes: u64,
}

impl Visitor for Checked {
    fn entry(&mut self, entry: &Entry, content: &mut dyn Read) -> io::Result<()> {
        let path = entry.path.as_path();
        assert!(path.is_relative());
        assert!(path.components().all(|part| matches!(part, std::path::Component::Normal(_))));
        assert!(path.components().count() <= LIMITS.depth);
        assert!(entry.path.parent().is_none_or(|parent| self.seen.get(&parent) == Some(&true)));
        assert!(entry.mode <= 0o777);
        if let EntryKind::HardLink { target } = &entry.kind {
            assert_eq!(self.seen.get(target), Some(&false));
        }
        let folder = entry.kind == EntryKind::Directory;
        assert!(self.seen.insert(entry.path.clone(), folder).is_none());
        self.bytes += io::copy(content, &mut io::sink())?;
        Ok(())
    }
}

/// Nothing but plain files and folders is made, and only inside the target.
fn on_disk(compressed: &[u8]) {
    let Ok(room) = tempfile::tempdir() else {
        return;
    };
    let outside = room.path().join("outside");
    assert!(std::fs::write(&outside, "untouched").is_ok());
    let Ok(mut target) = Target::open(&room.path().join("target")) else {
        return;
    };
    let _ = read_archive(compressed, &mut Guard::new(LIMITS), &mut target);
    let _ = target.close();
    assert_eq!(std::fs::read(&outside).ok().as_deref(), Some(b"untouched".as_slice()));
    assert_eq!(std::fs::read_dir(room.path()).map_or(0, Iterator::count), 2);
    plain(&room.path().join("target"));
}

fn plain(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        assert!(kind.is_file() || kind.is_dir(), "{}", entry.path().display());
        if kind.is_dir() {
            plain(&entry.path());
        }
    }
}

/// What is accepted as a manifest is written down again as the very same bytes.
fn manifest(data: &[u8]) {
    if let Ok(manifest) = Manifest::parse(data) {
        assert_eq!(manifest.to_bytes().ok().map(|bytes| Manifest::parse(&bytes).ok()), Some(Some(manifest)));
    }
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let _ = out.write_all(plain);
    out.finish().unwrap_or_default()
}
