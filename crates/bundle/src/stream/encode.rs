//! One planned segment → tar → gzip → age → parts.

use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::cutter::Cutter;
use super::tar;
use crate::format::{EntryKind, PartRecord, RelPath};
use crate::plan::{PlannedEntry, PlannedSegment, Stamp};
use crate::root::{Root, Steps};
use crate::seal::{Recipients, SealError};

const BUFFER: usize = 64 << 10;

/// A segment could not be written.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// Somebody wrote to the source during the copy. Nothing is padded or cut: the segment is given up.
    #[error("`{path}` changed while it was copied ({what}): the source must stand still; try again")]
    Changed {
        /// The file.
        path: RelPath,
        /// What differs.
        what: &'static str,
    },
    /// A file cannot be read.
    #[error("`{path}` cannot be read: {error}")]
    Read {
        /// The file.
        path: RelPath,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// Encryption failed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The parts could not be handed over.
    #[error("the parts could not be handed over: {0}")]
    Output(#[source] io::Error),
}

/// Writes all of a segment. Blocks; to be run on a thread for blocking work.
pub(super) fn encode(
    root: &Arc<Root>,
    segment: &PlannedSegment,
    recipients: &Recipients,
    level: u32,
    cutter: Cutter,
) -> Result<Vec<PartRecord>, EncodeError> {
    let sealed = recipients.encryptor()?.wrap_output(cutter).map_err(EncodeError::Output)?;
    let mut out = GzEncoder::new(sealed, Compression::new(level));
    let mut steps = Steps::new(Arc::clone(root));
    let mut buffer = vec![0; BUFFER];
    for planned in &segment.entries {
        out.write_all(&tar::header(&planned.entry)).map_err(EncodeError::Output)?;
        if let EntryKind::File { size } = planned.entry.kind {
            content(&mut steps, planned, size, &mut buffer, &mut out)?;
        }
    }
    tar::end(&mut out).map_err(EncodeError::Output)?;
    let sealed = out.finish().map_err(EncodeError::Output)?;
    let cutter = sealed.finish().map_err(EncodeError::Output)?;
    cutter.finish().map_err(EncodeError::Output)
}

fn content(
    steps: &mut Steps,
    planned: &PlannedEntry,
    size: u64,
    buffer: &mut [u8],
    out: &mut impl Write,
) -> Result<(), EncodeError> {
    let path = &planned.entry.path;
    let read = |error: io::Error| {
        let path = path.clone();
        if error.kind() == io::ErrorKind::NotFound {
            return EncodeError::Changed { path, what: "it is gone" };
        }
        EncodeError::Read { path, error }
    };
    let mut file = steps.file(path).map_err(read)?;
    unchanged(planned, &file.metadata().map_err(read)?)?;
    let mut left = size;
    while left > 0 {
        let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let got = read_some(&mut file, &mut buffer[..most]).map_err(read)?;
        if got == 0 {
            return Err(EncodeError::Changed { path: path.clone(), what: "it became shorter" });
        }
        out.write_all(&buffer[..got]).map_err(EncodeError::Output)?;
        left -= got as u64;
    }
    // Whatever was written during the copy moved the time or the size.
    unchanged(planned, &file.metadata().map_err(read)?)?;
    tar::pad(out, size).map_err(EncodeError::Output)
}

fn read_some(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

fn unchanged(planned: &PlannedEntry, now: &Metadata) -> Result<(), EncodeError> {
    let stamp = Stamp { device: now.dev(), inode: now.ino(), size: now.size(), mtime: (now.mtime(), now.mtime_nsec()) };
    let what = match planned.stamp {
        same if same == stamp => return Ok(()),
        Stamp { device, inode, .. } if (device, inode) != (stamp.device, stamp.inode) => "it is another file now",
        Stamp { size, .. } if size != stamp.size => "its size",
        _ => "its time",
    };
    Err(EncodeError::Changed { path: planned.entry.path.clone(), what })
}
