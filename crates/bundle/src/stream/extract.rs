//! Extraction into an empty folder.

use std::path::Path;

use super::decode::{ReadError, Visitor, read_segment};
use super::parts::part_stream;
use super::target::{Target, TargetError};
use super::{PartSource, VerifyError};
use crate::format::{Counts, Guard, Limits, Manifest, ObjectName, SegmentRecord};
use crate::seal::Identities;

/// A bundle could not be extracted. What was written so far stays, and is not complete.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// The target cannot be used.
    #[error(transparent)]
    Target(#[from] TargetError),
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
    let target = Target::open(target)?;
    let (target, counts) = read_all(source, manifest, identities, limits, target, progress).await?;
    tokio::task::spawn_blocking(move || target.close()).await??;
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
        let found = read.map_err(|error| ExtractError::Segment { segment: segment.name.clone(), error })?;
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
    Err(ExtractError::Counts { segment: segment.name.clone(), expected: expected.into(), found: found.into() })
}
