//! Cuts a stream into parts.

use std::io::{self, Write};
use std::sync::mpsc::Receiver;

use tokio::sync::mpsc::Sender;

use super::Part;
use crate::format::{ObjectName, PartRecord};

/// Takes bytes, hands over parts. Before a part is begun a token is taken, and the other side gives one back for each part
/// it has stored: so there are never more parts in memory than tokens were given.
pub(super) struct Cutter {
    segment: usize,
    part_bytes: usize,
    buffer: Vec<u8>,
    records: Vec<PartRecord>,
    tokens: Receiver<()>,
    parts: Sender<Part>,
}

impl Cutter {
    pub(super) fn new(segment: usize, part_bytes: usize, tokens: Receiver<()>, parts: Sender<Part>) -> Self {
        Self { segment, part_bytes, buffer: Vec::new(), records: Vec::new(), tokens, parts }
    }

    /// Hands over the last part and gives the records of all.
    pub(super) fn finish(mut self) -> io::Result<Vec<PartRecord>> {
        self.hand_over()?;
        Ok(self.records)
    }

    fn hand_over(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.buffer).into();
        let part = Part::new(ObjectName::part(self.segment, self.records.len()), bytes);
        self.records.push(part.record());
        self.parts.blocking_send(part).map_err(|_| gone())
    }
}

impl Write for Cutter {
    /// Takes all of it, even across parts: the age library gives up its header when a write takes less.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.buffer.len() == self.part_bytes {
                self.hand_over()?;
            }
            if self.buffer.is_empty() {
                self.tokens.recv().map_err(|_| gone())?;
                self.buffer.reserve_exact(self.part_bytes);
            }
            let (taken, left) = rest.split_at(rest.len().min(self.part_bytes - self.buffer.len()));
            self.buffer.extend_from_slice(taken);
            rest = left;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "nobody takes the parts any more")
}
