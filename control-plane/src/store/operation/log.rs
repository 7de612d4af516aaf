//! What happened to an operation, line by line.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How many lines are kept; the newest are.
pub const LINES: usize = 40;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When.
    pub at: Timestamp,
    /// A stable word for what happened: a step of the kind, or why it waits, is tried again or failed.
    pub word: String,
    /// More about it, as whoever we waited for said it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// Adds a line unless it says what the last one says, and drops the oldest beyond the limit.
pub(super) fn add(log: &mut Vec<Line>, line: Line) {
    if log.last().is_some_and(|last| last.word == line.word && last.message == line.message) {
        return;
    }
    log.push(line);
    let extra = log.len().saturating_sub(LINES);
    log.drain(..extra);
}

impl super::Operation {
    /// Notes what happens. A repeat of the last line is not noted again, so that waiting does not fill the log.
    pub fn note(&mut self, at: Timestamp, word: &str, message: &str) {
        let message = message.chars().take(400).collect();
        add(&mut self.log, Line { at, word: word.to_owned(), message });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_lines_stay_and_repeats_are_not_told_twice() {
        let mut log = Vec::new();
        for number in 0..100 {
            let line = Line { at: Timestamp::UNIX_EPOCH, word: "ask".to_owned(), message: number.to_string() };
            add(&mut log, line.clone());
            add(&mut log, Line { at: Timestamp::MAX, ..line });
        }
        assert_eq!(log.len(), LINES);
        assert_eq!(log[0].message, "60");
        assert_eq!(log[LINES - 1].at, Timestamp::UNIX_EPOCH, "the first of two equal ones");
    }
}
