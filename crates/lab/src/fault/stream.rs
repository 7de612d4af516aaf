//! Relays a watch, event by event.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use futures::stream::BoxStream;
use serde_json::Value;
use tokio::sync::mpsc::Sender;
use tokio::sync::watch;
use tokio::time::Instant;

use super::engine::{OpenWatch, Weather};
use super::log::Frame;
use super::proxy::Shared;
use super::relay::cut;

type Upstream = BoxStream<'static, reqwest::Result<Bytes>>;
type Out = Sender<io::Result<Bytes>>;

/// An open watch.
pub(super) struct Watch {
    shared: Arc<Shared>,
    kind: String,
    open: OpenWatch,
    number: u64,
    /// Events held back while the kind is frozen.
    held: VecDeque<Bytes>,
}

/// What to do after an event.
enum Next {
    Go,
    /// The caller's watch ends before this event.
    Cut(Frame),
    /// Nobody listens any more.
    End,
}

impl Watch {
    pub fn new(shared: Arc<Shared>, open: OpenWatch, number: u64) -> Self {
        Self { shared, kind: open.kind.clone(), open, number, held: VecDeque::new() }
    }

    /// Passes on what the API server tells until either side ends or the plan cuts.
    pub async fn relay(mut self, mut upstream: Upstream, out: Out) {
        let mut weather = self.shared.engine.weather();
        let mut lines = Lines::default();
        loop {
            let frozen = weather.borrow_and_update().frozen(&self.kind);
            if weather.borrow().cuts(&self.kind) != self.open.cuts {
                let _ = out.send(Err(cut())).await;
                return;
            }
            if frozen.is_none() && !self.release(&out).await {
                return;
            }
            tokio::select! {
                chunk = upstream.next() => {
                    let Some(Ok(chunk)) = chunk else {
                        self.last_words(&mut weather, &out, chunk.is_some()).await;
                        return;
                    };
                    for line in lines.push(&chunk) {
                        match self.event(line, frozen.is_some(), &out).await {
                            Next::Go => {}
                            Next::Cut(frame) => {
                                let _ = out.send(Err(cut())).await;
                                drop(out);
                                return self.shadow(&frame, upstream, lines, weather).await;
                            }
                            Next::End => return,
                        }
                    }
                }
                _ = weather.changed() => {}
                () = thaw(frozen) => {}
                () = out.closed() => return,
            }
        }
    }

    /// Passes on what was held back. `false` if nobody listens any more.
    async fn release(&mut self, out: &Out) -> bool {
        while let Some(line) = self.held.pop_front() {
            if out.send(Ok(line)).await.is_err() {
                return false;
            }
        }
        true
    }

    async fn event(&mut self, line: Bytes, frozen: bool, out: &Out) -> Next {
        let (mut frame, uid) = read(&line, &self.kind, self.number);
        let verdict = self.shared.engine.event(&frame);
        let log = |frame: &mut Frame, fault: Option<&str>| {
            frame.fault = fault.map(str::to_owned);
            self.shared.log.frame(frame.clone(), uid.as_deref());
        };
        if verdict.kill {
            self.shared.kill();
        }
        if verdict.cut || verdict.kill {
            log(&mut frame, Some("cut before this"));
            return Next::Cut(frame);
        }
        // A freeze that this very event brought on holds it, too.
        if frozen || self.shared.engine.weather().borrow().frozen(&self.kind).is_some() {
            log(&mut frame, Some("held"));
            self.held.push_back(line);
            return Next::Go;
        }
        log(&mut frame, None);
        self.shared.engine.saw(&frame.version);
        if out.send(Ok(line)).await.is_ok() { Next::Go } else { Next::End }
    }

    /// The API server ended the watch: what is held back still comes when the freeze is over.
    async fn last_words(&mut self, weather: &mut watch::Receiver<Weather>, out: &Out, failed: bool) {
        let frozen = weather.borrow().frozen(&self.kind);
        if let Some(ends) = frozen {
            let over = weather.wait_for(|weather| weather.frozen(&self.kind).is_none());
            let _ = tokio::time::timeout_at(ends, over).await;
        }
        if self.release(out).await && failed {
            let _ = out.send(Err(cut())).await;
        }
    }

    /// Listens on for the operator's sake while its watch is cut: whoever waits for the next change of an object learns
    /// of it here.
    async fn shadow(self, frame: &Frame, mut upstream: Upstream, mut lines: Lines, weather: watch::Receiver<Weather>) {
        loop {
            let waits = weather.borrow().lists_wait(&self.kind);
            let Some(ends) = waits else { return };
            let Ok(Some(Ok(chunk))) = tokio::time::timeout_at(ends, upstream.next()).await else {
                return;
            };
            for line in lines.push(&chunk) {
                let (next, _) = read(&line, &self.kind, self.number);
                if (&next.namespace, &next.name) == (&frame.namespace, &frame.name) {
                    self.shared.engine.next_of_object(&next);
                }
            }
        }
    }
}

async fn thaw(frozen: Option<Instant>) {
    match frozen {
        Some(ends) => tokio::time::sleep_until(ends).await,
        None => std::future::pending().await,
    }
}

/// The event on a line and the uid of its object.
fn read(line: &[u8], kind: &str, watch: u64) -> (Frame, Option<String>) {
    let event: Value = serde_json::from_slice(line).unwrap_or_default();
    let meta = &event["object"]["metadata"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let frame = Frame {
        watch,
        event: text(&event["type"]),
        kind: kind.to_owned(),
        namespace: text(&meta["namespace"]),
        name: text(&meta["name"]),
        version: text(&meta["resourceVersion"]),
        ..Frame::default()
    };
    (frame, meta["uid"].as_str().map(str::to_owned))
}

/// Cuts a stream of bytes into lines.
#[derive(Debug, Default)]
struct Lines(BytesMut);

impl Lines {
    /// The lines that are complete now, with their ends.
    fn push(&mut self, chunk: &[u8]) -> Vec<Bytes> {
        self.0.extend_from_slice(chunk);
        let mut lines = Vec::new();
        while let Some(end) = self.0.iter().position(|byte| *byte == b'\n') {
            lines.push(self.0.split_to(end + 1).freeze());
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_told_apart_wherever_the_chunks_end() {
        let mut lines = Lines::default();
        assert!(lines.push(b"{\"type\":\"ADD").is_empty());
        assert_eq!(lines.push(b"ED\"}\n{\"a\":1}\n{"), [&b"{\"type\":\"ADDED\"}\n"[..], b"{\"a\":1}\n"]);
        assert_eq!(lines.push(b"}\n"), [&b"{}\n"[..]]);
    }

    #[test]
    fn an_event_is_read() {
        let line = br#"{"type":"MODIFIED","object":{"metadata":{"name":"x","namespace":"a","uid":"u","resourceVersion":"9"}}}"#;
        let (frame, uid) = read(line, "configmaps", 3);
        assert_eq!((frame.event.as_str(), frame.name.as_str(), frame.version.as_str()), ("MODIFIED", "x", "9"));
        assert_eq!((frame.watch, uid.as_deref()), (3, Some("u")));
    }
}
