//! What a customer reads about a server: one word, how it is meant, and the way out. Computed in one place from all that
//! is known, so that no two pages say different things. Texts belong to the pages; here are their keys.

use jiff::{SignedDuration, Timestamp};

use crate::closing::Closing;
use crate::mode::{Because, Effective};
use crate::order::Order;
use crate::{Entitlement, HoldKind, Mode};

/// How long a server that was started may not answer before that is told: it reads its data first, and the probes of its cell come
/// some seconds apart.
pub const START: SignedDuration = SignedDuration::from_mins(2);

/// What was seen of a server in its cell, last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// Whether the cell has carried out the newest wish.
    pub caught_up: bool,
    /// The mode in force. `None`: nothing was seen yet.
    pub mode: Option<Mode>,
    /// Whether it has ever been ready.
    pub was_ready: bool,
    /// The cell says that the wish cannot be carried out (condition `Accepted` is false).
    pub refused: bool,
    /// Condition `HostTaken`.
    pub host_taken: bool,
    /// Condition `IdentityMissing`.
    pub identity_missing: bool,
    /// Since when it has not been stopped any more: when its cell began to start it, last. `None`: it is stopped, or never was.
    pub started_at: Option<Timestamp>,
    /// Condition `Serving`: it answers inside.
    pub serving: bool,
    /// Condition `Reachable`: it answers at its public address.
    pub reachable: bool,
}

/// All that is known about a server, or about the order for one.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The order it comes from. None for a server that was adopted.
    pub order: Option<&'a Order>,
    /// What it should be doing, and why.
    pub effective: &'a Effective,
    /// What was seen.
    pub seen: Seen,
    /// Its closing.
    pub closing: Option<Closing>,
    /// When its data were destroyed.
    pub purged_at: Option<Timestamp>,
    /// Since when its cell cannot be reached by us.
    pub cell_lost_since: Option<Timestamp>,
    /// When this is asked.
    pub now: Timestamp,
}

/// How a server stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It waits for a place.
    Waitlisted,
    /// A place is kept for it.
    Offered {
        /// Until when.
        until: Timestamp,
    },
    /// One of us must agree.
    AwaitingApproval {
        /// Until when we do.
        until: Timestamp,
    },
    /// We did not agree.
    Declined,
    /// The customer cancelled the order.
    Cancelled,
    /// The order ended because nobody acted.
    Expired,
    /// It could not be made.
    SetupFailed {
        /// Until when it can be tried again.
        until: Timestamp,
    },
    /// It is being made.
    SettingUp,
    /// It runs and answers.
    Up,
    /// It is being started.
    Starting,
    /// It should run and does not.
    Disturbed,
    /// It runs, but is not reached at its public address.
    Unreachable,
    /// It is being stopped.
    Stopping,
    /// Paused by its people.
    Paused,
    /// Stopped by us.
    Suspended,
    /// Stopped because the law says so.
    LegalHold,
    /// Limited because it has outgrown its place.
    OverCapacity,
    /// Limited because the payment failed.
    Unpaid,
    /// Stopped because there is no subscription.
    NoSubscription,
    /// Stopped for as long as something is being done to it.
    Working,
    /// It is being closed: stopped, and the final bundle made.
    ClosingDown {
        /// Until when that can be taken back.
        undo_until: Timestamp,
    },
    /// Closed.
    Closed {
        /// Until when that can be taken back.
        undo_until: Timestamp,
    },
    /// Its data have been destroyed.
    Gone,
    /// What it was born with is missing: stopped, so that no false server takes its name.
    IdentityMissing,
    /// Another server has its name.
    NameTaken,
    /// Its cell cannot carry the wish out.
    Refused,
    /// We cannot see it. It most likely runs on.
    OutOfSight {
        /// Since when.
        since: Timestamp,
    },
}

words! {
    /// How a standing is meant, beside its word: never shown by colour alone.
    pub enum Tone, "tone" {
        /// All is well.
        Good = "good",
        /// Something is being done; wait.
        Busy = "busy",
        /// As somebody wanted it.
        Calm = "calm",
        /// Somebody should do something.
        Attention = "attention",
        /// Something is wrong.
        Bad = "bad",
    }
}

words! {
    /// What can be done about a standing, and by whom.
    pub enum WayOut, "way out" {
        /// Nothing is to be done.
        None = "none",
        /// Wait: it is being worked on.
        Wait = "wait",
        /// Take the offered place.
        Accept = "accept",
        /// Try again, or cancel.
        Retry = "retry",
        /// Order again.
        Order = "order",
        /// Lift the pause.
        Resume = "resume",
        /// Pay.
        Pay = "pay",
        /// Take a larger size, or make room.
        Grow = "grow",
        /// Take the closing back, or take the bundle.
        Reopen = "reopen",
        /// Write to us.
        Contact = "contact",
        /// We see to it; nothing can be done from outside.
        Staff = "staff",
    }
}

impl Standing {
    /// The one computation. From what is final over what is not begun to what can be seen; a more certain fact goes
    /// before a guess.
    #[must_use]
    pub fn of(facts: &Facts<'_>) -> Self {
        if facts.purged_at.is_some() {
            return Self::Gone;
        }
        let making = match facts.order.map(Self::of_order) {
            Some(Some(standing)) => return standing,
            Some(None) => matches!(facts.order, Some(Order::Provisioning)),
            None => false,
        };
        if let Some(since) = facts.cell_lost_since {
            return Self::OutOfSight { since };
        }
        let seen = facts.seen;
        if seen.identity_missing {
            return Self::IdentityMissing;
        }
        if seen.host_taken {
            return Self::NameTaken;
        }
        if let Some(closing) = facts.closing {
            let undo_until = closing.purge_after;
            let closed = seen.mode == Some(Mode::Closing) && seen.caught_up;
            return if closed { Self::Closed { undo_until } } else { Self::ClosingDown { undo_until } };
        }
        if seen.refused {
            return Self::Refused;
        }
        match facts.effective.because.first() {
            None if making || !seen.was_ready => Self::SettingUp,
            None => Self::of_running(seen, facts.now),
            Some(because) => Self::of_stopped(*because, seen, facts.now),
        }
    }

    /// How an order stands that has no server to look at. `None`: there is one, or there was.
    #[must_use]
    pub const fn of_waiting(order: &Order) -> Option<Self> {
        match order {
            Order::Provisioning => Some(Self::SettingUp),
            Order::Waitlisted { .. }
            | Order::Offered { .. }
            | Order::Approval { .. }
            | Order::Done
            | Order::Declined { .. }
            | Order::Cancelled
            | Order::Expired
            | Order::Failed { .. } => Self::of_order(order),
        }
    }

    /// What an order alone says. `None`: there is a server to look at.
    const fn of_order(order: &Order) -> Option<Self> {
        match order {
            Order::Waitlisted { .. } => Some(Self::Waitlisted),
            Order::Offered { until, .. } => Some(Self::Offered { until: *until }),
            Order::Approval { until } => Some(Self::AwaitingApproval { until: *until }),
            Order::Declined { .. } => Some(Self::Declined),
            Order::Cancelled => Some(Self::Cancelled),
            Order::Expired => Some(Self::Expired),
            Order::Failed { until, .. } => Some(Self::SetupFailed { until: *until }),
            Order::Provisioning | Order::Done => None,
        }
    }

    /// One that should run.
    fn of_running(seen: Seen, now: Timestamp) -> Self {
        // After a copy of its data, say: its mode never was another one.
        let just_started = seen.started_at.is_some_and(|at| now < at + START);
        match (seen.serving, seen.reachable) {
            (true, true) => Self::Up,
            _ if just_started => Self::Starting,
            (true, false) => Self::Unreachable,
            (false, _) if !seen.caught_up || seen.mode != Some(Mode::Running) => Self::Starting,
            (false, _) => Self::Disturbed,
        }
    }

    /// One that should do less than run.
    fn of_stopped(because: Because, seen: Seen, now: Timestamp) -> Self {
        if because.mode() >= Mode::Frozen && seen.mode.is_some_and(|mode| mode < Mode::Frozen) {
            return Self::Stopping;
        }
        match because {
            Because::Closing => Self::Stopping,
            Because::Hold { hold, .. } => match hold {
                HoldKind::Customer => Self::Paused,
                HoldKind::Staff => Self::Suspended,
                HoldKind::Legal => Self::LegalHold,
                HoldKind::Capacity => Self::OverCapacity,
            },
            Because::Entitlement { entitlement } => match entitlement {
                Entitlement::Full => Self::of_running(seen, now),
                Entitlement::ReadOnly => Self::Unpaid,
                Entitlement::None => Self::NoSubscription,
            },
            Because::Operation { .. } => Self::Working,
        }
    }

    /// The stable word, which is also the key of its texts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waitlisted => "waitlisted",
            Self::Offered { .. } => "offered",
            Self::AwaitingApproval { .. } => "awaiting-approval",
            Self::Declined => "declined",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::SetupFailed { .. } => "setup-failed",
            Self::SettingUp => "setting-up",
            Self::Up => "up",
            Self::Starting => "starting",
            Self::Disturbed => "disturbed",
            Self::Unreachable => "unreachable",
            Self::Stopping => "stopping",
            Self::Paused => "paused",
            Self::Suspended => "suspended",
            Self::LegalHold => "legal-hold",
            Self::OverCapacity => "over-capacity",
            Self::Unpaid => "unpaid",
            Self::NoSubscription => "no-subscription",
            Self::Working => "working",
            Self::ClosingDown { .. } => "closing-down",
            Self::Closed { .. } => "closed",
            Self::Gone => "gone",
            Self::IdentityMissing => "identity-missing",
            Self::NameTaken => "name-taken",
            Self::Refused => "refused",
            Self::OutOfSight { .. } => "out-of-sight",
        }
    }

    /// How it is meant, and what can be done.
    #[must_use]
    pub const fn meaning(self) -> (Tone, WayOut) {
        match self {
            Self::Waitlisted => (Tone::Calm, WayOut::Wait),
            Self::Offered { .. } => (Tone::Attention, WayOut::Accept),
            Self::AwaitingApproval { .. } => (Tone::Busy, WayOut::Wait),
            Self::Declined => (Tone::Attention, WayOut::Contact),
            Self::Cancelled => (Tone::Calm, WayOut::Order),
            Self::Expired => (Tone::Attention, WayOut::Order),
            Self::SetupFailed { .. } => (Tone::Bad, WayOut::Retry),
            Self::SettingUp | Self::Starting | Self::Stopping | Self::Working => (Tone::Busy, WayOut::Wait),
            Self::Up => (Tone::Good, WayOut::None),
            Self::Disturbed | Self::Unreachable | Self::Refused | Self::IdentityMissing => (Tone::Bad, WayOut::Staff),
            Self::Paused => (Tone::Calm, WayOut::Resume),
            Self::Suspended | Self::LegalHold | Self::NameTaken => (Tone::Bad, WayOut::Contact),
            Self::OverCapacity => (Tone::Attention, WayOut::Grow),
            Self::Unpaid | Self::NoSubscription => (Tone::Attention, WayOut::Pay),
            Self::ClosingDown { .. } => (Tone::Busy, WayOut::Reopen),
            Self::Closed { .. } => (Tone::Calm, WayOut::Reopen),
            Self::Gone => (Tone::Calm, WayOut::None),
            Self::OutOfSight { .. } => (Tone::Attention, WayOut::Staff),
        }
    }
}

#[cfg(test)]
mod tests;
