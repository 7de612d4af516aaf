//! The names in a bundle, without writing anything.

use std::io::{self, Read};

use tokio::sync::mpsc::{Sender, channel};

use super::PartSource;
use super::decode::Visitor;
use super::extract::{ExtractError, read_all};
use crate::format::{Counts, Entry, Limits, Manifest};
use crate::seal::Identities;

/// Reads and checks all data as [`super::extract`] does, but writes nothing: gives each entry to `entry` instead.
///
/// # Errors
/// The same as [`super::extract`].
pub async fn list(
    source: &impl PartSource,
    manifest: &Manifest,
    identities: &Identities,
    limits: Limits,
    mut entry: impl FnMut(Entry) + Send,
) -> Result<Counts, ExtractError> {
    let (sender, mut entries) = channel(1024);
    let reading = read_all(source, manifest, identities, limits, Names(sender), |_| {});
    let telling = async {
        while let Some(next) = entries.recv().await {
            entry(next);
        }
    };
    let (read, ()) = tokio::join!(async { reading.await.map(|(_, counts)| counts) }, telling);
    read
}

struct Names(Sender<Entry>);

impl Visitor for Names {
    fn entry(&mut self, entry: &Entry, _content: &mut dyn Read) -> io::Result<()> {
        self.0.blocking_send(entry.clone()).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}
