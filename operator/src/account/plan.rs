//! What to do next. Pure: it leaves nothing to decide.

use std::fmt;
use std::time::Duration;

use crd::Phase;
use kube::ResourceExt as _;

use super::LIMIT;
use super::observe::{Live, Observed};
use super::validate::{Invalid, Valid, is_paused};
use crate::export::holds_stopped;
use crate::job::account::Changed;
use crate::job::outcome;
use crate::work::{ATTEMPTS, FINALIZER, Job, Turn, Work as _, elapsed, is_marked};

/// One step of a change. Each can be repeated after a crash in its middle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// Nothing.
    Rest,
    /// Put label and finalizer on it.
    Mark,
    /// It cannot begin yet.
    Wait { reason: &'static str, message: String },
    /// Say that it runs.
    Begin,
    /// An export, or an earlier change, goes first.
    Yield { to: String },
    /// A later change has not stepped back yet.
    AwaitTurn { message: String },
    /// Make the Job.
    Work { attempt: u32 },
    /// The Job works.
    AwaitJob { attempt: u32, message: String },
    /// The Job failed, or is not needed any more.
    EndJob { job: Job, because: String },
    /// It will not be completed; the Job is ended first.
    GiveUp { reason: String, message: String },
    /// Over, without success.
    Fail { reason: String, message: String },
    /// Over, with the new password sealed to the claim, if one was made.
    Succeed { claim: Option<String> },
    /// Let the object go.
    Release,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wait { reason, message } => write!(f, "wait ({reason}): {message}"),
            Self::Yield { to } => write!(f, "yield to {to}"),
            Self::AwaitTurn { message } => write!(f, "await turn: {message}"),
            Self::Work { attempt } => write!(f, "work, attempt {attempt}"),
            Self::AwaitJob { attempt, message } => write!(f, "await job, attempt {attempt}: {message}"),
            Self::EndJob { job, because } => write!(f, "end {}: {because}", job.name),
            Self::GiveUp { reason, message } => write!(f, "give up ({reason}): {message}"),
            Self::Fail { reason, message } => write!(f, "fail ({reason}): {message}"),
            // The claim is sealed, and yet there is no need to show it.
            Self::Succeed { claim } => {
                write!(f, "succeed, {} password", if claim.is_some() { "with a" } else { "without" })
            }
            Self::Rest | Self::Mark | Self::Begin | Self::Release => write!(f, "{self:?}"),
        }
    }
}

/// Decides the next step.
pub(super) fn decide(observed: &Observed, valid: &Result<Valid, Invalid>) -> Decision {
    if is_paused(observed) {
        return Decision::Rest;
    }
    match observed.change.work().phase {
        Phase::Pending => pending(observed, valid),
        Phase::Running => running(observed, valid),
        Phase::Succeeded | Phase::Failed => over(observed),
    }
}

/// When to look again though nothing happened.
pub(super) fn again(observed: &Observed, decision: &Decision) -> Option<Duration> {
    match decision {
        Decision::AwaitTurn { .. } => Some(Duration::from_secs(2)),
        Decision::AwaitJob { .. } | Decision::EndJob { .. } | Decision::GiveUp { .. } => Some(Duration::from_secs(10)),
        Decision::Wait { .. } => Some(Duration::from_secs(60)),
        Decision::Rest if observed.change.work().phase == Phase::Running => Some(Duration::from_secs(5)),
        Decision::Rest
        | Decision::Mark
        | Decision::Begin
        | Decision::Yield { .. }
        | Decision::Work { .. }
        | Decision::Fail { .. }
        | Decision::Succeed { .. }
        | Decision::Release => None,
    }
}

fn pending(observed: &Observed, valid: &Result<Valid, Invalid>) -> Decision {
    if is_deleting(observed) {
        return if is_held(observed) { Decision::Release } else { Decision::Rest };
    }
    match valid {
        Err(invalid) if invalid.lasting => return fail(invalid.reason, &invalid.message),
        Err(invalid) => return wait(invalid.reason, invalid.message.clone()),
        Ok(_) if !is_marked(observed.change.as_ref()) => return Decision::Mark,
        Ok(_) => {}
    }
    if let Some(export) = observed.exports.iter().find(|export| holds_stopped(export)) {
        return wait("Queued", format!("waits for Export {}", export.name_any()));
    }
    let mine = Turn::of(observed.change.as_ref());
    for other in &observed.changes {
        let (phase, turn) = (other.work().phase, Turn::of(other.as_ref()));
        let waits = phase == Phase::Pending && turn < mine && other.metadata.deletion_timestamp.is_none();
        if phase == Phase::Running || waits {
            return wait("Queued", format!("waits for AccountChange {}", turn.name()));
        }
    }
    Decision::Begin
}

fn running(observed: &Observed, valid: &Result<Valid, Invalid>) -> Decision {
    let work = observed.change.work();
    if !work.reason.is_empty() {
        return ending(observed, &work.reason, &work.message);
    }
    if is_deleting(observed) {
        return give_up("Deleted", "the change was deleted");
    }
    if let Some(job) = &observed.job {
        return with_job(observed, job);
    }
    if running_for(observed) > LIMIT {
        return give_up("TookTooLong", &format!("it was not done after {} minutes", LIMIT.as_secs() / 60));
    }
    match valid {
        Err(invalid) => return give_up(invalid.reason, &invalid.message),
        Ok(_) if !is_marked(observed.change.as_ref()) => return Decision::Mark,
        Ok(_) => {}
    }
    if work.attempt > ATTEMPTS {
        return give_up("JobFailed", &format!("the Job failed {ATTEMPTS} times; the last lines of the log say why"));
    }
    observed.live.as_ref().map_or(Decision::Rest, |live| take_turn(observed, live))
}

fn take_turn(observed: &Observed, live: &Live) -> Decision {
    let mine = Turn::of(observed.change.as_ref());
    if let Some(export) = live.exports.iter().find(|export| holds_stopped(export)) {
        return Decision::Yield { to: format!("Export {}", export.name_any()) };
    }
    let others = || live.changes.iter().filter(|other| other.work().phase == Phase::Running).map(Turn::of);
    if let Some(first) = others().filter(|turn| *turn < mine).min() {
        return Decision::Yield { to: format!("AccountChange {}", first.name()) };
    }
    match others().min() {
        Some(later) => {
            Decision::AwaitTurn { message: format!("waits for AccountChange {} to step back", later.name()) }
        }
        None => Decision::Work { attempt: observed.change.work().attempt.max(1) },
    }
}

fn with_job(observed: &Observed, job: &Job) -> Decision {
    if job.deleting {
        return Decision::AwaitJob { attempt: job.attempt, message: "the last attempt's Job is going".to_owned() };
    }
    if job.complete {
        let told = job.ended.as_ref().filter(|end| end.code == 0).map(|end| outcome::parse::<Changed>(&end.message));
        return match told {
            Some(Ok(changed)) => Decision::Succeed { claim: changed.claim },
            // Its pod is gone, and with it the password: the work is done again, which makes a new one.
            Some(Err(_)) | None => {
                Decision::EndJob { job: job.clone(), because: format!("attempt {} left no result", job.attempt) }
            }
        };
    }
    if job.failed.is_some() {
        return match job.lasting_failure() {
            Some(failure) => give_up(&failure.reason, &failure.message),
            None => {
                Decision::EndJob { job: job.clone(), because: format!("attempt {} failed: {}", job.attempt, job.why()) }
            }
        };
    }
    if running_for(observed) > LIMIT {
        return give_up("TookTooLong", &format!("it was not done after {} minutes", LIMIT.as_secs() / 60));
    }
    Decision::AwaitJob { attempt: job.attempt, message: job.waiting.clone().unwrap_or_default() }
}

/// Given up: the Job is ended first, so that no change happens after it was called failed.
fn ending(observed: &Observed, reason: &str, message: &str) -> Decision {
    let left = observed.live.as_ref().map(|live| live.pods_left);
    match (&observed.job, left) {
        (Some(job), _) if !job.deleting => Decision::EndJob { job: job.clone(), because: message.to_owned() },
        (None, Some(0)) => fail(reason, message),
        (Some(_) | None, _) => Decision::Rest,
    }
}

fn over(observed: &Observed) -> Decision {
    if let Some(job) = observed.job.as_ref().filter(|job| !job.deleting) {
        return Decision::EndJob { job: job.clone(), because: "the change is over".to_owned() };
    }
    if is_held(observed) {
        return Decision::Release;
    }
    // The record is the purger's to delete.
    Decision::Rest
}

fn running_for(observed: &Observed) -> Duration {
    observed.change.work().started_at.map_or(Duration::ZERO, |since| elapsed(since, observed.now))
}

fn is_deleting(observed: &Observed) -> bool {
    observed.change.metadata.deletion_timestamp.is_some()
}

fn is_held(observed: &Observed) -> bool {
    observed.change.finalizers().iter().any(|name| name == FINALIZER)
}

fn wait(reason: &'static str, message: String) -> Decision {
    Decision::Wait { reason, message }
}

fn give_up(reason: &str, message: &str) -> Decision {
    Decision::GiveUp { reason: reason.to_owned(), message: message.to_owned() }
}

fn fail(reason: &str, message: &str) -> Decision {
    Decision::Fail { reason: reason.to_owned(), message: message.to_owned() }
}

#[cfg(test)]
mod tests;
