//! What all work objects share.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Names one instance for good: by name for people, by uid against confusion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct InstanceRef {
    /// The name of the `Instance` object.
    #[schemars(length(min = 1, max = 40))]
    pub name: String,
    /// Its uid. Work on an instance with another uid is refused.
    #[schemars(length(min = 1, max = 64))]
    pub uid: String,
}

/// Where a piece of work stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Phase {
    /// Not begun; it may be waiting for another piece of work on the same instance.
    #[default]
    Pending,
    /// Begun; `step` says where it is.
    Running,
    /// Done. Final.
    Succeeded,
    /// Given up. Final; `reason` and `message` say why and what to do.
    Failed,
}

impl Phase {
    /// Whether nothing will happen any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }

    /// The phase as written in objects.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
        }
    }
}

/// How a piece of work goes. The same for all kinds, so that one page and one program can show any of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(inline)]
pub struct WorkStatus {
    /// Where it stands.
    pub phase: Phase,
    /// The step it is at, one CamelCase word: `Stopping`, `Copying`, `Signing`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub step: String,
    /// How much is done, 0 to 100.
    #[schemars(range(min = 0, max = 100))]
    pub percent: u8,
    /// How often it was begun; 1 at the first try.
    pub attempt: u32,
    /// Why it is waiting or failed, one CamelCase word.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The same as a sentence for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// When the first step began.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::schema::maybe_time")]
    pub started_at: Option<Timestamp>,
    /// When it succeeded or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::schema::maybe_time")]
    pub finished_at: Option<Timestamp>,
    /// The last lines of its log, at most [`WorkStatus::LOG_LINES`]; the whole log is in the object store.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), inner(length(max = 400)))]
    pub log: Vec<String>,
}

impl WorkStatus {
    /// How many log lines a status keeps.
    pub const LOG_LINES: usize = 20;

    /// Adds a line to the log and drops the oldest beyond the limit; an exact repeat of the last line is not added,
    /// so that a step that is entered again after a crash leaves the status as it was.
    pub fn say(&mut self, line: &str) {
        let line: String = line.chars().take(400).collect();
        if self.log.last() == Some(&line) {
            return;
        }
        self.log.push(line);
        let extra = self.log.len().saturating_sub(Self::LOG_LINES);
        self.log.drain(..extra);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_keeps_the_last_lines() {
        let mut status = WorkStatus::default();
        for n in 0..50 {
            status.say(&format!("line {n}"));
            status.say(&format!("line {n}"));
        }
        assert_eq!(status.log.len(), WorkStatus::LOG_LINES);
        assert_eq!(status.log[0], "line 30");
        status.say(&"ä".repeat(1000));
        assert_eq!(status.log.last().unwrap().chars().count(), 400);
    }
}
