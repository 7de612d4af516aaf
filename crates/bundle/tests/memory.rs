//! The writer and the reader hold about two parts in memory, whatever the size of the data.
#![cfg(test)]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use bundle::format::{Limits, Manifest};
use bundle::plan::Order;
use bundle::seal::{BundleKey, Recipients};
use bundle::stream::{self, BoxError, Folder, Options, Outcome, Part, PartSink, Writer};
use common::{drain, manifest, noise, small};
use tempfile::TempDir;

/// Counts what is allocated, and the most that ever was.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn grown(by: usize) {
    PEAK.fetch_max(NOW.fetch_add(by, Ordering::Relaxed) + by, Ordering::Relaxed);
}

#[allow(unsafe_code, reason = "an allocator cannot be written otherwise; it only counts and passes on")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grown(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Most bytes allocated at once while `work` runs, above what was allocated before.
async fn peak<T>(work: impl Future<Output = T>) -> (usize, T) {
    let before = NOW.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let done = work.await;
    (PEAK.load(Ordering::Relaxed) - before, done)
}

/// A slow store: lets the writer run as far ahead as it will before it takes a part.
struct Slow(Folder);

impl PartSink for Slow {
    async fn put(&mut self, part: Part) -> Result<(), BoxError> {
        let mut last = usize::MAX;
        // The writer has stopped when nothing more is allocated for a while.
        while last != NOW.load(Ordering::Relaxed) {
            last = NOW.load(Ordering::Relaxed);
            tokio::time::sleep(std::time::Duration::from_millis(40)).await;
        }
        self.0.put(part).await
    }
}

const PART: usize = 8 << 20;
/// What one pipeline needs besides parts: buffers of gzip, age and copying, threads, one segment's names.
const REST: usize = 3 << 20;

// One test, because the counters are the process's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_parts_at_most() {
    let room = tempfile::tempdir().unwrap();
    let source = room.path().join("source");
    std::fs::create_dir(&source).unwrap();
    std::fs::write(source.join("noise"), noise(3, 5 * PART)).unwrap();
    let sparse = std::fs::File::create(source.join("sparse")).unwrap();
    sparse.set_len(200 << 20).unwrap();
    let key = BundleKey::generate();
    let recipients = Recipients::new([key.recipient()]).unwrap();

    let outcome = write(&room, &source, &recipients).await;
    read(&room, &manifest(outcome, &recipients, vec![]), &key).await;
    many_small_parts(&source, recipients).await;
}

async fn write(room: &TempDir, source: &Path, recipients: &Recipients) -> Outcome {
    let sink = Slow(Folder::new(room.path().join("bundle")));
    let mut writer =
        Writer::open(source, Order::default(), recipients.clone(), sink, vec![], Options::default()).unwrap();
    let (written, records) = peak(drain(&mut writer)).await;
    assert_eq!(records.unwrap().iter().map(|r| r.parts.len()).collect::<Vec<_>>(), [6, 1]);
    assert!(written > PART, "the counter does not count: {written}");
    assert!(written < 2 * PART + REST, "{written} bytes at once while writing");

    writer.finish().0
}

async fn read(room: &TempDir, manifest: &Manifest, key: &BundleKey) {
    let folder = Folder::new(room.path().join("bundle"));
    let (verified, result) = peak(stream::verify(&folder, manifest, |_| {})).await;
    result.unwrap();
    assert!(verified < PART + REST, "{verified} bytes at once while verifying");

    let (identities, target) = (key.identities(), room.path().join("out"));
    let limits = Limits::signed(manifest);
    let (extracted, result) = peak(stream::extract(&folder, manifest, &identities, limits, &target, |_| {})).await;
    result.unwrap();
    // One part is used, one waits or is being read.
    assert!(extracted < 2 * PART + REST, "{extracted} bytes at once while extracting");
}

/// The sparse file alone, in parts so small that it has many: memory follows the part size, not the file's.
async fn many_small_parts(source: &Path, recipients: Recipients) {
    std::fs::remove_file(source.join("noise")).unwrap();
    let bundle = tempfile::tempdir().unwrap();
    let options = small(10, 1 << 30, 16 << 10);
    let sink = Folder::new(bundle.path());
    let mut writer = Writer::open(source, Order::default(), recipients, sink, vec![], options).unwrap();
    let (written, records) = peak(drain(&mut writer)).await;
    assert!(records.unwrap()[0].parts.len() > 10);
    assert!(written < REST, "{written} bytes at once");
}
