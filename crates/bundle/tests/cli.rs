//! `steppe-bundle` as people run it.
#![cfg(test)]

mod common;

use std::process::{Command, Output};

use common::{Made, make, put, signer, small, snac_like, snac_order, snapshot};

fn cli(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_steppe-bundle")).args(args).output().unwrap()
}

fn good(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn bad(output: &Output, word: &str) {
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains(word), "`{word}` is not in: {err}");
}

/// A bundle, its folder and the file with its key.
async fn bundle() -> (tempfile::TempDir, Made, String, String) {
    let source = tempfile::tempdir().unwrap();
    snac_like(source.path(), 10);
    let made = make(source.path(), snac_order(), small(25, 20_000, 3000)).await;
    let folder = made.folder().path().to_str().unwrap().to_owned();
    let key = made.key_file().to_str().unwrap().to_owned();
    (source, made, folder, key)
}

#[tokio::test(flavor = "multi_thread")]
async fn verify() {
    let (_source, made, folder, _) = bundle().await;
    let id = signer().public().id().to_string();
    let out = good(&cli(&["verify", &folder]));
    assert!(out.contains("a.example: snac 2.75, copied 2026-01-02T03:04:05Z, 2 users, 5 posts"), "{out}");
    assert!(out.contains("which you did not ask for"), "{out}");
    assert!(good(&cli(&["verify", &folder, "--key-id", &id])).contains("by the expected key"));
    bad(&cli(&["verify", &folder, "--key-id", &id.replace(['0', '1'], "2")]), "expected was");
    std::fs::remove_file(made.folder().path().join("segment-0001/part-0000.tar.gz.age")).unwrap();
    bad(&cli(&["verify", &folder]), "segment-0001/part-0000.tar.gz.age`: it is missing");
    assert_eq!(cli(&["verify"]).status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn list() {
    let (source, _made, folder, key) = bundle().await;
    let out = good(&cli(&["list", &folder, "-i", &key]));
    assert!(out.lines().any(|line| line.starts_with("d ") && line.ends_with(" user/alice/")), "{out}");
    assert!(out.lines().any(|line| line.starts_with("h ") && line.contains(" -> user/alice/public/")), "{out}");
    assert_eq!(out.lines().count(), common::expected(source.path()).len() + 3);
    bad(&cli(&["list", &folder, "-i", "/missing"]), "cannot be read");
    bad(&cli(&["list", &folder, "-i", &key, "--max-bytes", "10"]), "more than the limit");
}

#[tokio::test(flavor = "multi_thread")]
async fn extract() {
    let (source, made, folder, key) = bundle().await;
    let target = made.room.path().join("out");
    let pem = put(made.room.path(), "signer.pem", signer().public().to_pem());
    let extract = ["extract", &folder, target.to_str().unwrap(), "-i", &key, "--key", pem.to_str().unwrap()];
    let out = good(&cli(&extract));
    assert!(out.contains("20 hard links"), "{out}");
    assert_eq!(snapshot(&target), common::expected(source.path()));
    bad(&cli(&extract), "is not empty");
    bad(&cli(&["extract", &folder, "/dev/null/x", "-i", &key]), "cannot be used");
}

/// A bundle of a stranger that is a bomb stops at the ceiling for strangers.
#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_bomb() {
    let source = tempfile::tempdir().unwrap();
    let zeros = std::fs::File::create(source.path().join("zeros")).unwrap();
    zeros.set_len(32 << 20).unwrap();
    let made =
        make(source.path(), bundle::plan::Order::default(), bundle::stream::Options { level: 9, ..Default::default() })
            .await;
    let folder = made.folder();
    let (folder, key) = (folder.path().to_str().unwrap(), made.key_file());
    let key = key.to_str().unwrap();
    bad(&cli(&["list", folder, "-i", key]), "more than 250 to 1 is not allowed");
    good(&cli(&["list", folder, "-i", key, "--max-ratio", "1100"]));
    good(&cli(&["list", folder, "-i", key, "--key-id", &signer().public().id().to_string()]));
}
