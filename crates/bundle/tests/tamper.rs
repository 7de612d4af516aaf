//! Whatever is changed in a bundle is noticed, before anything of it is used.
#![cfg(test)]

mod common;

use std::path::Path;

use bundle::format::{Limits, Signer};
use bundle::seal::BundleKey;
use bundle::stream::{self, Trust};
use common::{Made, make, noise, put, signer, small, snac_like, snac_order, snapshot};

async fn bundle() -> Made {
    let source = tempfile::tempdir().unwrap();
    snac_like(source.path(), 6);
    put(source.path(), "media/big", noise(9, 9000));
    make(source.path(), snac_order(), small(20, 8000, 2000)).await
}

/// The bundle must be refused by a reader that knows the key, and nothing may be extracted from it in full.
async fn refused(made: &Made, what: &str) {
    let target = made.room.path().join("out");
    let _ = std::fs::remove_dir_all(&target);
    assert!(made.restore(&target).await.is_err(), "not noticed: {what}");
    assert!(!target.exists(), "something was written before it was noticed: {what}");
}

/// Flips one bit of each of the bytes, one after the other.
async fn flip(made: &Made, name: &str, positions: impl Iterator<Item = usize>) {
    let path = made.folder().path().join(name);
    let good = std::fs::read(&path).unwrap();
    for position in positions {
        let mut bad = good.clone();
        bad[position] ^= 1 << (position % 8);
        std::fs::write(&path, bad).unwrap();
        refused(made, &format!("byte {position} of {name}")).await;
    }
    std::fs::write(&path, good).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn any_byte_of_manifest_and_signature() {
    let made = bundle().await;
    let length = made.manifest.to_bytes().unwrap().len();
    flip(&made, "manifest.json", 0..length).await;
    flip(&made, "manifest.sig", 0..64).await;
    made.restore(&made.room.path().join("good")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn any_region_of_any_object() {
    let made = bundle().await;
    let objects: Vec<_> = made.manifest.objects().map(|(name, size, _)| (name.clone(), size as usize)).collect();
    assert!(objects.len() > 8);
    for (name, size) in objects {
        // The age header, its MAC and nonce, the middle, the last chunk's tag.
        let positions = (0..size).step_by(97).chain([size - 1, size - 16]);
        flip(&made, name.as_str(), positions).await;
    }
    made.restore(&made.room.path().join("good")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn lengths_swaps_and_strangers() {
    let made = bundle().await;
    let path = |name: &str| made.folder().path().join(name);
    let parts: Vec<_> = made.manifest.segments.iter().flat_map(|s| &s.parts).map(|p| p.name.to_string()).collect();
    for name in parts.iter().map(String::as_str).chain(["restore.sh", "compose.yaml", "manifest.json", "manifest.sig"])
    {
        let good = std::fs::read(path(name)).unwrap();
        for (bad, what) in [
            (good[..good.len() - 1].to_vec(), "one byte short"),
            (vec![], "empty"),
            ([good.as_slice(), b"\n"].concat(), "one byte long"),
            ([good.as_slice(), good.as_slice()].concat(), "twice"),
        ] {
            std::fs::write(path(name), bad).unwrap();
            refused(&made, &format!("{name} {what}")).await;
        }
        std::fs::remove_file(path(name)).unwrap();
        refused(&made, &format!("{name} missing")).await;
        std::os::unix::fs::symlink("/etc/passwd", path(name)).unwrap();
        refused(&made, &format!("{name} as a link")).await;
        std::fs::remove_file(path(name)).unwrap();
        std::fs::create_dir(path(name)).unwrap();
        refused(&made, &format!("{name} as a folder")).await;
        std::fs::remove_dir(path(name)).unwrap();
        std::fs::write(path(name), good).unwrap();
    }
    for pair in parts.windows(2) {
        swap(&path(&pair[0]), &path(&pair[1]));
        refused(&made, &format!("{} and {} swapped", pair[0], pair[1])).await;
        swap(&path(&pair[0]), &path(&pair[1]));
    }
    for extra in
        ["segment-0000/part-9999.tar.gz.age", "segment-9999/part-0000.tar.gz.age", "stray", ".stray", "segment-0000/x"]
    {
        put(made.folder().path(), extra, "x");
        refused(&made, &format!("extra {extra}")).await;
        std::fs::remove_file(path(extra)).unwrap();
        let _ = std::fs::remove_dir(path("segment-9999"));
    }
    made.restore(&made.room.path().join("good")).await.unwrap();
}

fn swap(a: &Path, b: &Path) {
    let (x, y) = (std::fs::read(a).unwrap(), std::fs::read(b).unwrap());
    std::fs::write(a, y).unwrap();
    std::fs::write(b, x).unwrap();
}

/// A stranger can make a bundle of their own in the same place, but not one that passes for ours.
#[tokio::test(flavor = "multi_thread")]
async fn another_signer_is_refused_unless_nobody_asked() {
    let made = bundle().await;
    let stranger = Signer::from_seed(&[1; 32]);
    let mut manifest = made.manifest.clone();
    manifest.signing = stranger.public().signing();
    let bytes = manifest.to_bytes().unwrap();
    std::fs::write(made.folder().path().join("manifest.json"), &bytes).unwrap();
    std::fs::write(made.folder().path().join("manifest.sig"), stranger.sign(&bytes)).unwrap();
    let folder = made.folder();
    assert!(stream::open(&folder, &Trust::Key(signer().public())).await.is_err());
    let error = stream::open(&folder, &Trust::KeyId(signer().public().id())).await.unwrap_err();
    assert!(error.to_string().contains(&stranger.public().id().to_string()), "{error}");
    assert!(stream::open(&folder, &Trust::KeyId(stranger.public().id())).await.is_ok());
    assert!(stream::open(&folder, &Trust::AnyKey).await.is_ok());
    // The right id in the manifest does not help: the signature is still the stranger's.
    manifest.signing = signer().public().signing();
    let bytes = manifest.to_bytes().unwrap();
    std::fs::write(folder.path().join("manifest.json"), &bytes).unwrap();
    std::fs::write(folder.path().join("manifest.sig"), stranger.sign(&bytes)).unwrap();
    assert!(stream::open(&folder, &Trust::AnyKey).await.is_err());
}

/// Even a manifest that is signed cannot make the reader take one segment's content for another's.
#[tokio::test(flavor = "multi_thread")]
async fn a_signed_manifest_that_lies_about_a_segment() {
    let made = bundle().await;
    let mut manifest = made.manifest.clone();
    manifest.segments[0].files += 1;
    manifest.counts.files += 1;
    made.sign(&manifest);
    let error = made.restore(&made.room.path().join("out")).await.unwrap_err();
    assert!(error.to_string().contains("the manifest says"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_key_opens_nothing() {
    let made = bundle().await;
    let (folder, target) = (made.folder(), made.room.path().join("out"));
    let stranger = BundleKey::generate().identities();
    let limits = Limits::signed(&made.manifest);
    let error = stream::extract(&folder, &made.manifest, &stranger, limits, &target, |_| {}).await.unwrap_err();
    assert!(error.to_string().contains("cannot be decrypted"), "{error}");
    assert!(snapshot(&target).is_empty());
}

/// Without verifying first, a bad part in the middle stops extraction, and nothing of it or behind it was used.
#[tokio::test(flavor = "multi_thread")]
async fn extraction_alone_uses_nothing_of_a_bad_part() {
    let made = bundle().await;
    let last = made.manifest.segments.last().unwrap();
    let path = made.folder().path().join(last.parts[0].name.as_str());
    let mut bad = std::fs::read(&path).unwrap();
    bad[400] ^= 1;
    std::fs::write(&path, bad).unwrap();
    let (folder, target) = (made.folder(), made.room.path().join("out"));
    let limits = Limits::signed(&made.manifest);
    let error =
        stream::extract(&folder, &made.manifest, &made.key.identities(), limits, &target, |_| {}).await.unwrap_err();
    assert!(error.to_string().contains("it was changed"), "{error}");
    let entries = made.manifest.segments.iter().rev().skip(1).map(|s| s.entries()).sum::<u64>();
    assert_eq!(snapshot(&target).len() as u64, entries);
}
