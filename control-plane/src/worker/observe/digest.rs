//! Whether anything has changed: a hash over what of an object can change.

use kube::Resource;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// A hash of an object's uid, generation and status.
pub(super) fn digest<K: Resource>(object: &K, status: &impl Serialize) -> Vec<u8> {
    let meta = object.meta();
    let mut hash = Sha256::new();
    hash.update(meta.uid.as_deref().unwrap_or_default());
    hash.update([0]);
    hash.update(meta.generation.unwrap_or_default().to_be_bytes());
    // Its fields are always in the same order.
    hash.update(serde_json::to_vec(status).unwrap_or_default());
    hash.finalize().to_vec()
}
