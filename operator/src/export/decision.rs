//! What can be done next about an export.

use std::fmt;

use crate::work::Job;

/// One step of an export. Each can be repeated after a crash in its middle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// Nothing.
    Rest,
    /// Put label and finalizer on it.
    Mark,
    /// It cannot begin yet.
    Wait { reason: &'static str, message: String },
    /// Say that it runs; from then on the server is held stopped.
    Begin,
    /// Another export goes first.
    Yield { to: String },
    /// The server is not down yet, or somebody still works on it.
    AwaitStop { message: String },
    /// Fix the order and make the Job.
    Copy { attempt: u32 },
    /// The Job works.
    AwaitCopy { percent: u8, attempt: u32, message: String },
    /// The Job failed, or is not needed any more.
    EndJob { job: Job, because: String },
    /// The copy will not be completed. The server is held until the Job has ended.
    GiveUp { reason: String, message: String },
    /// Over. The server may start.
    Fail { reason: String, message: String },
    /// All is copied. The server may start.
    Copied,
    /// Check the parts, write kit, signature and manifest.
    Sign,
    /// Let the object go.
    Release,
    /// Answer the key claim.
    SealKey { claim: String },
    /// Take back the answer.
    ClearKey,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wait { reason, message } => write!(f, "wait ({reason}): {message}"),
            Self::Yield { to } => write!(f, "yield to {to}"),
            Self::AwaitStop { message } => write!(f, "await stop: {message}"),
            Self::Copy { attempt } => write!(f, "copy, attempt {attempt}"),
            Self::AwaitCopy { percent, attempt, message } => {
                write!(f, "await copy, attempt {attempt}, {percent} %: {message}")
            }
            Self::EndJob { job, because } => write!(f, "end {}: {because}", job.name),
            Self::GiveUp { reason, message } => write!(f, "give up ({reason}): {message}"),
            Self::Fail { reason, message } => write!(f, "fail ({reason}): {message}"),
            Self::Rest
            | Self::Mark
            | Self::Begin
            | Self::Copied
            | Self::Sign
            | Self::Release
            | Self::SealKey { .. }
            | Self::ClearKey => {
                write!(f, "{self:?}")
            }
        }
    }
}
