//! What an export's status says after a step. Computed last, from what was really done; written only when it changed.

use crd::{ExportStatus, Phase};
use jiff::Timestamp;
use kube::Resource as _;

use super::apply::Done;
use super::commit::stopped_seconds;
use super::decision::Decision;
use super::observe::Observed;
use super::step;
use crate::context::Context;
use crate::error::Error;
use crate::events::Note;
use crate::status;

/// Progress is written when it grew by so many percent: twenty writes for an export of any size.
const STRIDE: u8 = 5;

/// What is said of a copy that needs no explanation.
const COPYING: &str = "the server is down; its data is being copied";

pub(super) async fn save(
    context: &Context,
    observed: &Observed,
    decision: &Decision,
    done: &Done,
) -> Result<(), Error> {
    // These change the object itself, or end it; its old version would be refused.
    if matches!(decision, Decision::Mark | Decision::Release | Decision::Rest) {
        return Ok(());
    }
    let before = observed.export.status.clone().unwrap_or_default();
    let after = next(observed, decision, done);
    if status::save(&context.client, observed.export.as_ref(), &before, &after).await? {
        context.events.tell(&observed.export.object_ref(&()), notes(&before, &after)).await;
    }
    Ok(())
}

/// The status after a step.
pub(super) fn next(observed: &Observed, decision: &Decision, done: &Done) -> ExportStatus {
    let mut status = observed.export.status.clone().unwrap_or_default();
    let now = observed.now;
    match decision {
        Decision::Rest | Decision::Mark | Decision::Release => {}
        Decision::Wait { reason, message } => {
            status.work.phase = Phase::Pending;
            (status.work.reason, status.work.message) = ((*reason).to_owned(), message.clone());
        }
        Decision::Begin => {
            status.work.phase = Phase::Running;
            status.work.started_at = Some(now);
            // One that stepped back has not failed.
            status.work.attempt = status.work.attempt.max(1);
            at(&mut status, step::STOPPING, 1, "the server is being stopped; pending deliveries are drained first");
            let line = format!("{now} attempt {}: the server is being stopped", status.work.attempt);
            status.work.say(&line);
        }
        Decision::Yield { to } => {
            status.work.phase = Phase::Pending;
            (status.work.started_at, status.stopped_at) = (None, None);
            at(&mut status, "", 0, &format!("waits for Export {to}: one export of a server runs at a time"));
            status.work.reason = "Queued".to_owned();
        }
        Decision::AwaitStop { message } => status.work.message.clone_from(message),
        Decision::Copy { .. } | Decision::AwaitCopy { .. } => copying(&mut status, now, decision, done),
        Decision::EndJob { job: _, because } => {
            if !status.work.phase.is_final() {
                status.work.say(&format!("{now} {because}"));
            }
        }
        Decision::GiveUp { reason, message } => {
            let percent = status.work.percent;
            at(&mut status, step::COPYING, percent, message);
            status.work.reason.clone_from(reason);
            status.work.say(&format!("{now} given up: {message}"));
        }
        Decision::Fail { reason, message } => over(&mut status, observed, Phase::Failed, reason, message),
        Decision::Copied => copied(&mut status, observed),
        Decision::Sign => signed(&mut status, observed, done),
        Decision::SealKey { claim } => {
            status.key_claim_for = Some(claim.clone());
            handed(&mut status, now, done);
        }
        Decision::ClearKey => (status.key_claim, status.key_claim_for) = (None, None),
    }
    held(&mut status, observed);
    status
}

/// The bundle's key, sealed to who asked for it, or why it is not.
fn handed(status: &mut ExportStatus, now: Timestamp, done: &Done) {
    match done {
        Done::Key(Ok(sealed)) => status.key_claim = Some(sealed.clone()),
        Done::Key(Err(why)) => {
            status.key_claim = None;
            status.work.say(&format!("{now} {why}"));
        }
        Done::Nothing | Done::Job(_) | Done::Signed(_) | Done::Broken(_) => {}
    }
}

/// Since when the server is stopped because of us: from the moment on that it would be up otherwise.
fn held(status: &mut ExportStatus, observed: &Observed) {
    let wished_up = observed
        .instance
        .as_ref()
        .is_some_and(|instance| matches!(instance.spec.mode, crd::Mode::Running | crd::Mode::ReadOnly));
    let holds = status.work.phase == Phase::Running && status.copied_at.is_none();
    if holds && wished_up && status.stopped_at.is_none() {
        status.stopped_at = Some(observed.now);
    }
}

fn at(status: &mut ExportStatus, step: &str, percent: u8, message: &str) {
    status.work.step = step.to_owned();
    status.work.percent = percent;
    status.work.message = message.to_owned();
    status.work.reason = String::new();
}

fn copying(status: &mut ExportStatus, now: Timestamp, decision: &Decision, done: &Done) {
    if status.work.step != step::COPYING {
        at(status, step::COPYING, 5, COPYING);
        status.work.say(&format!("{now} the server is down; copying"));
    }
    if let Done::Job(attempt) = done
        && *attempt > status.work.attempt
    {
        status.work.attempt = *attempt;
        status.work.say(&format!("{now} attempt {attempt}: goes on where the last one ended"));
    }
    if let Decision::AwaitCopy { percent, attempt, message } = decision {
        status.work.attempt = status.work.attempt.max(*attempt);
        if *percent >= status.work.percent.saturating_add(STRIDE) {
            status.work.percent = *percent;
        }
        let message = if message.is_empty() { COPYING } else { message };
        message.clone_into(&mut status.work.message);
    }
}

fn copied(status: &mut ExportStatus, observed: &Observed) {
    status.copied_at = Some(observed.now);
    let seconds = stopped_seconds(status.stopped_at, status.copied_at);
    let told = if status.stopped_at.is_some() {
        format!("copied; the server was stopped for {seconds} s")
    } else {
        "copied; the server was not up anyway".to_owned()
    };
    at(status, step::SIGNING, 92, &told);
    status.work.say(&format!("{} {told}", observed.now));
    if let Some(finish) = &observed.copy.finish {
        if finish.deliveries_cut == Some(0) {
            status.work.say("all pending deliveries were made before the stop");
        }
        for warning in finish.warnings.iter().take(5) {
            status.work.say(&format!("warning: {warning}"));
        }
    }
}

fn signed(status: &mut ExportStatus, observed: &Observed, done: &Done) {
    match done {
        Done::Signed(bundle) => {
            let message = format!(
                "{} files, {} bytes in {} parts; manifest {}",
                bundle.files, bundle.bytes, bundle.parts, bundle.manifest_digest
            );
            status.bundle = Some(bundle.clone());
            over(status, observed, Phase::Succeeded, "", &message);
        }
        Done::Broken(message) => over(status, observed, Phase::Failed, "BadCopy", message),
        Done::Nothing | Done::Job(_) | Done::Key(_) => {}
    }
}

fn over(status: &mut ExportStatus, observed: &Observed, phase: Phase, reason: &str, message: &str) {
    status.work.phase = phase;
    status.work.finished_at = Some(observed.now);
    if phase == Phase::Succeeded {
        status.work.percent = 100;
        status.work.step = String::new();
    }
    (status.work.reason, status.work.message) = (reason.to_owned(), message.chars().take(1000).collect());
    let word = if phase == Phase::Succeeded { "done" } else { "failed" };
    status.work.say(&format!("{} {word}: {message}", observed.now));
}

/// What is told in events: transitions only.
pub(super) fn notes(before: &ExportStatus, after: &ExportStatus) -> Vec<Note> {
    let (old, new) = (&before.work, &after.work);
    if old.phase == new.phase && old.step == new.step && (old.reason == new.reason || new.phase == Phase::Pending) {
        return Vec::new();
    }
    let message = if new.message.is_empty() { new.step.clone() } else { new.message.clone() };
    match new.phase {
        Phase::Succeeded => vec![Note::normal("ExportSucceeded", message)],
        Phase::Failed => vec![Note::warning("ExportFailed", message)],
        Phase::Running if !new.reason.is_empty() => vec![Note::warning(new.reason.clone(), message)],
        Phase::Running => vec![Note::normal(new.step.clone(), message)],
        Phase::Pending if new.reason.is_empty() => Vec::new(),
        Phase::Pending => vec![Note::normal(new.reason.clone(), message)],
    }
}
