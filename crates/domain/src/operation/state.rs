//! Where an operation stands. Each transition takes the old state and returns the new one, or says why not.

use jiff::{SignedDuration, Timestamp};

use super::Kind;
use crate::retry::backoff;

/// Where an operation stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// To be taken up, not before a time.
    Queued {
        /// That time.
        run_at: Timestamp,
    },
    /// A worker has it.
    Running {
        /// Until when it is the worker's. After that another takes it up.
        lease_until: Timestamp,
    },
    /// For something to become true elsewhere. Looked at again at a time, or at once when a signal comes.
    Waiting {
        /// That time.
        run_at: Timestamp,
        /// For what, a stable word.
        reason: String,
    },
    /// Done. Final.
    Succeeded {
        /// When.
        at: Timestamp,
    },
    /// Given up, until someone asks for another try.
    Failed {
        /// When.
        at: Timestamp,
        /// Why, a stable word.
        reason: String,
    },
    /// Not wanted any more. Final.
    Cancelled {
        /// When.
        at: Timestamp,
    },
}

impl State {
    /// The word as the database has it.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Queued { .. } => "queued",
            Self::Running { .. } => "running",
            Self::Waiting { .. } => "waiting",
            Self::Succeeded { .. } => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Cancelled { .. } => "cancelled",
        }
    }

    /// Why it waits or was given up, a stable word.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Waiting { reason, .. } | Self::Failed { reason, .. } => Some(reason),
            Self::Queued { .. } | Self::Running { .. } | Self::Succeeded { .. } | Self::Cancelled { .. } => None,
        }
    }

    /// Whether nothing happens any more by itself.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        match self {
            Self::Queued { .. } | Self::Running { .. } | Self::Waiting { .. } => false,
            Self::Succeeded { .. } | Self::Failed { .. } | Self::Cancelled { .. } => true,
        }
    }
}

/// Why an operation did not go where it was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OperationError {
    /// There is no way from the one state to the other.
    #[error("an operation that is {from} cannot become {to}")]
    Impossible {
        /// Where it stands.
        from: &'static str,
        /// Where it was to go.
        to: &'static str,
    },
    /// A worker that was thought dead speaks: another has taken the operation up since.
    #[error("this worker claimed the operation as number {mine}, but it has been claimed as number {current} since")]
    Stale {
        /// The claim of who speaks.
        mine: i64,
        /// The newest claim.
        current: i64,
    },
    /// Its time has not come, or another worker still has it.
    #[error("not before {0}")]
    TooEarly(Timestamp),
    /// This kind is not left half-way.
    #[error("{0} cannot be cancelled any more")]
    NotCancellable(Kind),
}

/// An operation as far as its course is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// What it does.
    pub kind: Kind,
    /// Where it stands.
    pub state: State,
    /// How many tries have been begun. Going on after waiting is the same try.
    pub attempt: u32,
    /// +1 with each claim: who writes with an older one is a worker that was thought dead.
    pub fence: i64,
    /// The step it is at, one of the kind's; empty before the first.
    pub step: String,
    /// How far it is, 0 to 100.
    pub percent: u8,
    /// Whether someone asked to cancel it while a worker had it.
    pub cancel_asked: bool,
}

impl Operation {
    /// A new one, to be taken up at once.
    #[must_use]
    pub fn new(kind: Kind, now: Timestamp) -> Self {
        let state = State::Queued { run_at: now };
        Self { kind, state, attempt: 0, fence: 0, step: String::new(), percent: 0, cancel_asked: false }
    }

    /// A worker takes it, for as long as the lease lasts. A running one is taken over only after its lease is over; its
    /// worker is counted as a failed try, so that what kills workers is given up in the end.
    pub fn claim(self, now: Timestamp, lease: SignedDuration) -> Result<Self, OperationError> {
        let attempt = match &self.state {
            State::Queued { run_at } | State::Waiting { run_at, .. } if now < *run_at => {
                return Err(OperationError::TooEarly(*run_at));
            }
            State::Running { lease_until } if now < *lease_until => return Err(OperationError::TooEarly(*lease_until)),
            State::Queued { .. } | State::Running { .. } => self.attempt + 1,
            State::Waiting { .. } => self.attempt,
            State::Succeeded { .. } | State::Failed { .. } | State::Cancelled { .. } => {
                return Err(self.impossible("running"));
            }
        };
        if attempt > self.kind.max_attempts() {
            let state = State::Failed { at: now, reason: "worker-lost".to_owned() };
            return Ok(Self { state, fence: self.fence + 1, ..self });
        }
        let state = State::Running { lease_until: now + lease };
        Ok(Self { state, attempt, fence: self.fence + 1, ..self })
    }

    /// The worker tells where it is, and keeps its lease. Percent never falls within a try.
    pub fn progress(self, fence: i64, step: &str, of_step: u8, lease_until: Timestamp) -> Result<Self, OperationError> {
        self.guard(fence, "running")?;
        let percent = self.kind.percent(step, of_step).max(self.percent);
        Ok(Self { state: State::Running { lease_until }, step: step.to_owned(), percent, ..self })
    }

    /// The worker lays it aside until something else has happened.
    pub fn wait(self, fence: i64, run_at: Timestamp, reason: &str) -> Result<Self, OperationError> {
        self.guard(fence, "waiting")?;
        Ok(Self { state: State::Waiting { run_at, reason: reason.to_owned() }, ..self })
    }

    /// The try failed for a reason that may pass: again later, or given up when this was the last try.
    pub fn retry(self, fence: i64, now: Timestamp, jitter: u32, reason: &str) -> Result<Self, OperationError> {
        self.guard(fence, "queued")?;
        let state = match self.attempt >= self.kind.max_attempts() {
            true => State::Failed { at: now, reason: reason.to_owned() },
            false => State::Queued { run_at: now + backoff(self.attempt, jitter) },
        };
        Ok(Self { state, ..self })
    }

    /// It is done.
    pub fn succeed(self, fence: i64, now: Timestamp) -> Result<Self, OperationError> {
        self.guard(fence, "succeeded")?;
        Ok(Self { state: State::Succeeded { at: now }, percent: 100, ..self })
    }

    /// It cannot be done, and trying again would not help.
    pub fn fail(self, fence: i64, now: Timestamp, reason: &str) -> Result<Self, OperationError> {
        self.guard(fence, "failed")?;
        Ok(Self { state: State::Failed { at: now, reason: reason.to_owned() }, ..self })
    }

    /// Someone does not want it any more. What a worker has is only marked; the worker ends it by
    /// [`Operation::give_up`].
    pub fn cancel(self, now: Timestamp) -> Result<Self, OperationError> {
        match &self.state {
            // Not yet begun: nothing has been asked of anybody.
            State::Queued { .. } if self.attempt == 0 => Ok(Self { state: State::Cancelled { at: now }, ..self }),
            State::Queued { .. } | State::Running { .. } | State::Waiting { .. } => {
                match self.kind.can_be_cancelled() {
                    false => Err(OperationError::NotCancellable(self.kind)),
                    true if matches!(self.state, State::Running { .. }) => Ok(Self { cancel_asked: true, ..self }),
                    true => Ok(Self { state: State::Cancelled { at: now }, ..self }),
                }
            }
            State::Succeeded { .. } | State::Failed { .. } | State::Cancelled { .. } => {
                Err(self.impossible("cancelled"))
            }
        }
    }

    /// The worker follows a wish to cancel.
    pub fn give_up(self, fence: i64, now: Timestamp) -> Result<Self, OperationError> {
        self.guard(fence, "cancelled")?;
        match self.cancel_asked {
            true => Ok(Self { state: State::Cancelled { at: now }, ..self }),
            false => Err(self.impossible("cancelled")),
        }
    }

    /// Someone asks for another round of tries after it was given up.
    pub fn revive(self, now: Timestamp) -> Result<Self, OperationError> {
        match self.state {
            State::Failed { .. } => Ok(Self {
                state: State::Queued { run_at: now },
                attempt: 0,
                step: String::new(),
                percent: 0,
                cancel_asked: false,
                ..self
            }),
            State::Queued { .. }
            | State::Running { .. }
            | State::Waiting { .. }
            | State::Succeeded { .. }
            | State::Cancelled { .. } => Err(self.impossible("queued")),
        }
    }

    /// One of us has dealt with what was given up: it is not shown as failed any more. A server that is half closed is not
    /// laid aside.
    pub fn lay_aside(self, now: Timestamp) -> Result<Self, OperationError> {
        match self.state {
            State::Failed { .. } if self.kind == Kind::CloseInstance => Err(OperationError::NotCancellable(self.kind)),
            State::Failed { .. } => Ok(Self { state: State::Cancelled { at: now }, ..self }),
            State::Queued { .. }
            | State::Running { .. }
            | State::Waiting { .. }
            | State::Succeeded { .. }
            | State::Cancelled { .. } => Err(self.impossible("cancelled")),
        }
    }

    /// Refuses whoever does not hold the newest claim on a running operation.
    fn guard(&self, fence: i64, to: &'static str) -> Result<(), OperationError> {
        match &self.state {
            _ if fence != self.fence => Err(OperationError::Stale { mine: fence, current: self.fence }),
            State::Running { .. } => Ok(()),
            State::Queued { .. }
            | State::Waiting { .. }
            | State::Succeeded { .. }
            | State::Failed { .. }
            | State::Cancelled { .. } => Err(self.impossible(to)),
        }
    }

    const fn impossible(&self, to: &'static str) -> OperationError {
        OperationError::Impossible { from: self.state.as_str(), to }
    }
}

#[cfg(test)]
mod tests;
