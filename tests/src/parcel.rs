//! A small complete bundle for the fake object store.

use bundle::format::{Digest, Manifest};
use serde_json::json;

/// The name of its only part.
pub const PART: &str = "segment-0000/part-0000.tar.gz.age";

/// What is in the bundle's only part.
#[must_use]
pub fn part() -> Vec<u8> {
    (0..1000_u32).map(|byte| (byte % 251) as u8).collect()
}

/// The bundle's files.
#[must_use]
pub fn files() -> Vec<(&'static str, Vec<u8>)> {
    let kit = b"#!/bin/sh\n".to_vec();
    let manifest: Manifest = serde_json::from_value(json!({
        "format": "steppe-bundle", "version": "1.0", "bundle": "6f1c0c8e-6b7d-4c2e-9f58-2f6f0c3c5a10",
        "instance": { "uid": "0b6c2c0a-93f6-4f0e-8f0f-0a3d4f4f9a3e", "hostname": "birds.servers.example", "actor_keys": [] },
        "software": { "flavour": "snac", "version": "2.75" }, "created_at": "2026-12-01T12:00:00Z",
        "freeze": { "milliseconds": 2500, "cut": [] },
        "counts": { "users": 1, "posts": 1, "files": 1, "directories": 1, "hard_links": 0, "bytes": 900 },
        "skipped": { "total": 0, "listed": [] },
        "segments": [{
            "name": "segment-0000", "files": 1, "directories": 1, "hard_links": 0, "bytes": 900,
            "source": "4e07408562bedb8b60ce05c1decfe3ad16b72230967de01f640b7e4729b49fce",
            "parts": [{ "name": PART, "size": 1000, "sha256": Digest::of(part()) }],
        }],
        "kit": [{ "name": "restore.sh", "size": kit.len(), "sha256": Digest::of(&kit) }],
        "encryption": { "scheme": "age-v1", "recipients": ["5a0ed4c5e64dd85fa2dfbb21bdeb5a3c"] },
        "signing": bundle::format::Signer::from_seed(&[42; 32]).public().signing(),
    }))
    .unwrap();
    vec![
        ("manifest.json", manifest.to_bytes().unwrap()),
        ("manifest.sig", vec![7; 64]),
        ("restore.sh", kit),
        (PART, part()),
    ]
}
