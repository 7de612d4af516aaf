//! Archives made to do harm. Each is refused, and nothing gets outside of the target or above the ceilings.

mod common;

use std::io::Write;

use bundle::format::{Digest, Guard, Hostile, Limits, ObjectName, SegmentRecord};
use bundle::plan::Order;
use bundle::stream::{self, ExtractError, Options, Part, ReadError, TarError, Trust};
use common::{Made, make, put, signer, snapshot};

/// A tar header made by hand, sharing nothing with the writer.
#[derive(Clone)]
struct Raw([u8; 512]);

impl Raw {
    fn new(kind: u8, name: &[u8], size: u64) -> Self {
        let mut block = [0; 512];
        block[..name.len()].copy_from_slice(name);
        block[100..108].copy_from_slice(b"0000644\0");
        block[108..116].copy_from_slice(b"0000000\0");
        block[116..124].copy_from_slice(b"0000000\0");
        block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
        block[136..148].copy_from_slice(b"00000000000\0");
        block[156] = kind;
        block[257..265].copy_from_slice(b"ustar  \0");
        Self(block).sealed()
    }

    fn set(mut self, at: usize, bytes: &[u8]) -> Self {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
        self.sealed()
    }

    fn link(self, target: &[u8]) -> Self {
        self.set(157, target)
    }

    fn sealed(mut self) -> Self {
        self.0[148..156].fill(b' ');
        let sum: u32 = self.0.iter().map(|b| u32::from(*b)).sum();
        self.0[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self
    }
}

#[derive(Default)]
struct Archive(Vec<u8>);

impl Archive {
    fn add(mut self, header: &Raw, content: &[u8]) -> Self {
        self.0.extend_from_slice(&header.0);
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn file(self, name: &str, content: &[u8]) -> Self {
        self.add(
            &Raw::new(b'0', name.as_bytes(), content.len() as u64),
            content,
        )
    }

    fn folder(self, name: &str) -> Self {
        self.add(&Raw::new(b'5', name.as_bytes(), 0), b"")
    }

    fn end(mut self) -> Vec<u8> {
        self.0.extend_from_slice(&[0; 1024]);
        self.0
    }
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    out.write_all(plain).unwrap();
    out.finish().unwrap()
}

struct Nothing;

impl stream::Visitor for Nothing {
    fn entry(
        &mut self,
        _: &bundle::format::Entry,
        _: &mut dyn std::io::Read,
    ) -> std::io::Result<()> {
        Ok(())
    }
}

fn read(plain: &[u8]) -> Result<bundle::format::Counts, ReadError> {
    read_limited(&gzip(plain), Limits::untrusted())
}

fn read_limited(compressed: &[u8], limits: Limits) -> Result<bundle::format::Counts, ReadError> {
    stream::read_archive(compressed, &mut Guard::new(limits), &mut Nothing)
}

/// What an archive of the corpus must be refused for.
type Check = fn(&ReadError) -> bool;

fn corpus() -> Vec<(&'static str, Vec<u8>, Check)> {
    let kind: Check = |e| matches!(e, ReadError::Tar(TarError::Kind { .. }));
    let path: Check = |e| matches!(e, ReadError::Tar(TarError::Path(_)));
    let header: Check = |e| matches!(e, ReadError::Tar(TarError::Header { .. }));
    let link: Check = |e| matches!(e, ReadError::Hostile(Hostile::LinkTarget { .. }));
    let parent: Check = |e| matches!(e, ReadError::Hostile(Hostile::NoParent(_)));
    let truncated: Check = |e| matches!(e, ReadError::Tar(TarError::Truncated));
    let trailing: Check = |e| matches!(e, ReadError::Tar(TarError::Trailing));
    let one = |header: Raw| Archive::default().add(&header, b"").end();
    let mut corpus: Vec<(&'static str, Vec<u8>, Check)> = vec![
        (
            "symbolic link",
            one(Raw::new(b'2', b"l", 0).link(b"/etc")),
            kind,
        ),
        ("character device", one(Raw::new(b'3', b"d", 0)), kind),
        ("block device", one(Raw::new(b'4', b"d", 0)), kind),
        ("named pipe", one(Raw::new(b'6', b"p", 0)), kind),
        ("contiguous file", one(Raw::new(b'7', b"c", 0)), kind),
        ("sparse file", one(Raw::new(b'S', b"s", 0)), kind),
        ("pax header", one(Raw::new(b'x', b"x", 0)), kind),
        ("global pax header", one(Raw::new(b'g', b"g", 0)), kind),
        ("volume label", one(Raw::new(b'V', b"v", 0)), kind),
        ("dump folder", one(Raw::new(b'D', b"v", 0)), kind),
        ("absolute path", one(Raw::new(b'0', b"/tmp/x", 0)), path),
        ("parent folder", one(Raw::new(b'0', b"../x", 0)), path),
        (
            "parent folder inside",
            Archive::default().folder("a/").file("a/../../x", b"").end(),
            path,
        ),
        (
            "parent folder as folder",
            one(Raw::new(b'5', b"../", 0)),
            path,
        ),
        ("this folder", one(Raw::new(b'5', b"./", 0)), path),
        ("no name", one(Raw::new(b'0', b"", 0)), path),
        (
            "double slash",
            Archive::default().folder("a/").file("a//b", b"").end(),
            path,
        ),
        (
            "absolute link target",
            one(Raw::new(b'1', b"l", 0).link(b"/etc/passwd")),
            path,
        ),
        (
            "link target above",
            one(Raw::new(b'1', b"l", 0).link(b"../x")),
            path,
        ),
        ("link without target", one(Raw::new(b'1', b"l", 0)), path),
        (
            "link forward",
            Archive::default()
                .add(&Raw::new(b'1', b"l", 0).link(b"f"), b"")
                .file("f", b"x")
                .end(),
            link,
        ),
        (
            "link to itself",
            one(Raw::new(b'1', b"l", 0).link(b"l")),
            link,
        ),
        (
            "link to a folder",
            Archive::default()
                .folder("d/")
                .add(&Raw::new(b'1', b"l", 0).link(b"d"), b"")
                .end(),
            link,
        ),
        (
            "link to nothing",
            one(Raw::new(b'1', b"l", 0).link(b"etc/passwd")),
            link,
        ),
        (
            "link with content",
            one(Raw::new(b'1', b"l", 512).link(b"f")),
            header,
        ),
        (
            "folder with content",
            one(Raw::new(b'5', b"d/", 512)),
            header,
        ),
        (
            "file with a folder's name",
            one(Raw::new(b'0', b"d/", 0)),
            header,
        ),
        (
            "twice",
            Archive::default().file("f", b"1").file("f", b"2").end(),
            |e| matches!(e, ReadError::Hostile(Hostile::Duplicate(_))),
        ),
        (
            "folder over a file",
            Archive::default().file("f", b"1").folder("f/").end(),
            |e| matches!(e, ReadError::Hostile(Hostile::Duplicate(_))),
        ),
        (
            "inside a file",
            Archive::default().file("f", b"1").file("f/x", b"2").end(),
            parent,
        ),
        ("folder missing", one(Raw::new(b'0', b"a/b", 0)), parent),
        (
            "set-user-id",
            one(Raw::new(b'0', b"f", 0).set(100, b"0004755\0")),
            |e| matches!(e, ReadError::Hostile(Hostile::Mode { .. })),
        ),
        ("wrong checksum", one(Raw::new(b'0', b"f", 0)), header),
        (
            "no magic",
            one(Raw::new(b'0', b"f", 0).set(257, &[0; 8])),
            header,
        ),
        (
            "size is no number",
            one(Raw::new(b'0', b"f", 0).set(124, b"zzzzzzzzzzz\0")),
            header,
        ),
        (
            "lone block of zeros",
            [&[0; 512], Raw::new(b'0', b"f", 0).0.as_slice(), &[0; 1024]].concat(),
            header,
        ),
        ("no end", Archive::default().file("f", b"x").0, truncated),
        (
            "half an end",
            [Archive::default().file("f", b"x").0, vec![0; 512]].concat(),
            truncated,
        ),
        ("nothing at all", vec![], truncated),
        (
            "cut in a header",
            Archive::default().file("f", b"x").0[..300].to_vec(),
            truncated,
        ),
        (
            "second archive behind the first",
            [
                Archive::default().end(),
                Archive::default().file("f", b"x").end(),
            ]
            .concat(),
            trailing,
        ),
        (
            "byte behind the end",
            [Archive::default().end(), vec![0, 0, 1]].concat(),
            trailing,
        ),
        (
            "size beyond all bounds",
            one(Raw::new(b'0', b"f", 0).set(
                124,
                &[0x80, 0, 0, 0, 0x7f, 255, 255, 255, 255, 255, 255, 255],
            )),
            |e| matches!(e, ReadError::Hostile(Hostile::FileBytes { .. })),
        ),
        (
            "content cut off",
            Archive::default()
                .add(&Raw::new(b'0', b"f", 5000), b"short")
                .0,
            |e| matches!(e, ReadError::Tar(TarError::Read(_) | TarError::Truncated)),
        ),
    ];
    let wrong_checksum = corpus
        .iter_mut()
        .find(|(name, ..)| *name == "wrong checksum")
        .unwrap();
    wrong_checksum.1[0] = b'g';
    corpus.extend(long_names(header, path));
    corpus
}

fn long_names(header: Check, path: Check) -> Vec<(&'static str, Vec<u8>, Check)> {
    let long = |kind: u8, content: &[u8]| {
        Archive::default().add(
            &Raw::new(kind, b"././@LongLink", content.len() as u64),
            content,
        )
    };
    let file = Raw::new(b'0', b"f", 0);
    vec![
        (
            "long name that leaves",
            long(b'L', b"../../x\0").add(&file, b"").end(),
            path,
        ),
        (
            "long name, absolute",
            long(b'L', b"/x\0").add(&file, b"").end(),
            path,
        ),
        (
            "long name with NUL inside",
            long(b'L', b"a\0b\0").add(&file, b"").end(),
            header,
        ),
        (
            "long name without NUL",
            long(b'L', b"abc").add(&file, b"").end(),
            header,
        ),
        (
            "long name that is empty",
            long(b'L', b"").add(&file, b"").end(),
            header,
        ),
        (
            "long name of a megabyte",
            long(b'L', &vec![b'a'; 1 << 20]).add(&file, b"").end(),
            header,
        ),
        ("long name alone", long(b'L', b"abc\0").end(), header),
        (
            "two long names",
            long(b'L', b"a\0")
                .add(&Raw::new(b'L', b"x", 2), b"b\0")
                .add(&file, b"")
                .end(),
            |e| matches!(e, ReadError::Tar(TarError::Kind { kind: b'L', .. })),
        ),
        (
            "long target for a file",
            long(b'K', b"abc\0").add(&file, b"").end(),
            header,
        ),
        (
            "long target that leaves",
            long(b'K', b"../x\0")
                .add(&Raw::new(b'1', b"l", 0), b"")
                .end(),
            path,
        ),
        (
            "component of 300 bytes",
            long(b'L', &[vec![b'a'; 300], vec![0]].concat())
                .add(&file, b"")
                .end(),
            path,
        ),
        (
            "path of 5,000 bytes",
            long(b'L', &[b"a/".repeat(2500), vec![0]].concat())
                .add(&file, b"")
                .end(),
            header,
        ),
    ]
}

#[test]
fn every_archive_of_the_corpus_is_refused_for_its_own_reason() {
    for (name, plain, check) in corpus() {
        let error = read(&plain).expect_err(name);
        assert!(check(&error), "{name}: {error:?}");
    }
}

/// The same archives inside a complete, correctly signed bundle: extraction writes nothing outside of its folder.
#[tokio::test(flavor = "multi_thread")]
async fn a_signature_does_not_make_them_welcome() {
    for (name, plain, _) in corpus() {
        let made = forged(&gzip(&plain)).await;
        let around = snapshot(made.room.path());
        let target = made.room.path().join("target");
        let opened = stream::open(&made.folder(), &Trust::Key(signer().public()))
            .await
            .unwrap();
        let (folder, identities) = (made.folder(), made.key.identities());
        let limits = Limits {
            bytes: 1 << 20,
            file_bytes: 1 << 20,
            ..Limits::untrusted()
        };
        let error = stream::extract(
            &folder,
            &opened.manifest,
            &identities,
            limits,
            &target,
            |_| {},
        )
        .await;
        let error = error.expect_err(name);
        assert!(
            matches!(error, ExtractError::Segment { .. }),
            "{name}: {error:?}"
        );
        let written: u64 = std::fs::read_dir(&target)
            .unwrap()
            .map(|e| e.unwrap().metadata().unwrap().len())
            .sum();
        assert!(written < 10_000, "{name}");
        std::fs::remove_dir_all(&target).unwrap();
        assert_eq!(
            snapshot(made.room.path()),
            around,
            "{name}: something was written elsewhere"
        );
    }
}

/// A bundle whose one segment holds this compressed archive, signed as ours.
async fn forged(compressed: &[u8]) -> Made {
    let source = tempfile::tempdir().unwrap();
    put(source.path(), "f", "x");
    let mut made = make(source.path(), Order::default(), Options::default()).await;
    let recipients = bundle::seal::Recipients::new([made.key.recipient()]).unwrap();
    let sealed = recipients.seal(compressed).unwrap();
    let part = Part::new(ObjectName::part(0, 0), sealed.into());
    put(made.folder().path(), part.name.as_str(), &part.bytes);
    let mut manifest = made.manifest.clone();
    manifest.segments = vec![SegmentRecord {
        parts: vec![part.record()],
        ..manifest.segments[0].clone()
    }];
    made.sign(&manifest);
    made.manifest = manifest;
    made
}

#[test]
fn harmless_twins_of_the_corpus_are_accepted() {
    let twins = [
        Archive::default()
            .folder("a/")
            .file("a/b", b"x")
            .add(&Raw::new(b'1', b"l", 0).link(b"a/b"), b"")
            .end(),
        Archive::default()
            .add(&Raw::new(b'L', b"././@LongLink", 3), b"ab\0")
            .add(&Raw::new(b'0', b"", 1), b"x")
            .end(),
        Archive::default()
            .add(&Raw::new(b'0', b"p", 0).set(257, b"ustar\x0000"), b"")
            .end(),
        [Archive::default().file("f", b"x").end(), vec![0; 10_240]].concat(),
        Archive::default().end(),
    ];
    for plain in twins {
        read(&plain).unwrap();
    }
}

#[test]
fn bombs_are_stopped_at_the_ceiling_and_not_behind_it() {
    let zeros = vec![0; 64 << 20];
    let bomb = gzip(&Archive::default().file("zeros", &zeros).end());
    assert!(bomb.len() < 100 << 10);
    let error = read_limited(&bomb, Limits::untrusted()).unwrap_err();
    assert!(
        matches!(error, ReadError::Hostile(Hostile::Ratio { plain, .. }) if plain < 40 << 20),
        "{error:?}"
    );
    // The same is fine for whoever trusts it.
    let trusting = Limits {
        ratio: Limits::ANY_RATIO,
        ..Limits::untrusted()
    };
    assert_eq!(read_limited(&bomb, trusting).unwrap().bytes, 64 << 20);
    let small = Limits {
        bytes: 1 << 20,
        ..trusting
    };
    assert!(matches!(
        read_limited(&bomb, small),
        Err(ReadError::Hostile(Hostile::Bytes { .. }))
    ));
    let small = Limits {
        file_bytes: 1 << 20,
        ..trusting
    };
    assert!(matches!(
        read_limited(&bomb, small),
        Err(ReadError::Hostile(Hostile::FileBytes { .. }))
    ));
    // Zeros behind the end, which a lenient reader would skip without counting.
    let padded = gzip(&[Archive::default().end(), zeros].concat());
    assert!(matches!(
        read_limited(&padded, Limits::untrusted()),
        Err(ReadError::Hostile(Hostile::Ratio { .. }))
    ));
    let mut many = Archive::default();
    for number in 0..2000 {
        many = many.file(&number.to_string(), b"");
    }
    let few = Limits {
        entries: 1999,
        ..trusting
    };
    assert!(matches!(
        read_limited(&gzip(&many.end()), few),
        Err(ReadError::Hostile(Hostile::Entries(1999)))
    ));
    let deep = (1..40).fold(Archive::default(), |archive, depth| {
        archive.folder(&"d/".repeat(depth))
    });
    assert!(matches!(
        read(&deep.end()),
        Err(ReadError::Hostile(Hostile::Depth { .. }))
    ));
}

#[test]
fn nothing_may_stand_behind_the_compressed_archive() {
    let good = gzip(&Archive::default().file("f", b"x").end());
    read_limited(&good, Limits::untrusted()).unwrap();
    let twice = [good.as_slice(), &good].concat();
    assert!(matches!(
        read_limited(&twice, Limits::untrusted()),
        Err(ReadError::Trailing)
    ));
    let stray = [good.as_slice(), b"x"].concat();
    assert!(matches!(
        read_limited(&stray, Limits::untrusted()),
        Err(ReadError::Trailing)
    ));
    for cut in 0..good.len() {
        assert!(
            read_limited(&good[..cut], Limits::untrusted()).is_err(),
            "cut to {cut}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_age_header_without_end_is_not_read_without_end() {
    let made = forged(&gzip(&Archive::default().end())).await;
    let endless = [
        b"age-encryption.org/v1\n".to_vec(),
        b"-> x AAAA\n\n".repeat(700_000),
    ]
    .concat();
    let part = Part::new(ObjectName::part(0, 0), endless.into());
    put(made.folder().path(), part.name.as_str(), &part.bytes);
    let mut manifest = made.manifest.clone();
    manifest.segments[0].parts = vec![part.record()];
    let (folder, identities) = (made.folder(), made.key.identities());
    let target = made.room.path().join("out");
    let error = stream::extract(
        &folder,
        &manifest,
        &identities,
        Limits::untrusted(),
        &target,
        |_| {},
    )
    .await
    .unwrap_err();
    assert!(error.to_string().contains("header does not end"), "{error}");
}

/// The same as [`gzip`], but exactly this long, by an extra field in its header.
fn gzip_of_length(plain: &[u8], length: usize) -> Vec<u8> {
    let extra = length - gzip(plain).len() - 2;
    let mut out = flate2::GzBuilder::new()
        .extra(vec![7; extra])
        .write(Vec::new(), flate2::Compression::best());
    out.write_all(plain).unwrap();
    let out = out.finish().unwrap();
    assert_eq!(out.len(), length);
    out
}

/// The ciphertext must end where the data ends, also when that is at the end of one of age's chunks of 64 KiB.
#[test]
fn nothing_may_stand_behind_the_ciphertext() {
    let key = bundle::seal::BundleKey::generate();
    let recipients = bundle::seal::Recipients::new([key.recipient()]).unwrap();
    let read = |sealed: &[u8]| {
        stream::read_segment(
            sealed,
            &key.identities(),
            &mut Guard::new(Limits::untrusted()),
            &mut Nothing,
        )
    };
    let plain = Archive::default().file("f", b"x").end();
    for length in [1000, (64 << 10) - 1, 64 << 10, (64 << 10) + 1] {
        let compressed = gzip_of_length(&plain, length);
        let sealed = recipients.seal(&compressed).unwrap();
        assert_eq!(read(&sealed).unwrap().files, 1, "{length}");
        for behind in [b"x".as_slice(), &[0; 16], &[0; 64 << 10], &sealed] {
            assert!(
                read(&[&sealed, behind].concat()).is_err(),
                "{length} and {} more",
                behind.len()
            );
        }
        let padded = recipients
            .seal(&[compressed.as_slice(), &[0]].concat())
            .unwrap();
        assert!(
            matches!(read(&padded), Err(ReadError::Trailing)),
            "{length}"
        );
        for cut in [1, 16, 17, length / 2] {
            assert!(
                read(&sealed[..sealed.len() - cut]).is_err(),
                "{length} less {cut}"
            );
        }
    }
}

#[test]
fn a_manifest_with_tricks_in_its_names_is_refused() {
    let good = serde_json::json!({"name": "segment-0000/part-0000.tar.gz.age", "size": 1, "sha256": Digest::of("x")});
    assert!(serde_json::from_value::<bundle::format::PartRecord>(good.clone()).is_ok());
    for name in [
        "../x",
        "/etc/passwd",
        "segment-0000/../../x",
        "a b",
        "",
        "segment-0000//part",
        "a\u{0}",
    ] {
        let mut bad = good.clone();
        bad["name"] = name.into();
        assert!(
            serde_json::from_value::<bundle::format::PartRecord>(bad).is_err(),
            "{name:?}"
        );
    }
}
