//! The writer: walks a source and writes segment after segment, resuming where an earlier run ended.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use bytes::Bytes;

use super::cutter::Cutter;
use super::encode::{EncodeError, encode};
use super::{BoxError, Part, PartSink};
use crate::format::{Counts, Digest, KitFile, ObjectName, PartRecord, SegmentRecord, SkippedList};
use crate::plan::{Order, PlannedSegment, Sizes, Walk, WalkError};
use crate::seal::Recipients;

/// How many parts are in memory at most: one being filled, one being stored.
const PARTS_IN_MEMORY: usize = 2;

/// How to write. The default is right for exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// When a segment is full.
    pub sizes: Sizes,
    /// Bytes per part, 1 to 8 MiB. All parts of a segment but the last have exactly this size.
    pub part_bytes: usize,
    /// gzip level, 1 (fast) to 9 (small). At 1 data that cannot be compressed, as most media, grows by 5 %.
    pub level: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { sizes: Sizes::default(), part_bytes: PartRecord::MAX as usize, level: 2 }
    }
}

/// A bundle could not be written. What [`Writer::next`] gave before stays valid.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The source cannot be walked.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// A segment cannot be made.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The sink refused a part.
    #[error("`{name}` could not be stored: {error}")]
    Sink {
        /// The part.
        name: ObjectName,
        /// What the sink says.
        #[source]
        error: BoxError,
    },
    /// The options make no sense.
    #[error("{0} bytes per part: 1 to 8 MiB are possible")]
    PartBytes(usize),
    /// A kit file with a name that is not allowed there.
    #[error("`{0}` cannot be the name of a kit file, or the file is longer than 8 MiB")]
    Kit(ObjectName),
    /// The thread that reads the source died.
    #[error("the thread that reads the source ended unexpectedly: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

/// A segment that is now safe in the sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// What the manifest will say about it. Keep it: passed in again as `done`, it saves the work.
    pub record: SegmentRecord,
    /// Whether it was there from an earlier run and nothing was written now.
    pub reused: bool,
}

/// Everything about the data that the manifest needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// All segments, in order.
    pub segments: Vec<SegmentRecord>,
    /// Exact counts; `users` and `posts` are 0, they are the flavour's to fill in.
    pub counts: Counts,
    /// What was left out because the format cannot carry it.
    pub skipped: SkippedList,
}

/// Writes one bundle's data into a sink.
#[derive(Debug)]
pub struct Writer<S> {
    sink: S,
    recipients: Recipients,
    options: Options,
    done: HashMap<ObjectName, SegmentRecord>,
    records: Vec<SegmentRecord>,
    source: Arc<Mutex<Source>>,
}

/// The walk, and the segment that is being written: if that fails, or the caller stops waiting, the next call tries it again.
#[derive(Debug)]
struct Source {
    walk: Walk,
    pending: Option<Arc<PlannedSegment>>,
}

impl<S: PartSink> Writer<S> {
    /// Opens the folder `source`, to be written in the flavour's `order` for `recipients` into `sink`.
    ///
    /// `done` are records that an earlier run of the same export gave back, in any order; what does not fit the source any
    /// more is ignored and written again.
    ///
    /// # Errors
    /// When the source cannot be opened or the options make no sense.
    pub fn open(
        source: &Path,
        order: Order,
        recipients: Recipients,
        sink: S,
        done: Vec<SegmentRecord>,
        options: Options,
    ) -> Result<Self, WriteError> {
        if options.part_bytes == 0 || options.part_bytes as u64 > PartRecord::MAX {
            return Err(WriteError::PartBytes(options.part_bytes));
        }
        let walk = Walk::open(source, order, options.sizes)?;
        let done = done.into_iter().map(|record| (record.name.clone(), record)).collect();
        let source = Arc::new(Mutex::new(Source { walk, pending: None }));
        Ok(Self { sink, recipients, options, done, records: Vec::new(), source })
    }

    /// Writes the next segment, or finds that it is there already. `None`: all are there, call [`Writer::finish`].
    ///
    /// When the returned future is dropped or gives an error, calling again begins the same segment again.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub async fn next(&mut self) -> Result<Option<Written>, WriteError> {
        let Some(segment) = self.plan().await? else {
            return Ok(None);
        };
        let source = self.source_digest(&segment);
        let kept = self.done.get(&ObjectName::segment(segment.index));
        let kept = kept.filter(|record| record.source == source && record.check(segment.index).is_ok()).cloned();
        let reused = kept.is_some();
        let record = match kept {
            Some(record) => record,
            None => self.write(&segment, source).await?,
        };
        self.records.push(record.clone());
        lock(&self.source).pending = None;
        Ok(Some(Written { record, reused }))
    }

    /// Stores a kit file and gives its record for the manifest.
    ///
    /// # Errors
    /// When the name is reserved, the file too long, or the sink refuses.
    pub async fn put_kit(&mut self, name: ObjectName, content: impl Into<Bytes> + Send) -> Result<KitFile, WriteError> {
        let part = Part::new(name, content.into());
        if !part.name.is_kit() || part.bytes.len() as u64 > KitFile::MAX {
            return Err(WriteError::Kit(part.name));
        }
        let record = part.kit_file();
        self.store(part).await?;
        Ok(record)
    }

    /// The sink, for example to give it fresh credentials after an error.
    pub fn sink_mut(&mut self) -> &mut S {
        &mut self.sink
    }

    /// Ends the writing; gives what the manifest needs, and the sink.
    #[must_use]
    pub fn finish(self) -> (Outcome, S) {
        let skipped = lock(&self.source).walk.skipped().clone();
        let counts = Counts::of(&self.records);
        (Outcome { segments: self.records, counts, skipped }, self.sink)
    }

    async fn plan(&self) -> Result<Option<Arc<PlannedSegment>>, WriteError> {
        let source = Arc::clone(&self.source);
        let planned = tokio::task::spawn_blocking(move || {
            let mut source = lock(&source);
            if source.pending.is_none() {
                source.pending = source.walk.next_segment()?.map(Arc::new);
            }
            Ok(source.pending.clone())
        });
        planned.await?
    }

    async fn write(&mut self, segment: &Arc<PlannedSegment>, source: Digest) -> Result<SegmentRecord, WriteError> {
        let (give_token, tokens) = mpsc::channel();
        for _ in 0..PARTS_IN_MEMORY {
            give_token.send(()).unwrap_or_default();
        }
        let (sender, mut parts) = tokio::sync::mpsc::channel(PARTS_IN_MEMORY);
        let cutter = Cutter::new(segment.index, self.options.part_bytes, tokens, sender);
        let (root, planned) = (Arc::clone(lock(&self.source).walk.root()), Arc::clone(segment));
        let (recipients, level) = (self.recipients.clone(), self.options.level.clamp(1, 9));
        let encoder = tokio::task::spawn_blocking(move || encode(&root, &planned, &recipients, level, cutter));
        while let Some(part) = parts.recv().await {
            // An early return drops both channels, and the thread ends with its next part.
            self.store(part).await?;
            give_token.send(()).unwrap_or_default();
        }
        let parts = encoder.await??;
        let (files, directories, hard_links) = segment.tally();
        let name = ObjectName::segment(segment.index);
        Ok(SegmentRecord { name, source, files, directories, hard_links, bytes: segment.bytes(), parts })
    }

    async fn store(&mut self, part: Part) -> Result<(), WriteError> {
        let name = part.name.clone();
        self.sink.put(part).await.map_err(|error| WriteError::Sink { name, error })
    }

    /// Other recipients or another part size make another segment, even from the same files.
    fn source_digest(&self, segment: &PlannedSegment) -> Digest {
        let mut text = format!("steppe-bundle source 1\n{}\n{}\n", segment.digest, self.options.part_bytes);
        for id in self.recipients.ids() {
            text.push_str(&format!("{id}\n"));
        }
        Digest::of(text)
    }
}

/// A panic inside the lock is reported by the thread's own result; the walk is still what it was.
fn lock(source: &Mutex<Source>) -> std::sync::MutexGuard<'_, Source> {
    source.lock().unwrap_or_else(PoisonError::into_inner)
}
