//! Orders: from the wish for a server to the server. Each transition takes the old state and returns the new one, or an
//! error that names both.

use jiff::{SignedDuration, Timestamp};

use crate::offer::Approval;

/// How long an order may wait for a place, and keeps its name meanwhile.
pub const WAITING: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How long a freed place is kept for the order it is offered to.
pub const OFFER: SignedDuration = SignedDuration::from_hours(72);
/// How long we take at most to approve or decline.
pub const APPROVAL: SignedDuration = SignedDuration::from_hours(48);
/// How long a failed order can be tried again, and keeps its name meanwhile.
pub const FAILED: SignedDuration = SignedDuration::from_hours(7 * 24);
/// By how much the hold on a name is renewed while its server is being made.
pub const PROVISIONING: SignedDuration = SignedDuration::from_hours(48);

/// Where an order stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// There was no room; it waits for a place.
    Waitlisted {
        /// Since when: its place in the queue.
        since: Timestamp,
    },
    /// A place is kept for it, until the customer says yes.
    Offered {
        /// Since when it had waited.
        since: Timestamp,
        /// Until when the place is kept.
        until: Timestamp,
    },
    /// It has a place and waits for one of us to agree.
    Approval {
        /// Until when it may.
        until: Timestamp,
    },
    /// The server is being made.
    Provisioning,
    /// The server has been ready. Final.
    Done,
    /// We did not want to. Final.
    Declined {
        /// Why, for the customer to read.
        reason: String,
    },
    /// The customer did not want to any more. Final.
    Cancelled,
    /// Nobody acted in time. Final.
    Expired,
    /// The server could not be made.
    Failed {
        /// Why, a stable word.
        reason: String,
        /// Until when it can be tried again.
        until: Timestamp,
    },
}

/// Why an order does not go where it was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// There is no way from the one state to the other.
    #[error("an order that is {from} cannot become {to}")]
    Impossible {
        /// Where it stands.
        from: &'static str,
        /// Where it was to go.
        to: &'static str,
    },
    /// The time for it is over.
    #[error("that was possible until {0}")]
    TooLate(Timestamp),
    /// Its time is not over.
    #[error("it does not expire before {0}")]
    TooEarly(Timestamp),
}

/// Why an organization may not order now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OrderRefusal {
    /// Names are held for nobody whose address is not confirmed.
    #[error("the mail address must be confirmed first")]
    Unconfirmed,
    /// It has, or waits for, as many servers as it may.
    #[error("the organization may have {0} servers, those it waits for among them")]
    Limit(u32),
}

/// What becomes of the name that was ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameClaim {
    /// Nobody else gets it.
    Held {
        /// Until then, unless something happens to the order.
        until: Timestamp,
    },
    /// It is the server's for good, and never free again.
    Live,
    /// Anybody may have it.
    Free,
}

/// Whether an organization with so many servers and open orders may order one more.
pub const fn may_place(email_confirmed: bool, have: u32, limit: u32) -> Result<(), OrderRefusal> {
    match email_confirmed {
        false => Err(OrderRefusal::Unconfirmed),
        true if have >= limit => Err(OrderRefusal::Limit(limit)),
        true => Ok(()),
    }
}

fn in_time(until: Timestamp, now: Timestamp) -> Result<(), OrderError> {
    if now < until { Ok(()) } else { Err(OrderError::TooLate(until)) }
}

impl Order {
    /// A new order. With room it has a place from now on; without it waits.
    #[must_use]
    pub fn place(room: bool, approval: Approval, now: Timestamp) -> Self {
        if room { Self::admitted(approval, now) } else { Self::Waitlisted { since: now } }
    }

    /// One that has a place.
    fn admitted(approval: Approval, now: Timestamp) -> Self {
        match approval {
            Approval::Staff => Self::Approval { until: now + APPROVAL },
            Approval::None => Self::Provisioning,
        }
    }

    /// A freed place is kept for it.
    pub fn offer(self, now: Timestamp) -> Result<Self, OrderError> {
        let Self::Waitlisted { since } = self else {
            return Err(self.impossible("offered"));
        };
        Ok(Self::Offered { since, until: now + OFFER })
    }

    /// The customer takes the offered place.
    pub fn accept(self, approval: Approval, now: Timestamp) -> Result<Self, OrderError> {
        let Self::Offered { until, .. } = self else {
            return Err(self.impossible("accepted"));
        };
        in_time(until, now)?;
        Ok(Self::admitted(approval, now))
    }

    /// One of us agrees.
    pub fn approve(self, now: Timestamp) -> Result<Self, OrderError> {
        let Self::Approval { until } = self else {
            return Err(self.impossible("provisioning"));
        };
        in_time(until, now)?;
        Ok(Self::Provisioning)
    }

    /// One of us does not agree. Possible until the server is being made.
    pub fn decline(self, reason: String) -> Result<Self, OrderError> {
        match matches!(self, Self::Waitlisted { .. } | Self::Offered { .. } | Self::Approval { .. }) {
            true => Ok(Self::Declined { reason }),
            false => Err(self.impossible("declined")),
        }
    }

    /// The customer does not want it any more. While the server is being made it is too late: it can be closed when it is
    /// there.
    pub fn cancel(self) -> Result<Self, OrderError> {
        match self.is_open() && self != Self::Provisioning {
            true => Ok(Self::Cancelled),
            false => Err(self.impossible("cancelled")),
        }
    }

    /// Nobody acted in time.
    pub fn expire(self, now: Timestamp) -> Result<Self, OrderError> {
        match self.expires_at() {
            None => Err(self.impossible("expired")),
            Some(until) if now < until => Err(OrderError::TooEarly(until)),
            Some(_) => Ok(Self::Expired),
        }
    }

    /// The server is ready.
    pub fn finish(self) -> Result<Self, OrderError> {
        match self == Self::Provisioning {
            true => Ok(Self::Done),
            false => Err(self.impossible("done")),
        }
    }

    /// The server could not be made.
    pub fn fail(self, reason: String, now: Timestamp) -> Result<Self, OrderError> {
        match self == Self::Provisioning {
            true => Ok(Self::Failed { reason, until: now + FAILED }),
            false => Err(self.impossible("failed")),
        }
    }

    /// Another try.
    pub fn retry(self, now: Timestamp) -> Result<Self, OrderError> {
        let Self::Failed { until, .. } = self else {
            return Err(self.impossible("provisioning"));
        };
        in_time(until, now)?;
        Ok(Self::Provisioning)
    }

    /// When it ends if nobody acts.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        match self {
            Self::Waitlisted { since } => Some(*since + WAITING),
            Self::Offered { until, .. } | Self::Approval { until } | Self::Failed { until, .. } => Some(*until),
            Self::Provisioning | Self::Done | Self::Declined { .. } | Self::Cancelled | Self::Expired => None,
        }
    }

    /// What becomes of the name that was ordered. Whoever frees names asks this again instead of trusting an old date: a
    /// server that is long in the making keeps its name.
    #[must_use]
    pub fn name(&self, now: Timestamp) -> NameClaim {
        match self {
            Self::Waitlisted { since } => NameClaim::Held { until: *since + WAITING },
            Self::Offered { until, .. } | Self::Approval { until } | Self::Failed { until, .. } => {
                NameClaim::Held { until: *until }
            }
            Self::Provisioning => NameClaim::Held { until: now + PROVISIONING },
            Self::Done => NameClaim::Live,
            Self::Declined { .. } | Self::Cancelled | Self::Expired => NameClaim::Free,
        }
    }

    /// Whether one of a cell's places is taken by it.
    #[must_use]
    pub const fn has_place(&self) -> bool {
        match self {
            Self::Offered { .. } | Self::Approval { .. } | Self::Provisioning | Self::Done | Self::Failed { .. } => {
                true
            }
            Self::Waitlisted { .. } | Self::Declined { .. } | Self::Cancelled | Self::Expired => false,
        }
    }

    /// Whether it still may become a server: it counts for the organization's limit.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        match self {
            Self::Waitlisted { .. }
            | Self::Offered { .. }
            | Self::Approval { .. }
            | Self::Provisioning
            | Self::Failed { .. } => true,
            Self::Done | Self::Declined { .. } | Self::Cancelled | Self::Expired => false,
        }
    }

    /// The word as the database has it.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Waitlisted { .. } => "waitlisted",
            Self::Offered { .. } => "offered",
            Self::Approval { .. } => "approval",
            Self::Provisioning => "provisioning",
            Self::Done => "done",
            Self::Declined { .. } => "declined",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Failed { .. } => "failed",
        }
    }

    const fn impossible(&self, to: &'static str) -> OrderError {
        OrderError::Impossible { from: self.as_str(), to }
    }
}

#[cfg(test)]
mod tests;
