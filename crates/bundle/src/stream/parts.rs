//! Parts of a segment as one stream for a thread, each checked before a byte of it is passed on.

use std::io::{self, Read};

use bytes::{Buf, Bytes};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::{PartSource, VerifyError, verify::fetch};
use crate::format::SegmentRecord;

/// The reading end, for a thread that blocks. Its end of file comes only after all parts.
pub(super) struct PartStream {
    parts: Receiver<Bytes>,
    current: Bytes,
    left: usize,
}

/// The feeding end.
pub(super) struct PartFeed(Sender<Bytes>);

/// A feed and the stream that comes out of it. At most two parts are in memory.
pub(super) fn part_stream(segment: &SegmentRecord) -> (PartFeed, PartStream) {
    let (sender, parts) = channel(1);
    (PartFeed(sender), PartStream { parts, current: Bytes::new(), left: segment.parts.len() })
}

impl PartFeed {
    /// Reads, checks and passes on all parts. Ends early without an error when the reader has gone: the reader knows why.
    pub(super) async fn feed(self, source: &impl PartSource, segment: &SegmentRecord) -> Result<(), VerifyError> {
        for part in &segment.parts {
            // Room first: a part that waits for room would be a third one in memory.
            let Ok(room) = self.0.reserve().await else {
                break;
            };
            room.send(fetch(source, &part.name, part.size, part.sha256).await?);
        }
        Ok(())
    }
}

impl Read for PartStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() && self.left > 0 {
            // An empty rest of a part still holds all of its memory.
            self.current = Bytes::new();
            self.current = self
                .parts
                .blocking_recv()
                .ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "a part is missing"))?;
            self.left -= 1;
        }
        let most = buffer.len().min(self.current.len());
        self.current.copy_to_slice(&mut buffer[..most]);
        Ok(most)
    }
}
