//! What goes in comes out: any tree, any sizes, and with other people's programs too.
#![cfg(test)]

mod common;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use bundle::format::EntryKind;
use bundle::plan::Order;
use bundle::stream::Options;
use common::{Made, Seen, make, noise, put, small, snapshot};
use proptest::prelude::*;

/// One thing to make.
#[derive(Debug, Clone)]
enum Make {
    File { folder: usize, name: Vec<u8>, size: usize, mode: u32, mtime: u32 },
    Folder { folder: usize, name: Vec<u8>, mode: u32 },
    Link { folder: usize, name: Vec<u8>, target: usize },
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let odd = prop_oneof![
        3 => prop::collection::vec(prop::num::u8::ANY.prop_filter("no slash, no NUL", |b| *b != b'/' && *b != 0), 1..12),
        3 => "[a-c ]{1,3}".prop_map(String::into_bytes),
        1 => (100_usize..255).prop_map(|n| vec![b'n'; n]),
        1 => Just(b"new\nline\\'\"".to_vec()),
    ];
    odd.prop_filter("not a name", |name| name != b"." && name != b"..")
}

fn tree() -> impl Strategy<Value = Vec<Make>> {
    let size = prop_oneof![Just(0_usize), 1_usize..600, 500_usize..4000, Just(512_usize), Just(1024_usize)];
    let any = prop_oneof![
        4 => (any::<usize>(), name(), size, 0_u32..0o1000, any::<u32>())
            .prop_map(|(folder, name, size, mode, mtime)| Make::File { folder, name, size, mode, mtime }),
        2 => (any::<usize>(), name(), 0_u32..0o1000).prop_map(|(folder, name, mode)| Make::Folder { folder, name, mode }),
        3 => (any::<usize>(), name(), any::<usize>()).prop_map(|(folder, name, target)| Make::Link { folder, name, target }),
    ];
    prop::collection::vec(any, 0..25)
}

/// Makes the tree; what cannot be made there (a name twice, a link without files) is left out.
fn build(root: &Path, tree: &[Make]) {
    let mut folders = vec![root.to_owned()];
    let mut files: Vec<PathBuf> = Vec::new();
    for (seed, make) in tree.iter().enumerate() {
        let at = |folder: &usize, name: &[u8]| folders[folder % folders.len()].join(OsStr::from_bytes(name));
        match make {
            Make::File { folder, name, size, mode, mtime } => {
                let path = at(folder, name);
                if path.symlink_metadata().is_err() && std::fs::write(&path, noise(seed as u64, *size)).is_ok() {
                    let file = std::fs::File::open(&path).unwrap();
                    let time = std::time::UNIX_EPOCH + std::time::Duration::new(u64::from(*mtime), 7);
                    file.set_modified(time).unwrap();
                    file.set_permissions(PermissionsExt::from_mode(mode | 0o600)).unwrap();
                    files.push(path);
                }
            }
            Make::Folder { folder, name, mode } => {
                let path = at(folder, name);
                if std::fs::create_dir(&path).is_ok() {
                    std::fs::set_permissions(&path, PermissionsExt::from_mode(mode | 0o700)).unwrap();
                    folders.push(path);
                }
            }
            Make::Link { folder, name, target } if !files.is_empty() => {
                let _ = std::fs::hard_link(&files[target % files.len()], at(folder, name));
            }
            Make::Link { .. } => {}
        }
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_tree_comes_back(tree in tree(), entries in 1_usize..8, bytes in 1_u64..3000, part_bytes in 100_usize..2000) {
        let source = tempfile::tempdir().unwrap();
        build(source.path(), &tree);
        let before = snapshot(source.path());
        run(async {
            let made = make(source.path(), Order::default(), small(entries, bytes, part_bytes)).await;
            let target = made.room.path().join("out");
            let counts = made.restore(&target).await.unwrap();
            assert_eq!(snapshot(&target), before);
            assert_eq!(counts.bytes, unique_bytes(&before));
            assert_eq!(counts.files + counts.directories + counts.hard_links, before.len() as u64);
        });
        // Nothing was done to the source.
        prop_assert_eq!(snapshot(source.path()), before);
    }
}

fn unique_bytes(seen: &BTreeMap<PathBuf, Seen>) -> u64 {
    seen.iter()
        .map(|(path, seen)| match seen {
            Seen::File { size, first, .. } if first == path => *size,
            Seen::File { .. } | Seen::Directory { .. } | Seen::Other => 0,
        })
        .sum()
}

/// A tree with everything that is hard for tar: names of 100 bytes and more, links to such, bytes that are no UTF-8.
fn hard_tree() -> tempfile::TempDir {
    let source = tempfile::tempdir().unwrap();
    let deep = format!("{}/{}", "d".repeat(120), "e".repeat(130));
    for length in [99, 100, 101, 255] {
        put(source.path(), &format!("{deep}/{}", "f".repeat(length)), noise(length as u64, 700));
        put(source.path(), &"g".repeat(length), "");
    }
    common::link(source.path(), &format!("{deep}/{}", "f".repeat(255)), "short");
    common::link(source.path(), "short", &format!("z/{}", "h".repeat(200)));
    std::fs::write(source.path().join(OsStr::from_bytes(b"caf\xe9 \xff")), "latin").unwrap();
    put(source.path(), "z/big", noise(1, 100_000));
    std::fs::set_permissions(source.path().join("short"), PermissionsExt::from_mode(0o4755)).unwrap();
    source
}

/// The same, as it must come out: set-user-id does not travel.
fn hard_tree_restored(source: &Path) -> BTreeMap<PathBuf, Seen> {
    let mut seen = snapshot(source);
    for value in seen.values_mut() {
        if let Seen::File { mode, .. } = value {
            *mode &= 0o777;
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn gnu_tar_and_age_read_what_we_write() {
    let source = hard_tree();
    let made = make(source.path(), Order::default(), small(5, 50_000, 3000)).await;
    let target = made.room.path().join("out");
    std::fs::create_dir(&target).unwrap();
    for segment in &made.manifest.segments {
        let mut parts = Vec::new();
        for part in &segment.parts {
            parts.extend(std::fs::read(made.folder().path().join(part.name.as_str())).unwrap());
        }
        let joined = made.room.path().join("segment");
        std::fs::write(&joined, parts).unwrap();
        let plain = program("age", &[OsStr::new("-d"), OsStr::new("-i"), made.key_file().as_ref(), joined.as_ref()]);
        std::fs::write(&joined, plain).unwrap();
        let args = ["-xzpf", joined.to_str().unwrap(), "--no-same-owner", "-C", target.to_str().unwrap()];
        program("tar", &args.map(OsStr::new));
    }
    assert_eq!(snapshot(&target), hard_tree_restored(source.path()));
}

/// Runs a program that must be there and must succeed; gives its output.
fn program(name: &str, args: &[&OsStr]) -> Vec<u8> {
    let output =
        Command::new(name).args(args).output().unwrap_or_else(|e| panic!("`{name}` is needed for this test: {e}"));
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[tokio::test(flavor = "multi_thread")]
async fn our_reader_gives_the_same_as_gnu_tar() {
    let source = hard_tree();
    let made = make(source.path(), Order::default(), Options::default()).await;
    let target = made.room.path().join("out");
    made.restore(&target).await.unwrap();
    assert_eq!(snapshot(&target), hard_tree_restored(source.path()));
}

/// An archive as GNU tar writes it is a valid segment's content.
#[test]
fn our_reader_reads_gnu_tar() {
    let source = hard_tree();
    std::fs::set_permissions(source.path().join("short"), PermissionsExt::from_mode(0o755)).unwrap();
    let names: Vec<_> = std::fs::read_dir(source.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    let tar =
        Command::new("tar").args(["--format=gnu", "-czf", "-", "-C"]).arg(source.path()).args(names).output().unwrap();
    assert!(tar.status.success());
    let mut guard = bundle::format::Guard::new(bundle::format::Limits::untrusted());
    let mut count = Count::default();
    bundle::stream::read_archive(tar.stdout.as_slice(), &mut guard, &mut count).unwrap();
    assert_eq!(count.0.len(), snapshot(source.path()).len());
    assert_eq!(count.1, unique_bytes(&snapshot(source.path())));
}

#[derive(Default)]
struct Count(Vec<Vec<u8>>, u64);

impl bundle::stream::Visitor for Count {
    fn entry(&mut self, entry: &bundle::format::Entry, content: &mut dyn Read) -> std::io::Result<()> {
        let read = std::io::copy(content, &mut std::io::sink())?;
        assert_eq!(read, entry.size());
        self.0.push(entry.path.as_bytes().to_vec());
        self.1 += read;
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn snac_order_puts_timelines_first_and_objects_last() {
    let source = tempfile::tempdir().unwrap();
    common::snac_like(source.path(), 20);
    let made = make(source.path(), common::snac_order(), small(10, 1 << 20, 1 << 20)).await;
    let entries = list(&made).await;
    let top = |entry: &bundle::format::Entry| entry.path.components().next().unwrap().to_owned();
    let mut order: Vec<_> = entries.iter().map(top).collect();
    order.dedup();
    assert_eq!(order, ["user", "public.idx", "log", "server.json", "tmp", "object"]);
    // The first path that is met carries the data: the timeline's, so each object is a link.
    let objects =
        entries.iter().filter(|e| e.path.as_bytes().starts_with(b"object/") && e.kind != EntryKind::Directory);
    assert!(objects.clone().all(|e| matches!(e.kind, EntryKind::HardLink { .. })));
    assert_eq!(objects.count(), 20);
    let target = made.room.path().join("out");
    made.restore(&target).await.unwrap();
    assert_eq!(snapshot(&target), common::expected(source.path()));
}

async fn list(made: &Made) -> Vec<bundle::format::Entry> {
    let mut entries = Vec::new();
    let (folder, identities) = (made.folder(), made.key.identities());
    let limits = bundle::format::Limits::signed(&made.manifest);
    let collect = |entry| entries.push(entry);
    bundle::stream::list(&folder, &made.manifest, &identities, limits, collect).await.unwrap();
    entries
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_carried_is_listed() {
    let source = tempfile::tempdir().unwrap();
    put(source.path(), "a", "a");
    std::os::unix::fs::symlink("/etc/passwd", source.path().join("link")).unwrap();
    std::os::unix::fs::symlink("/etc", source.path().join("folder")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(source.path().join("socket")).unwrap();
    nix::unistd::mkfifo(&source.path().join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let made = make(source.path(), Order::default(), Options::default()).await;
    let skipped: Vec<_> = made.manifest.skipped.listed.iter().map(|s| (s.path.as_str(), s.why.as_str())).collect();
    let expected =
        [("folder", "symbolic link"), ("link", "symbolic link"), ("pipe", "named pipe"), ("socket", "socket")];
    assert_eq!(skipped, expected);
    assert_eq!(made.manifest.counts.files, 1);
    let target = made.room.path().join("out");
    made.restore(&target).await.unwrap();
    assert_eq!(snapshot(&target).keys().collect::<Vec<_>>(), [Path::new("a")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_folder_is_a_bundle_too() {
    let source = tempfile::tempdir().unwrap();
    let made = make(source.path(), Order::default(), Options::default()).await;
    assert!(made.manifest.segments.is_empty());
    made.restore(&made.room.path().join("out")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn extraction_touches_nothing_in_a_folder_that_is_not_empty() {
    let source = tempfile::tempdir().unwrap();
    put(source.path(), "a", "new");
    let made = make(source.path(), Order::default(), Options::default()).await;
    let target = made.room.path().join("out");
    put(&target, "a", "old");
    let error = made.restore(&target).await.unwrap_err();
    assert!(error.to_string().contains("is not empty"), "{error}");
    assert_eq!(std::fs::read(target.join("a")).unwrap(), b"old");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_recipients_still_fit_into_what_is_read_of_a_header() {
    use bundle::format::Encryption;
    use bundle::seal::{BundleKey, Recipients};
    let keys: Vec<_> = (0..Encryption::MAX_RECIPIENTS).map(|_| BundleKey::generate()).collect();
    let all = Recipients::new(keys.iter().map(BundleKey::recipient)).unwrap();
    let one_more = keys.iter().map(BundleKey::recipient).chain([BundleKey::generate().recipient()]);
    assert!(Recipients::new(one_more).is_err());
    let source = tempfile::tempdir().unwrap();
    put(source.path(), "a", "content");
    let made =
        common::make_for(source.path(), Order::default(), Options::default(), all, keys.into_iter().last().unwrap())
            .await;
    let target = made.room.path().join("out");
    made.restore(&target).await.unwrap();
    assert_eq!(snapshot(&target), snapshot(source.path()));
}
