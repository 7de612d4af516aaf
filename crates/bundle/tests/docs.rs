//! What the documents say about the format is what the code does.
#![cfg(test)]

mod common;

use bundle::format::{Manifest, Version, canonical};
use common::signer;

fn document() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/bundle-format.md");
    std::fs::read_to_string(path).unwrap()
}

/// The text of the first fenced block of this kind.
fn block<'a>(document: &'a str, kind: &str) -> &'a str {
    let begin = document.find(&format!("```{kind}\n")).unwrap() + kind.len() + 4;
    &document[begin..begin + document[begin..].find("```").unwrap()]
}

#[test]
fn the_example_manifest_is_one() {
    let document = document();
    let example = block(&document, "json");
    let manifest = Manifest::parse(example.as_bytes()).unwrap_or_else(|error| {
        let public = signer().public();
        panic!("{error}; the example's key could be {} {}", public.id(), public.to_base64())
    });
    assert_eq!(manifest.to_bytes().unwrap(), example.as_bytes());
    assert_eq!(manifest.version, Version::CURRENT);
    assert!(document.contains(&format!("# The bundle format, version {}", Version::CURRENT)));
}

/// A member that the code writes and the document does not explain would be a secret of ours.
#[test]
fn every_member_is_in_the_example_and_in_the_table() {
    let document = document();
    let example: serde_json::Value = serde_json::from_str(block(&document, "json")).unwrap();
    let names: Vec<&String> = example.as_object().unwrap().keys().collect();
    for name in names {
        assert!(document.contains(&format!("| `{name}`")) || document.contains(&format!(", `{name}` |")), "{name}");
    }
    let parsed: Manifest = serde_json::from_value(example.clone()).unwrap();
    assert_eq!(canonical(&serde_json::to_value(&parsed).unwrap()), canonical(&example));
}

/// The figures in the text are the constants in the code.
#[test]
fn the_limits_are_the_ones_in_the_text() {
    use bundle::format::{Encryption, Limits, ObjectName, PartRecord, RelPath};
    let document = document();
    let untrusted = Limits::untrusted();
    assert_eq!((untrusted.entries, untrusted.bytes >> 30, untrusted.file_bytes >> 30), (2_000_000, 256, 64));
    assert_eq!((untrusted.depth, untrusted.ratio, PartRecord::MAX >> 20), (32, 250, 8));
    assert_eq!((ObjectName::MAX, RelPath::MAX, RelPath::MAX_NAME), (128, 4095, 255));
    assert_eq!((Manifest::MAX_BYTES >> 20, Manifest::MAX_SEGMENTS, Manifest::MAX_PARTS), (64, 65_536, 262_144));
    assert_eq!((Manifest::MAX_LIST, Encryption::MAX_RECIPIENTS), (100_000, 64));
    for figure in [
        "2,000,000 entries, 256 GiB, 64 GiB a file, 32 levels, and 250 to 1",
        "at most 128 characters",
        "at most 4,095 bytes, components at most 255",
        "64 MiB for the manifest, 65,536 segments, 262,144 parts (2 TiB), 100,000 entries",
        "at most 8 MiB",
        "1 to 64",
    ] {
        assert!(document.contains(figure), "{figure}");
    }
}

/// The commands of "Restoring by hand", as they stand there, restore a bundle.
#[tokio::test(flavor = "multi_thread")]
async fn the_commands_in_the_text_work() {
    let source = tempfile::tempdir().unwrap();
    common::snac_like(source.path(), 15);
    let made = common::make(source.path(), common::snac_order(), common::small(12, 9000, 2000)).await;
    let folder = made.folder();
    std::fs::copy(made.key_file(), folder.path().join("key.txt")).unwrap();
    std::fs::write(folder.path().join("signer.pem"), signer().public().to_pem()).unwrap();
    let script = format!("set -eu\n{}", block(&document(), "sh"));
    let output = std::process::Command::new("sh").args(["-c", &script]).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("Signature Verified Successfully"));
    assert_eq!(common::snapshot(&folder.path().join("target")), common::expected(source.path()));
}
