//! Why a run ends before its operation is done.

use jiff::SignedDuration;

use crate::error::Problem;
use crate::gateway::cluster::ClusterError;
use crate::seal::SealError;
use crate::store;

/// After how long a cell that could not be reached is tried again, unless it is heard of before.
const UNREACHABLE: SignedDuration = SignedDuration::from_secs(30);
/// After how long something is looked at again that news are expected of.
const NEWS: SignedDuration = SignedDuration::from_mins(2);
/// After how long something is looked at again that a person has to put right.
const PERSON: SignedDuration = SignedDuration::from_mins(1);

/// Why a run ends before its operation is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// Another worker has it.
    Lost,
    /// It has to wait for something elsewhere. No failure.
    Wait {
        /// For what, a stable word.
        reason: String,
        /// The same as a sentence.
        message: String,
        /// When to look again, if no signal comes before.
        again: SignedDuration,
    },
    /// This try failed; another may succeed.
    Retry {
        /// Why, a stable word.
        reason: String,
        /// The same as a sentence.
        message: String,
    },
    /// No try will succeed.
    Fail {
        /// Why, a stable word.
        reason: String,
        /// The same as a sentence.
        message: String,
    },
    /// Nobody wants it any more.
    GivenUp,
}

impl Stop {
    /// Waits for the cell to do what it was asked.
    pub fn news(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Wait { reason: reason.into(), message: message.into(), again: NEWS }
    }

    /// Waits for a person to put something right.
    pub fn person(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Wait { reason: reason.into(), message: message.into(), again: PERSON }
    }

    /// Waits for a cell to be reached again.
    pub fn unreachable(message: impl Into<String>) -> Self {
        Self::Wait { reason: "cell-unreachable".to_owned(), message: message.into(), again: UNREACHABLE }
    }

    /// This try failed.
    pub fn retry(reason: &str, message: impl ToString) -> Self {
        Self::Retry { reason: reason.to_owned(), message: message.to_string() }
    }

    /// No try will succeed.
    pub fn fail(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Fail { reason: reason.into(), message: message.into() }
    }
}

impl From<store::Error> for Stop {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Corrupt { .. } => Self::fail("corrupt", error.to_string()),
            store::Error::Database(_) => Self::retry("database", error),
        }
    }
}

impl From<sqlx::Error> for Stop {
    fn from(error: sqlx::Error) -> Self {
        store::Error::from(error).into()
    }
}

impl From<ClusterError> for Stop {
    fn from(error: ClusterError) -> Self {
        let message = error.to_string();
        match error {
            ClusterError::Unreachable(_) => Self::unreachable(message),
            ClusterError::Forbidden(_) => Self::person("cell-forbidden", message),
            ClusterError::Behind(_) => Self::person("database-behind", message),
            ClusterError::Missing(_) => Self::retry("missing", message),
            ClusterError::Invalid(_) => Self::retry("cell-refused", message),
        }
    }
}

impl From<SealError> for Stop {
    fn from(error: SealError) -> Self {
        Self::fail("sealed", error.to_string())
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::retry("internal", problem)
    }
}
