//! What closing a server means, and when.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Hold;
use crate::hold::blocks_purge;

/// How long a closing can be taken back, where nothing else is configured.
pub const UNDO: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How long the final bundle is kept, from closing on.
pub const BUNDLE_KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// After failed deliveries on so many different days other Mastodon servers stop delivering, until they hear from this one
/// again: `FAILURE_DAYS_THRESHOLD` in Mastodon's `app/lib/delivery_failure_tracker.rb`.
pub const DELIVERY_DAYS: i64 = 7;

/// A single post is tried for about so long: Mastodon's `app/workers/activitypub/delivery_worker.rb` retries 16 times, with
/// growing pauses that sum up to about two days. What was posted to a server that is stopped for longer never arrives.
pub const POST_RETRIED: SignedDuration = SignedDuration::from_hours(48);

/// The closing of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// When it was closed: from then on it is stopped.
    pub at: Timestamp,
    /// From then on its data may be destroyed.
    pub purge_after: Timestamp,
}

/// What closing means, for the page that asks whether it is really wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consequences {
    /// The server is stopped and its address answers that it is closed.
    pub stopped_from: Timestamp,
    /// Posts from elsewhere begin to be lost for good.
    pub posts_lost_from: Timestamp,
    /// Other servers stop delivering.
    pub deliveries_stop_from: Timestamp,
    /// Until then the closing can be taken back.
    pub undo_until: Timestamp,
    /// Until then the final bundle can be downloaded.
    pub bundle_until: Timestamp,
}

/// Why a closing is not taken back, or data not destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClosingError {
    /// The data have been destroyed.
    #[error("the server's data have been destroyed")]
    Purged,
    /// It can still be taken back.
    #[error("the closing can be taken back until {0}")]
    TooEarly(Timestamp),
    /// A legal hold.
    #[error("a legal hold keeps the data")]
    Held,
    /// No final bundle has been made.
    #[error("there is no complete final bundle")]
    NoBundle,
}

impl Closing {
    /// Closes a server now. An `undo` of less than nothing is none.
    #[must_use]
    pub fn begin(now: Timestamp, undo: SignedDuration) -> Self {
        Self { at: now, purge_after: now + undo.max(SignedDuration::ZERO) }
    }

    /// What it means.
    #[must_use]
    pub fn consequences(self) -> Consequences {
        Consequences {
            stopped_from: self.at,
            posts_lost_from: self.at + POST_RETRIED,
            deliveries_stop_from: self.at + SignedDuration::from_hours(DELIVERY_DAYS * 24),
            undo_until: self.purge_after,
            // The way back must not end later than the copy.
            bundle_until: (self.at + BUNDLE_KEPT).max(self.purge_after),
        }
    }

    /// Whether it can be taken back. As long as the data are there it can, even when their time is over.
    pub const fn may_reopen(self, purged_at: Option<Timestamp>) -> Result<(), ClosingError> {
        match purged_at {
            Some(_) => Err(ClosingError::Purged),
            None => Ok(()),
        }
    }

    /// Whether the data may be destroyed, as far as the control plane knows. The cell's purger checks everything again by
    /// itself.
    pub fn may_purge(self, holds: &[Hold], final_bundle: bool, now: Timestamp) -> Result<(), ClosingError> {
        if now < self.purge_after {
            return Err(ClosingError::TooEarly(self.purge_after));
        }
        if blocks_purge(holds, now) {
            return Err(ClosingError::Held);
        }
        if final_bundle { Ok(()) } else { Err(ClosingError::NoBundle) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::HoldKind;
    use crate::hold::Authority;

    fn now() -> Timestamp {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn the_dates() {
        let consequences = Closing::begin(now(), UNDO).consequences();
        insta::assert_snapshot!(format!("{consequences:#?}"));
    }

    #[test]
    fn purged_only_when_all_is_in_order() {
        let closing = Closing::begin(now(), UNDO);
        let due = closing.purge_after;
        let place = |kind, authority| {
            Hold::place(Uuid::from_u128(1).into(), kind, "why".to_owned(), authority, now(), None).unwrap()
        };
        assert_eq!(closing.may_purge(&[], true, due), Ok(()));
        assert_eq!(closing.may_purge(&[place(HoldKind::Customer, Authority::Customer)], true, due), Ok(()));
        assert_eq!(closing.may_purge(&[place(HoldKind::Legal, Authority::Staff)], true, due), Err(ClosingError::Held));
        assert_eq!(closing.may_purge(&[], false, due), Err(ClosingError::NoBundle));
        let before = due - SignedDuration::from_secs(1);
        assert_eq!(closing.may_purge(&[], true, before), Err(ClosingError::TooEarly(due)));
    }

    #[test]
    fn taken_back_as_long_as_there_is_something() {
        let closing = Closing::begin(now(), UNDO);
        assert_eq!(closing.may_reopen(None), Ok(()));
        assert_eq!(closing.may_reopen(Some(now())), Err(ClosingError::Purged));
    }

    proptest! {
        #[test]
        fn the_bundle_outlives_the_way_back(days in -5_i64..400) {
            let closing = Closing::begin(now(), SignedDuration::from_hours(days * 24));
            let consequences = closing.consequences();
            prop_assert!(closing.purge_after >= closing.at);
            prop_assert!(consequences.bundle_until >= consequences.undo_until);
        }
    }
}
