//! What to do next. Pure: it leaves nothing to decide.

use std::time::Duration;

use crd::Phase;
use crd::condition::{self, IDENTITY_MISSING, STOPPED};
use kube::ResourceExt as _;

use super::decision::Decision;
use super::observe::{Live, Observed};
use super::validate::{Invalid, Valid, is_paused};
use super::{BEGIN_LIMIT, END_LIMIT, STOP_LIMIT, holds_stopped, step};
use crate::work::{ATTEMPTS, FINALIZER, Job, Turn, Work as _, elapsed, is_marked};

/// Decides the next step.
pub(super) fn decide(observed: &Observed, valid: &Result<Valid, Invalid>) -> Decision {
    if is_paused(observed) {
        return Decision::Rest;
    }
    let work = observed.export.work();
    match (work.phase, work.step.as_str()) {
        (Phase::Pending, _) => pending(observed, valid),
        (Phase::Running, step::STOPPING) => stopping(observed, valid),
        (Phase::Running, step::COPYING) => copying(observed, valid),
        (Phase::Running, step::SIGNING) => match valid {
            _ if is_deleting(observed) => Decision::Release,
            Err(invalid) if invalid.lasting => fail(invalid.reason, invalid.message.clone()),
            Ok(_) | Err(_) => Decision::Sign,
        },
        (Phase::Running, other) => {
            fail("BadState", format!("the step {other:?} is none of ours; somebody wrote it into the status"))
        }
        (Phase::Succeeded | Phase::Failed, _) => over(observed),
    }
}

/// When to look again though nothing happened.
pub(super) fn again(observed: &Observed, decision: &Decision) -> Option<Duration> {
    let soon = Some(Duration::from_secs(5));
    match decision {
        Decision::AwaitStop { .. } => Some(Duration::from_secs(2)),
        Decision::AwaitCopy { .. } | Decision::GiveUp { .. } | Decision::EndJob { .. } => soon,
        Decision::Wait { .. } => Some(Duration::from_secs(60)),
        Decision::Rest if observed.export.work().phase == Phase::Running => soon,
        Decision::Rest
        | Decision::Mark
        | Decision::Begin
        | Decision::Yield { .. }
        | Decision::Copy { .. }
        | Decision::Fail { .. }
        | Decision::Copied
        | Decision::Sign
        | Decision::Release
        | Decision::SealKey { .. }
        | Decision::ClearKey => None,
    }
}

fn pending(observed: &Observed, valid: &Result<Valid, Invalid>) -> Decision {
    if is_deleting(observed) {
        return let_go(observed);
    }
    match valid {
        Err(invalid) if invalid.lasting => return fail(invalid.reason, invalid.message.clone()),
        Err(invalid) => return wait(invalid.reason, invalid.message.clone()),
        Ok(_) if !is_marked(observed.export.as_ref()) => return Decision::Mark,
        Ok(_) => {}
    }
    if let Some(error) = &observed.store_fails {
        // Looked at before the server is stopped, not after.
        return wait("StoreUnreachable", error.clone());
    }
    let mine = Turn::of(observed.export.as_ref());
    for other in &observed.exports {
        let turn = Turn::of(other.as_ref());
        let waits = other.work().phase == Phase::Pending && turn < mine && other.metadata.deletion_timestamp.is_none();
        if holds_stopped(other) || waits {
            return wait("Queued", format!("waits for Export {}: one export of a server runs at a time", turn.name()));
        }
    }
    match observed.accounts.iter().find(|change| change.work().phase == Phase::Running) {
        Some(change) => wait("Queued", format!("waits for AccountChange {}", change.name_any())),
        None => Decision::Begin,
    }
}

fn stopping(observed: &Observed, valid: &Result<Valid, Invalid>) -> Decision {
    if is_deleting(observed) {
        // A Job that was made already goes the long way.
        return if observed.job.is_some() { give_up("Deleted", "the export was deleted") } else { Decision::Release };
    }
    if let Some(job) = &observed.job
        && !job.deleting
    {
        // It was made, and then the operator was killed.
        return match valid {
            Ok(_) => Decision::Copy { attempt: job.attempt },
            Err(invalid) => give_up(invalid.reason, &invalid.message),
        };
    }
    match valid {
        Err(invalid) => return fail(invalid.reason, invalid.message.clone()),
        Ok(_) if !is_marked(observed.export.as_ref()) => return Decision::Mark,
        Ok(_) => {}
    }
    if running_for(observed) > STOP_LIMIT {
        return fail(
            "StopTimeout",
            format!("the server did not stop within {} minutes; it goes on as before", STOP_LIMIT.as_secs() / 60),
        );
    }
    match &observed.live {
        None => await_stop("the server is being stopped; pending deliveries are drained first"),
        Some(live) => stopped(observed, live),
    }
}

/// The cache says that the server is down; the API has the last word.
fn stopped(observed: &Observed, live: &Live) -> Decision {
    let mine = Turn::of(observed.export.as_ref());
    let holders = || live.exports.iter().filter(|other| holds_stopped(other)).map(Turn::of);
    if let Some(first) = holders().filter(|turn| *turn < mine).min() {
        return Decision::Yield { to: first.name().to_owned() };
    }
    if let Some(later) = holders().min() {
        return await_stop(&format!("waits for Export {} to step back", later.name()));
    }
    if let Some(change) = live.accounts.iter().find(|change| change.work().phase == Phase::Running) {
        return await_stop(&format!("waits for AccountChange {}", change.name_any()));
    }
    let Some(instance) = &live.instance else {
        return fail("InstanceMissing", "the Instance is gone".to_owned());
    };
    let conditions = instance.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    if condition::is_true(conditions, IDENTITY_MISSING) {
        return fail("IdentityMissing", "the volume is not the one the server was born with".to_owned());
    }
    if live.server_is_down && condition::is_true(conditions, STOPPED) {
        return Decision::Copy { attempt: observed.export.work().attempt.max(1) };
    }
    await_stop("the server's last pod is going")
}

fn copying(observed: &Observed, valid: &Result<Valid, Invalid>) -> Decision {
    let work = observed.export.work();
    if !work.reason.is_empty() {
        return ending(observed, &work.reason, &work.message);
    }
    if is_deleting(observed) {
        return give_up("Deleted", "the export was deleted");
    }
    if observed.copy.finish.is_some() {
        return complete(observed, work.attempt);
    }
    if !observed.copy.begun && observed.store_fails.is_none() && running_for(observed) > BEGIN_LIMIT {
        let why = observed.job.as_ref().and_then(|job| job.waiting.clone()).unwrap_or_default();
        let minutes = BEGIN_LIMIT.as_secs() / 60;
        return give_up(
            "NotBegun",
            format!("no pod began to copy within {minutes} minutes; the server goes on. {why}").trim(),
        );
    }
    let limit = copy_limit(observed);
    if running_for(observed) > limit {
        return give_up(
            "TookTooLong",
            &format!("the copy was not complete after {} minutes; the server goes on", limit.as_secs() / 60),
        );
    }
    let wait = |attempt, message: &str| Decision::AwaitCopy {
        percent: percent(observed),
        attempt,
        message: message.to_owned(),
    };
    if let Some(error) = &observed.store_fails {
        // Whether the copy is complete is not known.
        return wait(work.attempt, error);
    }
    match (&observed.job, valid) {
        (Some(job), _) if job.deleting => wait(work.attempt, "the last attempt's Job is going"),
        (Some(job), _) if job.failed.is_some() || job.complete => failed_job(job),
        (Some(job), _) => wait(job.attempt, job.waiting.as_deref().unwrap_or_default()),
        (None, _) if work.attempt >= ATTEMPTS => {
            give_up("CopyFailed", &format!("the Job failed {ATTEMPTS} times; the last lines of the log say why"))
        }
        (None, Err(invalid)) if invalid.lasting => give_up(invalid.reason, &invalid.message),
        (None, Err(invalid)) => wait(work.attempt, &invalid.message),
        (None, Ok(_)) => Decision::Copy { attempt: work.attempt + 1 },
    }
}

/// Everything is in the store; the Job's pod must be gone before the server may start.
fn complete(observed: &Observed, attempt: u32) -> Decision {
    match (&observed.job, observed.pods_left) {
        (Some(job), _) if job.complete => Decision::Copied,
        // Its record has gone, and so have its pods.
        (None, Some(0)) => Decision::Copied,
        (Some(job), _) if job.failed.is_some() => end_job(job, "the copy is complete"),
        (Some(_) | None, _) => Decision::AwaitCopy { percent: 90, attempt, message: String::new() },
    }
}

fn failed_job(job: &Job) -> Decision {
    match job.lasting_failure() {
        Some(failure) => give_up(&failure.reason, &failure.message),
        None => end_job(job, &format!("attempt {} failed: {}", job.attempt, job.why())),
    }
}

/// Given up: the Job is ended before the server may start.
fn ending(observed: &Observed, reason: &str, message: &str) -> Decision {
    let overdue = running_for(observed) > copy_limit(observed) + END_LIMIT;
    match (&observed.job, observed.pods_left) {
        _ if overdue => fail(reason, message.to_owned()),
        (Some(job), _) if !job.deleting => end_job(job, message),
        (None, Some(0)) => fail(reason, message.to_owned()),
        (Some(_) | None, _) => Decision::Rest,
    }
}

fn over(observed: &Observed) -> Decision {
    let status = observed.export.status.clone().unwrap_or_default();
    if let Some(job) = &observed.job
        && !job.deleting
    {
        return end_job(job, "the export is over");
    }
    if observed.export.finalizers().iter().any(|name| name == FINALIZER) {
        return Decision::Release;
    }
    if is_deleting(observed) {
        return Decision::Rest;
    }
    // The record itself is the purger's to delete, with the bundle.
    let wanted =
        observed.export.spec.key_claim.clone().filter(|_| status.expired_at.is_none() && status.bundle.is_some());
    match wanted {
        Some(claim) if status.key_claim_for.as_ref() != Some(&claim) => return Decision::SealKey { claim },
        None if status.key_claim.is_some() || status.key_claim_for.is_some() => return Decision::ClearKey,
        Some(_) | None => {}
    }
    Decision::Rest
}

/// 5 to 90: the copy's share of the whole.
fn percent(observed: &Observed) -> u8 {
    let copy = &observed.copy;
    let share = copy.done_bytes.saturating_mul(85).checked_div(copy.total_bytes).unwrap_or(0);
    u8::try_from(5 + share.min(85)).unwrap_or(90)
}

/// How long the copy may take.
pub(super) fn copy_limit(observed: &Observed) -> Duration {
    let held = observed.export.status.as_ref().is_some_and(|status| status.stopped_at.is_some());
    if held { super::COPY_LIMIT } else { super::IDLE_COPY_LIMIT }
}

/// How long it has run, this time.
fn running_for(observed: &Observed) -> Duration {
    let status = observed.export.status.as_ref();
    let since = status.and_then(|status| status.stopped_at.or(status.work.started_at));
    since.map_or(Duration::ZERO, |since| elapsed(since, observed.now))
}

fn is_deleting(observed: &Observed) -> bool {
    observed.export.metadata.deletion_timestamp.is_some()
}

fn let_go(observed: &Observed) -> Decision {
    let held = observed.export.finalizers().iter().any(|name| name == FINALIZER);
    if held { Decision::Release } else { Decision::Rest }
}

fn wait(reason: &'static str, message: String) -> Decision {
    Decision::Wait { reason, message }
}

fn await_stop(message: &str) -> Decision {
    Decision::AwaitStop { message: message.to_owned() }
}

fn give_up(reason: &str, message: &str) -> Decision {
    Decision::GiveUp { reason: reason.to_owned(), message: message.to_owned() }
}

fn fail(reason: &str, message: String) -> Decision {
    Decision::Fail { reason: reason.to_owned(), message }
}

fn end_job(job: &Job, because: &str) -> Decision {
    Decision::EndJob { job: job.clone(), because: because.to_owned() }
}

#[cfg(test)]
mod tests;
