//! What a change's status says after a step. Computed last, from what was really done; written only when it changed.

use crd::{AccountAction, AccountChangeStatus, Phase, WorkStatus};
use jiff::Timestamp;
use kube::Resource as _;

use super::WORKING;
use super::observe::Observed;
use super::plan::Decision;
use crate::context::Context;
use crate::error::Error;
use crate::events::Note;
use crate::status;

pub(super) async fn save(
    context: &Context,
    observed: &Observed,
    decision: &Decision,
    attempt: Option<u32>,
) -> Result<(), Error> {
    // These change the object itself, or end it; its old version would be refused.
    if matches!(decision, Decision::Mark | Decision::Release | Decision::Rest) {
        return Ok(());
    }
    let before = observed.change.status.clone().unwrap_or_default();
    let after = next(observed, decision, attempt);
    if status::save(&context.client, observed.change.as_ref(), &before, &after).await? {
        context.events.tell(&observed.change.object_ref(&()), notes(&before, &after)).await;
    }
    Ok(())
}

/// The status after a step.
pub(super) fn next(observed: &Observed, decision: &Decision, attempt: Option<u32>) -> AccountChangeStatus {
    let mut status = observed.change.status.clone().unwrap_or_default();
    let work = &mut status.work;
    let now = observed.now;
    if let Some(job) = observed.job.as_ref().filter(|_| work.phase == Phase::Running) {
        // Whoever made it may have died before it was said.
        begun(work, job.attempt, now);
    }
    match decision {
        Decision::Rest | Decision::Mark | Decision::Release => {}
        Decision::Wait { reason, message } => {
            (work.phase, work.reason, work.message) = (Phase::Pending, (*reason).to_owned(), message.clone());
        }
        Decision::Begin => {
            (work.phase, work.step, work.started_at) = (Phase::Running, WORKING.to_owned(), Some(now));
            (work.reason, work.message) = (String::new(), String::new());
            // One that stepped back has not failed.
            work.attempt = work.attempt.max(1);
        }
        Decision::Yield { to } => {
            (work.phase, work.step, work.started_at) = (Phase::Pending, String::new(), None);
            (work.reason, work.message) = ("Queued".to_owned(), format!("waits for {to}"));
        }
        Decision::AwaitTurn { message } => work.message.clone_from(message),
        Decision::Work { .. } => {
            if let Some(attempt) = attempt {
                begun(work, attempt, now);
            }
        }
        Decision::AwaitJob { attempt, message } => {
            work.attempt = work.attempt.max(*attempt);
            work.message.clone_from(message);
        }
        Decision::EndJob { job, because } => {
            if work.phase == Phase::Running {
                // The next Job is another attempt.
                work.attempt = work.attempt.max(job.attempt + 1);
                work.say(&format!("{now} {because}"));
            }
        }
        Decision::GiveUp { reason, message } => {
            (work.reason, work.message) = (reason.clone(), message.clone());
            work.say(&format!("{now} given up: {message}"));
        }
        Decision::Fail { reason, message } => {
            (work.phase, work.finished_at) = (Phase::Failed, Some(now));
            (work.reason, work.message) = (reason.clone(), message.clone());
            work.say(&format!("{now} failed: {message}"));
        }
        Decision::Succeed { claim } => {
            (work.phase, work.finished_at, work.percent) = (Phase::Succeeded, Some(now), 100);
            (work.step, work.reason, work.message) = (String::new(), String::new(), told(observed));
            work.say(&format!("{now} {}", told(observed)));
            status.claim.clone_from(claim);
        }
    }
    status
}

/// An attempt has begun; said once.
fn begun(work: &mut WorkStatus, attempt: u32, now: Timestamp) {
    let line = format!("attempt {attempt} begins");
    (work.attempt, work.percent) = (work.attempt.max(attempt), work.percent.max(10));
    if !work.log.iter().any(|said| said.ends_with(&line)) {
        work.say(&format!("{now} {line}"));
    }
}

fn told(observed: &Observed) -> String {
    let handle = &observed.change.spec.handle;
    match observed.change.spec.action {
        AccountAction::Add => format!("account {handle} was made; its password is sealed in status.claim"),
        AccountAction::ResetLogin => format!("account {handle} has a new password, sealed in status.claim"),
        AccountAction::Remove => format!("account {handle} was removed with all it posted"),
    }
}

/// What is told in events: transitions only.
pub(super) fn notes(before: &AccountChangeStatus, after: &AccountChangeStatus) -> Vec<Note> {
    let (old, new) = (&before.work, &after.work);
    if old.phase == new.phase {
        return Vec::new();
    }
    match new.phase {
        Phase::Succeeded => vec![Note::normal("AccountChanged", new.message.clone())],
        Phase::Failed => vec![Note::warning(new.reason.clone(), new.message.clone())],
        Phase::Running => vec![Note::normal(WORKING, "the change is being made")],
        Phase::Pending => vec![Note::normal(new.reason.clone(), new.message.clone())],
    }
}
