//! Archives made to do harm. Each is refused, and nothing gets outside of the target or above the ceilings.
#![cfg(test)]

#[path = "common/archive.rs"]
mod archive;
mod common;

use std::io::Write;

use archive::{Archive, Raw, corpus};
use bundle::format::{Digest, Guard, Hostile, Limits, ObjectName, SegmentRecord};
use bundle::plan::Order;
use bundle::stream::{self, ExtractError, Options, Part, ReadError, Trust};
use common::{Made, make, put, signer, snapshot};

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    out.write_all(plain).unwrap();
    out.finish().unwrap()
}

struct Nothing;

impl stream::Visitor for Nothing {
    fn entry(&mut self, _: &bundle::format::Entry, _: &mut dyn std::io::Read) -> std::io::Result<()> {
        Ok(())
    }
}

fn read(plain: &[u8]) -> Result<bundle::format::Counts, ReadError> {
    read_limited(&gzip(plain), Limits::untrusted())
}

fn read_limited(compressed: &[u8], limits: Limits) -> Result<bundle::format::Counts, ReadError> {
    stream::read_archive(compressed, &mut Guard::new(limits), &mut Nothing)
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
        let opened = stream::open(&made.folder(), &Trust::Key(signer().public())).await.unwrap();
        let (folder, identities) = (made.folder(), made.key.identities());
        let limits = Limits { bytes: 1 << 20, file_bytes: 1 << 20, ..Limits::untrusted() };
        let error = stream::extract(&folder, &opened.manifest, &identities, limits, &target, |_| {}).await;
        let error = error.expect_err(name);
        assert!(matches!(error, ExtractError::Segment { .. }), "{name}: {error:?}");
        let written: u64 = std::fs::read_dir(&target).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).sum();
        assert!(written < 10_000, "{name}");
        std::fs::remove_dir_all(&target).unwrap();
        assert_eq!(snapshot(made.room.path()), around, "{name}: something was written elsewhere");
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
    manifest.segments = vec![SegmentRecord { parts: vec![part.record()], ..manifest.segments[0].clone() }];
    made.sign(&manifest);
    made.manifest = manifest;
    made
}

#[test]
fn harmless_twins_of_the_corpus_are_accepted() {
    let twins = [
        Archive::default().folder("a/").file("a/b", b"x").add(&Raw::new(b'1', b"l", 0).link(b"a/b"), b"").end(),
        Archive::default().add(&Raw::new(b'L', b"././@LongLink", 3), b"ab\0").add(&Raw::new(b'0', b"", 1), b"x").end(),
        Archive::default().add(&Raw::new(b'0', b"p", 0).set(257, b"ustar\x0000"), b"").end(),
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
    assert!(matches!(error, ReadError::Hostile(Hostile::Ratio { plain, .. }) if plain < 40 << 20), "{error:?}");
    // The same is fine for whoever trusts it.
    let trusting = Limits { ratio: Limits::ANY_RATIO, ..Limits::untrusted() };
    assert_eq!(read_limited(&bomb, trusting).unwrap().bytes, 64 << 20);
    let small = Limits { bytes: 1 << 20, ..trusting };
    assert!(matches!(read_limited(&bomb, small), Err(ReadError::Hostile(Hostile::Bytes { .. }))));
    let small = Limits { file_bytes: 1 << 20, ..trusting };
    assert!(matches!(read_limited(&bomb, small), Err(ReadError::Hostile(Hostile::FileBytes { .. }))));
    // Zeros behind the end, which a lenient reader would skip without counting.
    let padded = gzip(&[Archive::default().end(), zeros].concat());
    assert!(matches!(read_limited(&padded, Limits::untrusted()), Err(ReadError::Hostile(Hostile::Ratio { .. }))));
    let mut many = Archive::default();
    for number in 0..2000 {
        many = many.file(&number.to_string(), b"");
    }
    let few = Limits { entries: 1999, ..trusting };
    assert!(matches!(read_limited(&gzip(&many.end()), few), Err(ReadError::Hostile(Hostile::Entries(1999)))));
    let deep = (1..40).fold(Archive::default(), |archive, depth| archive.folder(&"d/".repeat(depth)));
    assert!(matches!(read(&deep.end()), Err(ReadError::Hostile(Hostile::Depth { .. }))));
}

#[test]
fn nothing_may_stand_behind_the_compressed_archive() {
    let good = gzip(&Archive::default().file("f", b"x").end());
    read_limited(&good, Limits::untrusted()).unwrap();
    let twice = [good.as_slice(), &good].concat();
    assert!(matches!(read_limited(&twice, Limits::untrusted()), Err(ReadError::Trailing)));
    let stray = [good.as_slice(), b"x"].concat();
    assert!(matches!(read_limited(&stray, Limits::untrusted()), Err(ReadError::Trailing)));
    for cut in 0..good.len() {
        assert!(read_limited(&good[..cut], Limits::untrusted()).is_err(), "cut to {cut}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_age_header_without_end_is_not_read_without_end() {
    let made = forged(&gzip(&Archive::default().end())).await;
    let endless = [b"age-encryption.org/v1\n".to_vec(), b"-> x AAAA\n\n".repeat(700_000)].concat();
    let part = Part::new(ObjectName::part(0, 0), endless.into());
    put(made.folder().path(), part.name.as_str(), &part.bytes);
    let mut manifest = made.manifest.clone();
    manifest.segments[0].parts = vec![part.record()];
    let (folder, identities) = (made.folder(), made.key.identities());
    let target = made.room.path().join("out");
    let error =
        stream::extract(&folder, &manifest, &identities, Limits::untrusted(), &target, |_| {}).await.unwrap_err();
    assert!(error.to_string().contains("header does not end"), "{error}");
}

/// The same as [`gzip`], but exactly this long, by an extra field in its header.
fn gzip_of_length(plain: &[u8], length: usize) -> Vec<u8> {
    let extra = length - gzip(plain).len() - 2;
    let mut out = flate2::GzBuilder::new().extra(vec![7; extra]).write(Vec::new(), flate2::Compression::best());
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
        stream::read_segment(sealed, &key.identities(), &mut Guard::new(Limits::untrusted()), &mut Nothing)
    };
    let plain = Archive::default().file("f", b"x").end();
    for length in [1000, (64 << 10) - 1, 64 << 10, (64 << 10) + 1] {
        let compressed = gzip_of_length(&plain, length);
        let sealed = recipients.seal(&compressed).unwrap();
        assert_eq!(read(&sealed).unwrap().files, 1, "{length}");
        for behind in [b"x".as_slice(), &[0; 16], &[0; 64 << 10], &sealed] {
            assert!(read(&[&sealed, behind].concat()).is_err(), "{length} and {} more", behind.len());
        }
        let padded = recipients.seal(&[compressed.as_slice(), &[0]].concat()).unwrap();
        assert!(matches!(read(&padded), Err(ReadError::Trailing)), "{length}");
        for cut in [1, 16, 17, length / 2] {
            assert!(read(&sealed[..sealed.len() - cut]).is_err(), "{length} less {cut}");
        }
    }
}

#[test]
fn a_manifest_with_tricks_in_its_names_is_refused() {
    let good = serde_json::json!({"name": "segment-0000/part-0000.tar.gz.age", "size": 1, "sha256": Digest::of("x")});
    assert!(serde_json::from_value::<bundle::format::PartRecord>(good.clone()).is_ok());
    for name in ["../x", "/etc/passwd", "segment-0000/../../x", "a b", "", "segment-0000//part", "a\u{0}"] {
        let mut bad = good.clone();
        bad["name"] = name.into();
        assert!(serde_json::from_value::<bundle::format::PartRecord>(bad).is_err(), "{name:?}");
    }
}
