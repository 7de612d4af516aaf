//! How a purge goes, in its status: written before what it speaks of is done.

use crd::{Phase, Purge, PurgeStatus};
use jiff::{SignedDuration, Timestamp};
use kube::{Resource as _, ResourceExt as _};

use super::Purger;
use super::destroy::Next;
use super::refusal::Refusal;
use crate::error::Error;
use crate::events::Note;
use crate::status;

/// For how long a proof counts. The bundle is read again after that.
pub(super) const FRESH: SignedDuration = SignedDuration::from_mins(10);

/// The first step: the purge has begun and may not be in the cell's ledger yet.
pub(super) const COUNTING: &str = "Counting";

/// Whether the bundle was proven a short while ago.
pub(super) fn is_fresh(status: &PurgeStatus, now: Timestamp) -> bool {
    status.verified_at.is_some_and(|time| time <= now && now.duration_since(time) < FRESH)
}

/// The status of a purge that is refused. What was proven before counts no more.
pub(super) fn refused(old: &PurgeStatus, refusal: &Refusal) -> PurgeStatus {
    let mut status = old.clone();
    status.verified_at = None;
    status.work.phase = Phase::Pending;
    status.work.step = String::new();
    status.work.percent = 0;
    status.work.reason = refusal.reason().to_owned();
    status.work.message = refusal.to_string();
    if old.work.phase == Phase::Running {
        status.work.say(&format!("stopped: {refusal}"));
    }
    status
}

/// The status of a purge whose bundle was proven.
pub(super) fn proven(old: &PurgeStatus, now: Timestamp) -> PurgeStatus {
    let mut status = old.clone();
    status.verified_at = Some(now);
    if status.work.phase == Phase::Pending {
        status.work.reason = "Verified".to_owned();
        status.work.message = "the whole bundle was read again and is good".to_owned();
    }
    status
}

/// The status of a purge that begins to destroy.
pub(super) fn begun(old: &PurgeStatus, own_time: Timestamp) -> PurgeStatus {
    let mut status = old.clone();
    status.work.phase = Phase::Running;
    status.work.step = COUNTING.to_owned();
    status.work.attempt += 1;
    status.work.started_at = Some(own_time);
    status.work.reason = String::new();
    status.work.message = String::new();
    status.work.say("begun");
    status
}

/// The status of a purge that is about to do, or waits for, the next thing.
pub(super) fn at(old: &PurgeStatus, next: &Next) -> PurgeStatus {
    let mut status = old.clone();
    status.work.reason = String::new();
    status.work.step = next.step().to_owned();
    status.work.percent = next.percent();
    status.work.message = next.message();
    status.work.say(status.work.step.clone().as_str());
    status
}

/// The status of a purge that is done.
pub(super) fn done(old: &PurgeStatus, now: Timestamp) -> PurgeStatus {
    let mut status = at(old, &Next::Finish);
    status.work.phase = Phase::Succeeded;
    status.work.finished_at = Some(now);
    status.work.reason = "Purged".to_owned();
    status.work.message = "the server's data is gone; its last bundle is kept for a time".to_owned();
    status
}

impl Purger {
    /// Saves a status if it is another one, over the version that was read, and tells the note if phase or reason turned.
    pub(super) async fn save(&self, purge: &Purge, status: PurgeStatus, note: Option<Note>) -> Result<(), Error> {
        let old = purge.status.clone().unwrap_or_default();
        if !status::save(&self.client, purge, &old, &status).await? {
            return Ok(());
        }
        if let Some(note) = note.filter(|_| is_turn(&old, &status)) {
            tracing::info!(purge = purge.name_any(), reason = note.reason, "{}", note.message);
            self.events.tell(&purge.object_ref(&()), vec![note]).await;
        }
        Ok(())
    }
}

/// Whether the change is worth an event.
fn is_turn(old: &PurgeStatus, new: &PurgeStatus) -> bool {
    (old.work.phase, &old.work.reason) != (new.work.phase, &new.work.reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_proof_is_good_for_ten_minutes_and_never_from_the_future() {
        let status = PurgeStatus { verified_at: Some(time(1000)), ..PurgeStatus::default() };
        assert!(is_fresh(&status, time(1000)) && is_fresh(&status, time(1599)));
        assert!(!is_fresh(&status, time(1600)) && !is_fresh(&status, time(999)));
        assert!(!is_fresh(&PurgeStatus::default(), time(0)));
    }

    #[test]
    fn a_refusal_is_told_once_and_a_repeat_changes_nothing() {
        let refusal = Refusal::NotApproved { have: 0, need: 1 };
        let first = refused(&PurgeStatus::default(), &refusal);
        assert_eq!((first.work.phase, first.work.reason.as_str()), (Phase::Pending, "NotApproved"));
        assert!(is_turn(&PurgeStatus::default(), &first));
        let again = refused(&first, &refusal);
        assert_eq!(again, first);
        assert!(!is_turn(&first, &again));
    }

    #[test]
    fn a_refusal_ends_what_was_proven() {
        let proven = proven(&PurgeStatus::default(), time(1000));
        assert!(is_fresh(&proven, time(1001)));
        let refused = refused(&begun(&proven, time(1001)), &Refusal::BundleDamaged("a part is missing".into()));
        assert!(!is_fresh(&refused, time(1002)));
    }

    #[test]
    fn a_step_entered_again_changes_nothing() {
        let status = begun(&PurgeStatus::default(), time(5));
        let next = Next::Finish;
        assert_eq!(at(&at(&status, &next), &next), at(&status, &next));
        let end = done(&status, time(9));
        assert_eq!((end.work.phase, end.work.percent), (Phase::Succeeded, 100));
    }
}
