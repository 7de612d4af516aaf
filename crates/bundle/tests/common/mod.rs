//! What the tests share: trees on disk, bundles made from them, comparisons.
#![allow(dead_code, reason = "each test program uses its own part of it")]

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use bundle::format::{
    ActorKey, Counts, Cut, Digest, Freeze, Instance, Limits, Manifest, SegmentRecord, Signer, Software, Version,
};
use bundle::plan::{Order, Sizes};
use bundle::seal::{BundleKey, Recipients};
use bundle::stream::{self, Folder, Options, Outcome, PartSink, Trust, Writer};
use tempfile::TempDir;

/// What can be seen of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    Directory {
        mode: u32,
    },
    /// `first` is the first path, in sorted order, that is the same file.
    File {
        mode: u32,
        mtime: i64,
        content: Digest,
        size: u64,
        first: PathBuf,
    },
    Other,
}

/// Everything below `root`.
pub fn snapshot(root: &Path) -> BTreeMap<PathBuf, Seen> {
    let mut seen = BTreeMap::new();
    let mut inodes = BTreeMap::new();
    walk(root, root, &mut inodes, &mut seen);
    seen
}

fn walk(root: &Path, here: &Path, inodes: &mut BTreeMap<u64, PathBuf>, seen: &mut BTreeMap<PathBuf, Seen>) {
    let mut paths: Vec<_> = std::fs::read_dir(here).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let meta = path.symlink_metadata().unwrap();
        let rel = path.strip_prefix(root).unwrap().to_owned();
        let mode = meta.permissions().mode() & 0o7777;
        if meta.is_dir() {
            seen.insert(rel, Seen::Directory { mode });
            walk(root, &path, inodes, seen);
        } else if meta.is_file() {
            let first = inodes.entry(meta.ino()).or_insert_with(|| rel.clone()).clone();
            let content = Digest::of(std::fs::read(&path).unwrap());
            seen.insert(rel, Seen::File { mode, mtime: meta.mtime(), content, size: meta.len(), first });
        } else {
            seen.insert(rel, Seen::Other);
        }
    }
}

/// Bytes that gzip cannot make smaller, the same for the same seed.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut out = Vec::with_capacity(length + 8);
    while out.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend_from_slice(&state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_be_bytes());
    }
    out.truncate(length);
    out
}

pub fn put(root: &Path, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let full = root.join(path);
    std::fs::create_dir_all(full.parent().unwrap()).unwrap();
    std::fs::write(&full, content).unwrap();
    full
}

pub fn link(root: &Path, target: &str, path: &str) {
    std::fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
    std::fs::hard_link(root.join(target), root.join(path)).unwrap();
}

/// Data shaped like that of a snac with two accounts: objects linked into timelines, as snac does it.
pub fn snac_like(root: &Path, posts: usize) {
    let config = concat!(
        "{\n    \"host\": \"a.example\",\n    \"prefix\": \"\",\n    \"address\": \"0.0.0.0\",\n    \"port\": 8001,\n",
        "    \"layout\": 2.7,\n    \"title\": \"an \\\"address\\\": and a \\\"port\\\": 1 in words\",\n    \"protocol\": \"https\"\n}\n"
    );
    put(root, "server.json", config);
    put(root, "server.pid", "123");
    put(root, "tmp/half", "left over");
    put(root, "log/today", "noise");
    put(root, "public.idx", "");
    for user in ["alice", "bob"] {
        put(root, &format!("user/{user}/user.json"), format!("{{\"uid\":\"{user}\"}}"));
        put(root, &format!("user/{user}/key.json"), noise(user.len() as u64, 3000));
        put(root, &format!("user/{user}/static/.keep"), "");
    }
    for post in 0..posts {
        let id = Digest::of(post.to_string()).to_string();
        let object = format!("object/{}/{id}.json", &id[..2]);
        put(root, &object, format!("{{\"id\":\"{id}\",\"content\":\"{}\"}}", hex::encode(noise(post as u64, 40))));
        link(root, &object, &format!("user/alice/public/{id}.json"));
        link(root, &object, &format!("user/bob/private/{id}.json"));
    }
}

pub fn snac_order() -> Order {
    Order::new(&["user", "public.idx"], &["object"], &["server.pid", "tmp", "log"]).unwrap()
}

pub fn small(entries: usize, bytes: u64, part_bytes: usize) -> Options {
    Options { sizes: Sizes { bytes, entries }, part_bytes, level: 1 }
}

pub fn signer() -> Signer {
    Signer::from_seed(&[42; 32])
}

/// A manifest around an outcome, as the operator would make it.
pub fn manifest(outcome: Outcome, recipients: &Recipients, kit: Vec<bundle::format::KitFile>) -> Manifest {
    let actor_keys = vec![ActorKey { actor: "alice".into(), sha256: Digest::of("alice's key") }];
    Manifest {
        format: Manifest::FORMAT.into(),
        version: Version::CURRENT,
        bundle: "6f1c0c8e-6b7d-4c2e-9f58-2f6f0c3c5a10".parse().unwrap(),
        instance: Instance {
            uid: "0b6c2c0a-93f6-4f0e-8f0f-0a3d4f4f9a3e".parse().unwrap(),
            hostname: "a.example".into(),
            actor_keys,
        },
        software: snac(),
        created_at: "2026-01-02T03:04:05Z".parse().unwrap(),
        freeze: Freeze { milliseconds: 2500, cut: vec![Cut { what: "pending deliveries".into(), count: 3 }] },
        counts: Counts { users: 2, posts: 5, ..outcome.counts },
        skipped: outcome.skipped,
        segments: outcome.segments,
        kit,
        encryption: recipients.encryption(),
        signing: signer().public().signing(),
    }
}

pub fn snac() -> Software {
    Software { flavour: "snac".into(), version: "2.75".into() }
}

/// A complete bundle in a folder of its own.
pub struct Made {
    pub room: TempDir,
    pub key: BundleKey,
    pub manifest: Manifest,
}

impl Made {
    pub fn folder(&self) -> Folder {
        Folder::new(self.room.path().join("bundle"))
    }

    /// A key file on disk.
    pub fn key_file(&self) -> PathBuf {
        use age::secrecy::ExposeSecret;
        let path = self.room.path().join("key.txt");
        std::fs::write(&path, self.key.key_file().expose_secret()).unwrap();
        path
    }

    /// Signs and stores a manifest again, whatever is in it.
    pub fn sign(&self, manifest: &Manifest) {
        let bytes = manifest.to_bytes().unwrap();
        std::fs::write(self.folder().path().join("manifest.json"), &bytes).unwrap();
        std::fs::write(self.folder().path().join("manifest.sig"), signer().sign(&bytes)).unwrap();
    }

    /// Opens, verifies and extracts, as a careful reader does.
    pub async fn restore(&self, target: &Path) -> Result<Counts, BoxError> {
        let folder = self.folder();
        let opened = stream::open(&folder, &Trust::Key(signer().public())).await?;
        stream::verify(&folder, &opened.manifest, |_| {}).await?;
        let limits = Limits::signed(&opened.manifest);
        Ok(stream::extract(&folder, &opened.manifest, &self.key.identities(), limits, target, |_| {}).await?)
    }
}

pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

pub async fn make(source: &Path, order: Order, options: Options) -> Made {
    let key = BundleKey::generate();
    let recipients = Recipients::new([key.recipient()]).unwrap();
    make_for(source, order, options, recipients, key).await
}

pub async fn make_for(source: &Path, order: Order, options: Options, recipients: Recipients, key: BundleKey) -> Made {
    let room = tempfile::tempdir().unwrap();
    let sink = Folder::new(room.path().join("bundle"));
    let mut writer = Writer::open(source, order, recipients.clone(), sink, Vec::new(), options).unwrap();
    drain(&mut writer).await.unwrap();
    let (outcome, mut folder) = writer.finish();
    let mut kit = Vec::new();
    for file in bundle::kit::files("a.example", &snac()).unwrap() {
        kit.push(file.kit_file());
        folder.put(file).await.unwrap();
    }
    let manifest = manifest(outcome, &recipients, kit);
    let bytes = manifest.to_bytes().unwrap();
    folder.commit(&bytes, &signer().sign(&bytes)).unwrap();
    Made { room, key, manifest }
}

/// Calls `next` to the end; gives the records of what was written now.
pub async fn drain<S: PartSink>(writer: &mut Writer<S>) -> Result<Vec<SegmentRecord>, stream::WriteError> {
    let mut fresh = Vec::new();
    while let Some(written) = writer.next().await? {
        if !written.reused {
            fresh.push(written.record);
        }
    }
    Ok(fresh)
}

/// What a restored snac must be: the source without what its order leaves out.
pub fn expected(source: &Path) -> BTreeMap<PathBuf, Seen> {
    let left_out = ["server.pid", "tmp/half", "log/today"].map(PathBuf::from);
    let mut seen = snapshot(source);
    seen.retain(|path, _| !left_out.contains(path));
    seen
}
