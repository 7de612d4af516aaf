//! Events: what happened to an object, in plain words, for whoever runs `kubectl describe`.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};

/// One thing that happened. Events are made from transitions of a status, after that was saved, so that none is told
/// twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Whether somebody should look.
    pub warning: bool,
    /// One CamelCase word.
    pub reason: String,
    /// What happened, to what, and what to do.
    pub message: String,
}

impl Note {
    /// Something that went as it should.
    pub fn normal(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { warning: false, reason: reason.into(), message: message.into() }
    }

    /// Something that somebody should look at.
    pub fn warning(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { warning: true, reason: reason.into(), message: message.into() }
    }
}

/// Writes events.
#[derive(Clone)]
pub struct Events {
    recorder: Recorder,
}

impl Events {
    /// Events told by the replica of this name.
    #[must_use]
    pub fn new(client: Client, replica: &str) -> Self {
        let reporter = Reporter { controller: crd::labels::MANAGER.to_owned(), instance: Some(replica.to_owned()) };
        Self { recorder: Recorder::new(client, reporter) }
    }

    /// Tells what happened to an object. A failure is logged and forgotten: the status says the same.
    pub async fn tell(&self, about: &ObjectReference, notes: Vec<Note>) {
        for note in notes {
            let event = Event {
                type_: if note.warning { EventType::Warning } else { EventType::Normal },
                action: note.reason.clone(),
                // The API server takes at most 1024 bytes.
                note: Some(cut(&note.message, 1000)),
                reason: note.reason,
                secondary: None,
            };
            if let Err(error) = self.recorder.publish(&event, about).await {
                tracing::warn!(object = about.name, reason = event.reason, %error, "event could not be written");
            }
        }
    }
}

fn cut(text: &str, bytes: usize) -> String {
    let end = (0..=bytes.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn long_messages_are_cut_between_characters() {
        assert_eq!(super::cut("short", 1000), "short");
        assert_eq!(super::cut("aää", 4), "aä");
        assert_eq!(super::cut(&"ä".repeat(1000), 1000).len(), 1000);
    }
}
