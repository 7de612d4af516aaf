//! One run of one operation: what its kind does is wrapped in claim, lease and fence, and ends in a state.

use domain::operation::{Kind, State, Subject};
use domain::{Topic, operation};
use jiff::Timestamp;
use serde_json::json;

use super::claim::{Claimed, lease};
use super::timer::{chance, jittered};
use super::{Stop, kind, lease as leases, tell};
use crate::error::Problem;
use crate::platform::{Platform, Tx};
use crate::store;
use crate::store::instance::Instance;
use crate::store::operation::Operation;
use crate::store::outbox::About;

/// One run of one operation. Everything it writes, it writes only while the operation is its own.
pub struct Run<'a> {
    /// What everything is given.
    pub platform: &'a Platform,
    /// The operation, as it was written last.
    pub operation: Operation,
    fence: i64,
}

/// An operation is done, and that is written. Only [`Run::done`] makes one.
#[derive(Debug)]
pub struct Done(());

impl<'a> Run<'a> {
    /// A run of an operation that was claimed.
    #[must_use]
    pub const fn new(platform: &'a Platform, operation: Operation) -> Self {
        let fence = operation.course.fence;
        Self { platform, operation, fence }
    }

    /// Begins a transaction in which the operation is this run's: its row is locked. `self.operation` is read anew.
    ///
    /// # Errors
    /// [`Stop::Lost`] when another has it.
    pub async fn begin(&mut self) -> Result<Tx, Stop> {
        let mut tx = self.platform.begin().await?;
        let found = store::operation::lock(&mut tx, self.operation.id).await?;
        let mine = found
            .filter(|found| found.course.fence == self.fence && matches!(found.course.state, State::Running { .. }));
        self.operation = mine.ok_or(Stop::Lost)?;
        Ok(tx)
    }

    /// Goes to a step, or on within it, and keeps the lease. Nothing is written when nothing is new.
    ///
    /// # Errors
    /// [`Stop::Lost`] when another has it.
    pub async fn progress(&mut self, step: &str, of_step: u8, message: &str) -> Result<(), Stop> {
        let course = &self.operation.course;
        let percent = course.kind.percent(step, of_step).max(course.percent);
        if course.step == step && course.percent == percent && self.operation.message == message {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        let now = self.platform.now();
        let moved = self.operation.course.clone().progress(self.fence, step, of_step, now + lease(self.platform));
        self.operation.course = moved.map_err(|_| Stop::Lost)?;
        message.clone_into(&mut self.operation.message);
        self.operation.note(now, step, message);
        self.save(&mut tx, now).await?;
        Ok(tx.commit().await?)
    }

    /// Writes the number of the wish whose observation ends the operation.
    ///
    /// # Errors
    /// [`Stop::Lost`] when another has it.
    pub async fn set_revision(&mut self, tx: &mut Tx, revision: names::Revision) -> Result<(), Stop> {
        self.operation.revision = Some(revision);
        self.save(tx, self.platform.now()).await
    }

    /// Ends the operation in the transaction of what it leads to, and commits.
    ///
    /// # Errors
    /// [`Stop::Lost`] when another has it.
    pub async fn done(&mut self, mut tx: Tx) -> Result<Done, Stop> {
        let now = self.platform.now();
        self.operation.course = self.operation.course.clone().succeed(self.fence, now).map_err(|_| Stop::Lost)?;
        self.operation.message.clear();
        self.operation.note(now, "done", "");
        self.save(&mut tx, now).await?;
        tx.commit().await?;
        Ok(Done(()))
    }

    /// The server it is about.
    ///
    /// # Errors
    /// When there is none.
    pub async fn instance(&self) -> Result<Instance, Stop> {
        let mut connection = self.platform.pool.acquire().await?;
        let id = self.operation.subject.instance();
        let found = store::instance::find(&mut connection, id).await?;
        found.ok_or_else(|| Stop::fail("no-instance", format!("there is no server {id}")))
    }

    /// Whether the wish was given to the cell in this round of tries.
    #[must_use]
    pub fn has_asked(&self) -> bool {
        !matches!(self.operation.course.step.as_str(), "" | "ask")
    }

    async fn save(&self, tx: &mut Tx, now: Timestamp) -> Result<(), Stop> {
        if !store::operation::save(tx, &self.operation, self.fence, now).await? {
            return Err(Stop::Lost);
        }
        Ok(told(tx, &self.operation, now).await?)
    }
}

/// Carries out an operation that was claimed, until it has come to rest.
pub async fn run(platform: &Platform, claimed: Claimed) {
    let id = claimed.operation.id;
    let fence = claimed.operation.course.fence;
    let mut run = Run::new(platform, claimed.operation);
    let ran = tokio::select! {
        ran = kind::run(&mut run) => ran,
        () = leases::keep(platform, id, fence) => Err(Stop::Lost),
    };
    let Err(stop) = ran else {
        tracing::info!(operation = %id, kind = %run.operation.course.kind, "done");
        return;
    };
    if let Err(error) = rest(&mut run, stop).await {
        // It stays as it is until its lease is over, and is taken up then.
        tracing::warn!(operation = %id, ?error, "how the run ended could not be written");
    }
}

/// Writes down how a run ended that did not end in success.
async fn rest(run: &mut Run<'_>, stop: Stop) -> Result<(), Stop> {
    if stop == Stop::Lost {
        tracing::warn!(operation = %run.operation.id, "another worker has taken it up");
        return Ok(());
    }
    let mut tx = run.begin().await?;
    let now = run.platform.now();
    let course = run.operation.course.clone();
    let next = next(course, run.fence, &stop, now, chance(run.platform));
    run.operation.course = next.map_err(|error| Stop::retry("state", error))?;
    let (word, message) = match &stop {
        Stop::Wait { reason, message, .. } | Stop::Retry { reason, message } | Stop::Fail { reason, message } => {
            (reason.as_str(), message.as_str())
        }
        Stop::GivenUp => ("cancelled", ""),
        Stop::Lost => return Ok(()),
    };
    message.clone_into(&mut run.operation.message);
    run.operation.note(now, word, message);
    run.save(&mut tx, now).await?;
    if run.operation.course.state.is_final() {
        ended(run.platform, &mut tx, &run.operation, now).await?;
    } else if !matches!(stop, Stop::Wait { .. }) {
        tracing::warn!(operation = %run.operation.id, reason = word, message, "tried again later");
    }
    Ok(tx.commit().await?)
}

/// What a run that ended so makes of an operation.
fn next(
    course: operation::Operation,
    fence: i64,
    stop: &Stop,
    now: Timestamp,
    chance: u32,
) -> Result<operation::Operation, operation::OperationError> {
    let cancelled = course.cancel_asked && course.kind.can_be_cancelled();
    match stop {
        Stop::GivenUp => operation::Operation { cancel_asked: true, ..course }.give_up(fence, now),
        Stop::Wait { .. } | Stop::Retry { .. } if cancelled => course.give_up(fence, now),
        Stop::Wait { reason, again, .. } => {
            let pause = jittered(again.unsigned_abs(), chance);
            course.wait(fence, now + pause, reason)
        }
        Stop::Retry { reason, .. } => course.retry(fence, now, chance, reason),
        Stop::Fail { reason, .. } => course.fail(fence, now, reason),
        Stop::Lost => Ok(course),
    }
}

/// Tells readers that an operation moved.
async fn told(tx: &mut Tx, operation: &Operation, now: Timestamp) -> store::Result<()> {
    let about = About {
        organization: operation.organization,
        instance: Some(operation.subject.instance()),
        operation: Some(operation.id),
    };
    let payload = json!({
        "kind": operation.course.kind, "state": operation.course.state.as_str(),
        "step": operation.course.step, "percent": operation.course.percent,
    });
    store::outbox::write(tx, now, Topic::Operation, about, payload).await
}

/// What follows from an operation that ended otherwise than in success: whoever waits for it is told.
///
/// # Errors
/// When the database refuses.
pub(super) async fn ended(
    platform: &Platform,
    tx: &mut Tx,
    operation: &Operation,
    now: Timestamp,
) -> Result<(), Problem> {
    let reason = match &operation.course.state {
        State::Failed { reason, .. } => reason.as_str(),
        State::Cancelled { .. } => "cancelled",
        State::Queued { .. } | State::Running { .. } | State::Waiting { .. } | State::Succeeded { .. } => return Ok(()),
    };
    match operation.subject {
        Subject::Instance(_) => {}
        Subject::Export(_, export) => store::export::fail_unmade(tx, export, &operation.message, now).await?,
        Subject::AccountChange(_, change) => {
            store::account_change::fail_unmade(tx, change, &operation.message, now).await?;
        }
    }
    if matches!(operation.course.state, State::Cancelled { .. }) {
        return Ok(());
    }
    tracing::error!(operation = %operation.id, kind = %operation.course.kind, reason, message = operation.message, "given up");
    told(tx, operation, now).await?;
    let about = About {
        organization: operation.organization,
        instance: Some(operation.subject.instance()),
        operation: Some(operation.id),
    };
    store::outbox::write(tx, now, Topic::Alarm, about, json!({ "reason": reason })).await?;
    tell::staff_of_failure(platform, tx, operation, reason).await?;
    if operation.course.kind == Kind::CreateInstance {
        kind::create::failed(platform, tx, operation, reason, now).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn running(kind: Kind) -> operation::Operation {
        let now = Timestamp::UNIX_EPOCH;
        operation::Operation::new(kind, now).claim(now, SignedDuration::from_secs(60)).unwrap()
    }

    fn after(course: operation::Operation, stop: &Stop) -> State {
        next(course, 1, stop, Timestamp::UNIX_EPOCH, 500).unwrap().state
    }

    #[test]
    fn waiting_is_no_failure_and_a_last_try_is() {
        let course = running(Kind::ApplyInstance);
        assert!(matches!(after(course.clone(), &Stop::news("birth", "")), State::Waiting { .. }));
        assert!(matches!(after(course.clone(), &Stop::retry("database", "")), State::Queued { .. }));
        let last = operation::Operation { attempt: course.kind.max_attempts(), ..course.clone() };
        assert!(matches!(after(last, &Stop::retry("database", "")), State::Failed { .. }));
        assert!(matches!(after(course, &Stop::fail("corrupt", "")), State::Failed { .. }));
    }

    #[test]
    fn who_asked_to_cancel_is_heard_when_the_run_rests_and_only_where_that_can_be() {
        let asked = |kind| operation::Operation { cancel_asked: true, ..running(kind) };
        assert!(matches!(after(asked(Kind::Export), &Stop::news("copy", "")), State::Cancelled { .. }));
        assert!(matches!(after(asked(Kind::CloseInstance), &Stop::news("copy", "")), State::Waiting { .. }));
        assert!(matches!(after(running(Kind::CloseInstance), &Stop::GivenUp), State::Cancelled { .. }));
    }
}
