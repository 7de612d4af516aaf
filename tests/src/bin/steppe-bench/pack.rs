//! A folder into a bundle that goes nowhere, in a process of its own so that its processor time and memory can be told.

use std::path::Path;

use anyhow::Result;
use bundle::plan::Order;
use bundle::seal::{BundleKey, Recipients};
use bundle::stream::{BoxError, Options, Part, PartSink, Writer};
use serde::{Deserialize, Serialize};

use crate::machine;

/// What became of the folder.
#[derive(Debug, Serialize, Deserialize)]
pub struct Packed {
    /// Bytes in its files.
    pub bytes: u64,
    /// Its files.
    pub files: u64,
    /// Bytes of the bundle's parts.
    pub stored: u64,
    /// The most memory that the process had resident.
    pub peak: u64,
}

/// Counts, and keeps nothing: a store would be measured too.
struct Nowhere(u64);

impl PartSink for Nowhere {
    async fn put(&mut self, part: Part) -> Result<(), BoxError> {
        self.0 += part.bytes.len() as u64;
        Ok(())
    }
}

/// Packs `folder`.
///
/// # Errors
/// When it cannot be read.
pub async fn pack(folder: &Path) -> Result<Packed> {
    let recipients = Recipients::new([BundleKey::generate().recipient()])?;
    let mut writer = Writer::open(folder, Order::default(), recipients, Nowhere(0), Vec::new(), Options::default())?;
    while writer.next().await?.is_some() {}
    let (outcome, sink) = writer.finish();
    let peak = machine::memory("self")?.peak;
    Ok(Packed { bytes: outcome.counts.bytes, files: outcome.counts.files, stored: sink.0, peak })
}
