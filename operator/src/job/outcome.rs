//! How a program inside a pod says what came of it: an exit code and a termination message.
//!
//! The message is JSON of at most [`LIMIT`] bytes. It can be read by everybody who may read pods, so it never holds a
//! plain secret.

use std::fmt;
use std::io;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The kubelet cuts a termination message after so many bytes (`MaxContainerTerminationMessageLength`).
pub const LIMIT: usize = 4096;

/// The work failed, and a repeat may succeed.
pub const AGAIN: u8 = 1;
/// The data is not what this server was born with. Nothing was changed; nothing must be started.
pub const IDENTITY: u8 = 3;
/// The work cannot succeed, however often it is tried.
pub const REFUSED: u8 = 4;

/// Why a program inside a pod ended without a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The exit code, one of the constants above.
    #[serde(skip)]
    pub code: u8,
    /// One CamelCase word for programs.
    pub reason: String,
    /// A sentence for people: what happened, to what, what to do.
    pub message: String,
}

impl Failure {
    /// A failure that a repeat may heal.
    pub fn again(what: impl fmt::Display, error: impl fmt::Display) -> Self {
        Self::new(AGAIN, "Error", format!("{what}: {error}"))
    }

    /// The data is not what this server was born with.
    pub fn identity(message: impl Into<String>) -> Self {
        Self::new(IDENTITY, "IdentityMissing", message.into())
    }

    /// A repeat cannot heal it.
    pub fn refused(reason: &str, message: impl Into<String>) -> Self {
        Self::new(REFUSED, reason, message.into())
    }

    fn new(code: u8, reason: &str, message: String) -> Self {
        Self { code, reason: reason.to_owned(), message: message.chars().take(1000).collect() }
    }
}

/// What stands in a termination message.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Message<T> {
    Failed { error: Failure },
    Done(T),
}

/// Writes the termination message and gives the exit code.
///
/// # Errors
/// When the file cannot be written or a result is too long; then the work counts as failed and will be repeated.
pub fn report<T: Serialize>(path: &Path, result: Result<T, Failure>) -> io::Result<u8> {
    let code = result.as_ref().err().map_or(0, |failure| failure.code);
    let text = serde_json::to_string(&match result {
        Ok(done) => Message::Done(done),
        Err(error) => Message::Failed { error },
    })?;
    if text.len() > LIMIT {
        return Err(io::Error::other(format!(
            "the result has {} bytes and a termination message at most {LIMIT}",
            text.len()
        )));
    }
    // Not by rename: the kubelet has mounted this very file.
    std::fs::write(path, text)?;
    Ok(code)
}

/// Reads a termination message.
///
/// # Errors
/// The failure it tells of, or that it cannot be read.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Failure> {
    match serde_json::from_str(text) {
        Ok(Message::Done(done)) => Ok(done),
        Ok(Message::Failed { error }) => Err(error),
        Err(error) => Err(Failure::again("the pod's termination message cannot be read", error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Done {
        n: u32,
    }

    #[test]
    fn results_and_failures_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("termination-log");
        assert_eq!(report(&path, Ok(Done { n: 7 })).unwrap(), 0);
        assert_eq!(parse(&std::fs::read_to_string(&path).unwrap()), Ok(Done { n: 7 }));

        let failure = Failure::identity("key.json is gone");
        assert_eq!(report::<Done>(&path, Err(failure)).unwrap(), IDENTITY);
        let read = parse::<Done>(&std::fs::read_to_string(&path).unwrap()).unwrap_err();
        assert_eq!((read.reason.as_str(), read.message.as_str()), ("IdentityMissing", "key.json is gone"));
    }

    #[test]
    fn a_message_that_would_be_cut_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("termination-log");
        assert!(report(&path, Ok("x".repeat(LIMIT))).is_err());
        assert!(!path.exists());
        assert!(parse::<Done>("").is_err());
        let long = Failure::again("copying", "é".repeat(5000));
        assert_eq!(report::<Done>(&path, Err(long)).unwrap(), AGAIN);
    }
}
