//! What all work objects share, as the database has it.

use serde_json::Value;

use super::{Error, Result};

/// Where a piece of work stands in its cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Not begun.
    Pending,
    /// Begun.
    Running,
    /// Done. Final.
    Succeeded,
    /// Given up. Final.
    Failed,
}

impl Phase {
    /// The stable word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }

    pub(super) fn parse(table: &'static str, row: impl ToString, text: &str) -> Result<Self> {
        match text {
            "pending" => Ok(Self::Pending),
            "running" => Ok(Self::Running),
            "succeeded" => Ok(Self::Succeeded),
            "failed" => Ok(Self::Failed),
            other => Err(Error::corrupt(table, row, format!("no phase is called {other}"))),
        }
    }

    /// Whether nothing happens any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Succeeded | Self::Failed => true,
            Self::Pending | Self::Running => false,
        }
    }
}

impl From<crd::Phase> for Phase {
    fn from(phase: crd::Phase) -> Self {
        match phase {
            crd::Phase::Pending => Self::Pending,
            crd::Phase::Running => Self::Running,
            crd::Phase::Succeeded => Self::Succeeded,
            crd::Phase::Failed => Self::Failed,
        }
    }
}

/// How a piece of work goes, as the cell said last. An empty object before it said anything.
pub(super) fn work(table: &'static str, row: impl ToString, value: Value) -> Result<crd::WorkStatus> {
    serde_json::from_value(value).map_err(|error| Error::corrupt(table, row, error))
}
