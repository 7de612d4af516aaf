//! A job that is killed at any part is done again, and only what is missing is written.
#![cfg(test)]

mod common;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bundle::format::SegmentRecord;
use bundle::plan::Order;
use bundle::seal::{BundleKey, Recipients};
use bundle::stream::{BoxError, Folder, Options, Part, PartSink, WriteError, Writer};
use common::{drain, manifest, noise, put, signer, small, snapshot};
use tokio::sync::Notify;

/// Stores parts in a folder until `after` of them are there; then fails, or never answers.
struct Flaky {
    folder: Folder,
    after: usize,
    hangs: bool,
    /// Told when it hangs.
    hanging: Arc<Notify>,
    stored: Arc<Mutex<Vec<String>>>,
}

impl PartSink for Flaky {
    async fn put(&mut self, part: Part) -> Result<(), BoxError> {
        if self.after == 0 {
            if self.hangs {
                self.hanging.notify_one();
                std::future::pending::<()>().await;
            }
            return Err("the line is cut".into());
        }
        self.after -= 1;
        self.stored.lock().unwrap().push(part.name.to_string());
        self.folder.put(part).await
    }
}

struct Room {
    dir: tempfile::TempDir,
    key: BundleKey,
    recipients: Recipients,
}

const OPTIONS: Options = Options { sizes: bundle::plan::Sizes { bytes: 6000, entries: 7 }, part_bytes: 1500, level: 1 };

impl Room {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("source");
        common::snac_like(&source, 12);
        put(&source, "media/big", noise(5, 20_000));
        let key = BundleKey::generate();
        let recipients = Recipients::new([key.recipient()]).unwrap();
        Self { dir, key, recipients }
    }

    fn source(&self) -> std::path::PathBuf {
        self.dir.path().join("source")
    }

    /// A run that stores at most `after` parts. Gives the records it lived to hand on, the names it stored, and its end.
    async fn run(&self, bundle: &Path, done: Vec<SegmentRecord>, after: usize, hangs: bool) -> Run {
        let stored = Arc::new(Mutex::new(Vec::new()));
        let hanging = Arc::new(Notify::new());
        let sink = Flaky {
            folder: Folder::new(bundle),
            after,
            hangs,
            hanging: Arc::clone(&hanging),
            stored: Arc::clone(&stored),
        };
        let mut writer =
            Writer::open(&self.source(), common::snac_order(), self.recipients.clone(), sink, done, OPTIONS).unwrap();
        let mut records = Vec::new();
        let mut reused = 0;
        let ended = loop {
            let next = tokio::select! {
                biased;
                next = writer.next() => next,
                // The writer waits for the sink for good: this is the moment of the kill.
                () = hanging.notified() => break Err(None),
            };
            match next {
                Ok(Some(written)) => {
                    reused += usize::from(written.reused);
                    records.push(written.record);
                }
                Ok(None) => break Ok(writer.finish().0),
                Err(error) => break Err(Some(error)),
            }
        };
        let stored = stored.lock().unwrap().clone();
        Run { records, reused, stored, ended }
    }

    /// Commits and restores; the content must be that of the source.
    async fn must_restore(&self, bundle: &Path, outcome: bundle::stream::Outcome) {
        let made = manifest(outcome, &self.recipients, vec![]);
        let bytes = made.to_bytes().unwrap();
        let folder = Folder::new(bundle);
        folder.commit(&bytes, &signer().sign(&bytes)).unwrap();
        bundle::stream::verify(&folder, &made, |_| {}).await.unwrap();
        let target = self.dir.path().join(format!("out of {}", bundle.file_name().unwrap().display()));
        let limits = bundle::format::Limits::signed(&made);
        bundle::stream::extract(&folder, &made, &self.key.identities(), limits, &target, |_| {}).await.unwrap();
        assert_eq!(snapshot(&target), common::expected(&self.source()));
    }
}

struct Run {
    records: Vec<SegmentRecord>,
    reused: usize,
    stored: Vec<String>,
    ended: Result<bundle::stream::Outcome, Option<WriteError>>,
}

async fn killed_at_each_part(hangs: bool) {
    let room = Room::new();
    let clean = room.run(&room.dir.path().join("clean"), vec![], usize::MAX, false).await;
    let total = clean.stored.len();
    assert!(total > 25, "{total} parts are too few for this test");
    assert!(clean.records.iter().any(|record| record.parts.len() > 3), "no segment has many parts");
    for after in 0..total {
        let bundle = room.dir.path().join(format!("{hangs}-{after}"));
        let first = room.run(&bundle, vec![], after, hangs).await;
        if first.ended.is_ok() {
            // The age header has random length, so a segment may need a part more or less than in the clean run.
            assert!(after + clean.records.len() >= total, "not killed after {after} of {total} parts");
            break;
        }
        assert_eq!(first.stored.len(), after);
        let second = room.run(&bundle, first.records.clone(), usize::MAX, false).await;
        assert_eq!(second.reused, first.records.len());
        let fresh = second.records[second.reused..].iter().map(|record| record.parts.len()).sum::<usize>();
        assert_eq!(second.stored.len(), fresh, "killed after {after} parts");
        let outcome = second.ended.unwrap();
        assert_eq!(without_parts(&outcome.segments), without_parts(&clean.records));
        room.must_restore(&bundle, outcome).await;
    }
}

/// Each run encrypts anew, so only the parts may differ.
fn without_parts(records: &[SegmentRecord]) -> Vec<SegmentRecord> {
    records.iter().map(|record| SegmentRecord { parts: vec![], ..record.clone() }).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_fails_at_any_part() {
    killed_at_each_part(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_dropped_at_any_part() {
    killed_at_each_part(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_writer_goes_on_after_an_error() {
    let room = Room::new();
    let bundle = room.dir.path().join("bundle");
    let sink =
        Flaky { folder: Folder::new(&bundle), after: 3, hangs: false, hanging: Arc::default(), stored: Arc::default() };
    let heal = |sink: &mut Flaky| sink.after = usize::MAX;
    let mut writer =
        Writer::open(&room.source(), common::snac_order(), room.recipients.clone(), sink, vec![], OPTIONS).unwrap();
    let error = drain(&mut writer).await.unwrap_err();
    assert!(matches!(error, WriteError::Sink { .. }), "{error}");
    heal(writer.sink_mut());
    drain(&mut writer).await.unwrap();
    let (outcome, _) = writer.finish();
    room.must_restore(&bundle, outcome).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_changed_segments_are_written_again() {
    let room = Room::new();
    let bundle = room.dir.path().join("bundle");
    let first = room.run(&bundle, vec![], usize::MAX, false).await;
    put(&room.source(), "media/big", noise(6, 20_000));
    let second = room.run(&bundle, first.records.clone(), usize::MAX, false).await;
    assert_eq!(second.reused, first.records.len() - 1);
    let segments: BTreeSet<_> = second.stored.iter().map(|name| name.split('/').next().unwrap()).collect();
    assert_eq!(segments.len(), 1);
    room.must_restore(&bundle, second.ended.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_recipients_mean_everything_again() {
    let mut room = Room::new();
    let bundle = room.dir.path().join("bundle");
    let first = room.run(&bundle, vec![], usize::MAX, false).await;
    let key = BundleKey::generate();
    room.recipients = Recipients::new([key.recipient()]).unwrap();
    room.key = key;
    let second = room.run(&bundle, first.records, usize::MAX, false).await;
    assert_eq!(second.reused, 0);
    room.must_restore(&bundle, second.ended.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_are_nonsense_are_not_believed() {
    let room = Room::new();
    let bundle = room.dir.path().join("bundle");
    let first = room.run(&bundle, vec![], usize::MAX, false).await;
    let mut broken = first.records.clone();
    broken[0].parts.clear();
    broken[1].parts[0].name = broken[2].parts[0].name.clone();
    let second = room.run(&bundle, broken, usize::MAX, false).await;
    assert_eq!(second.reused, first.records.len() - 2);
}

/// Changes the source when the first part arrives; the second segment's file is then not what was planned.
struct Meddler(Folder, Option<Box<dyn FnOnce() + Send>>);

impl PartSink for Meddler {
    async fn put(&mut self, part: Part) -> Result<(), BoxError> {
        if let Some(meddle) = self.1.take() {
            meddle();
        }
        self.0.put(part).await
    }
}

/// One noisy file that is bigger than two parts, so that it is still being read when the first part is stored.
async fn changed_while_copied(meddle: impl FnOnce(&Path) + Send + 'static) -> String {
    let source = tempfile::tempdir().unwrap();
    let path = put(source.path(), "idx", noise(1, 4 << 20));
    let bundle = tempfile::tempdir().unwrap();
    let sink = Meddler(Folder::new(bundle.path()), Some(Box::new(move || meddle(&path))));
    let recipients = Recipients::new([BundleKey::generate().recipient()]).unwrap();
    let options = small(10, 1 << 30, 10_000);
    let mut writer = Writer::open(source.path(), Order::default(), recipients, sink, vec![], options).unwrap();
    let error = drain(&mut writer).await.unwrap_err();
    assert!(matches!(error, WriteError::Encode(_)), "{error}");
    error.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_while_it_is_copied_is_an_error_that_names_it() {
    let shrink = |path: &Path| std::fs::File::options().write(true).open(path).unwrap().set_len(10).unwrap();
    assert!(changed_while_copied(shrink).await.contains("`idx` changed while it was copied (it became shorter)"));
    let grow = |path: &Path| std::fs::File::options().write(true).open(path).unwrap().set_len(5 << 20).unwrap();
    assert!(changed_while_copied(grow).await.contains("`idx` changed while it was copied (its size)"));
    let rewrite = |path: &Path| {
        let file = std::fs::File::options().write(true).open(path).unwrap();
        std::os::unix::fs::FileExt::write_at(&file, b"x", 0).unwrap();
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
    };
    assert!(changed_while_copied(rewrite).await.contains("`idx` changed while it was copied (its time)"));
}
