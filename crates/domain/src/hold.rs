//! Holds: reasons why a server stands still although it is paid. Each is lifted by its own kind only, so that paying an
//! invoice never ends a suspension for abuse, and we never end a pause that the customer wanted.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Mode;
use crate::id::HoldId;

words! {
    /// Why a server is held.
    pub enum HoldKind, "kind of hold" {
        /// By us: abuse, or something that we must look at.
        Staff = "staff",
        /// By law: its data must be kept and nothing may change. Also blocks its purge.
        Legal = "legal",
        /// By its people: a pause.
        Customer = "customer",
        /// It has outgrown its place.
        Capacity = "capacity",
    }
}

words! {
    /// On whose authority a hold is placed or lifted.
    pub enum Authority, "authority" {
        /// A member of the organization with the right to pause.
        Customer = "customer",
        /// One of us.
        Staff = "staff",
        /// The control plane by itself.
        System = "system",
    }
}

impl HoldKind {
    /// What a server under such a hold may still do.
    #[must_use]
    pub const fn mode(self) -> Mode {
        match self {
            Self::Staff | Self::Legal | Self::Customer => Mode::Frozen,
            Self::Capacity => Mode::ReadOnly,
        }
    }

    /// Whether such a hold keeps the data of a closed server from being destroyed.
    #[must_use]
    pub const fn blocks_purge(self) -> bool {
        match self {
            Self::Legal => true,
            Self::Staff | Self::Customer | Self::Capacity => false,
        }
    }

    /// Whether a hold of this kind is theirs to place, and so theirs to lift: the same answer, because a hold is lifted
    /// by its own kind only.
    #[must_use]
    pub const fn belongs_to(self, authority: Authority) -> bool {
        match (self, authority) {
            (Self::Customer, Authority::Customer)
            | (Self::Staff | Self::Legal | Self::Capacity, Authority::Staff)
            | (Self::Capacity, Authority::System) => true,
            (Self::Customer, Authority::Staff | Authority::System)
            | (Self::Staff | Self::Legal, Authority::Customer | Authority::System)
            | (Self::Capacity, Authority::Customer) => false,
        }
    }

    /// Whether it may be given an end. A legal hold ends when someone says so.
    #[must_use]
    pub const fn may_end_by_itself(self) -> bool {
        match self {
            Self::Staff | Self::Customer | Self::Capacity => true,
            Self::Legal => false,
        }
    }
}

/// One hold on one server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// Why.
    pub kind: HoldKind,
    /// Why, for the owner to read.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
    /// When it was lifted.
    pub lifted_at: Option<Timestamp>,
}

/// Why a hold is not placed or not lifted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HoldError {
    /// Not theirs.
    #[error("a {kind} hold is not for {authority} to place or lift")]
    NotTheirs {
        /// The kind of hold.
        kind: HoldKind,
        /// Who tried.
        authority: Authority,
    },
    /// A legal hold with an end, or an end that is over.
    #[error("a {kind} hold cannot end at {until}")]
    End {
        /// The kind of hold.
        kind: HoldKind,
        /// The end that was asked for.
        until: Timestamp,
    },
    /// It has been lifted, or has ended.
    #[error("hold {0} is over already")]
    Over(HoldId),
}

impl Hold {
    /// A new hold.
    pub fn place(
        id: HoldId,
        kind: HoldKind,
        reason: String,
        authority: Authority,
        now: Timestamp,
        until: Option<Timestamp>,
    ) -> Result<Self, HoldError> {
        if !kind.belongs_to(authority) {
            return Err(HoldError::NotTheirs { kind, authority });
        }
        match until {
            Some(until) if until <= now || !kind.may_end_by_itself() => Err(HoldError::End { kind, until }),
            Some(_) | None => Ok(Self { id, kind, reason, since: now, until, lifted_at: None }),
        }
    }

    /// Whether it holds now.
    #[must_use]
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.lifted_at.is_none() && self.until.is_none_or(|until| now < until)
    }

    /// Says something else about it: another reason, another end.
    pub fn change(
        self,
        authority: Authority,
        reason: String,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Self, HoldError> {
        if !self.is_in_force(now) {
            return Err(HoldError::Over(self.id));
        }
        let changed = Self::place(self.id, self.kind, reason, authority, now, until)?;
        Ok(Self { since: self.since, ..changed })
    }

    /// Ends it.
    pub fn lift(self, authority: Authority, now: Timestamp) -> Result<Self, HoldError> {
        match self.kind.belongs_to(authority) {
            false => Err(HoldError::NotTheirs { kind: self.kind, authority }),
            true if !self.is_in_force(now) => Err(HoldError::Over(self.id)),
            true => Ok(Self { lifted_at: Some(now), ..self }),
        }
    }
}

/// Whether one of these holds keeps the server's data from being destroyed now.
#[must_use]
pub fn blocks_purge(holds: &[Hold], now: Timestamp) -> bool {
    holds.iter().any(|hold| hold.kind.blocks_purge() && hold.is_in_force(now))
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;
    use uuid::Uuid;

    use super::*;

    fn now() -> Timestamp {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    fn place(kind: HoldKind, authority: Authority, until: Option<Timestamp>) -> Result<Hold, HoldError> {
        Hold::place(Uuid::from_u128(1).into(), kind, "why".to_owned(), authority, now(), until)
    }

    #[test]
    fn who_places_and_lifts_which() {
        let theirs: Vec<_> = HoldKind::ALL
            .iter()
            .flat_map(|kind| Authority::ALL.iter().map(move |authority| (*kind, *authority)))
            .filter(|(kind, authority)| place(*kind, *authority, None).is_ok())
            .collect();
        assert_eq!(
            theirs,
            [
                (HoldKind::Staff, Authority::Staff),
                (HoldKind::Legal, Authority::Staff),
                (HoldKind::Customer, Authority::Customer),
                (HoldKind::Capacity, Authority::Staff),
                (HoldKind::Capacity, Authority::System),
            ]
        );
        for (kind, authority) in theirs {
            let hold = place(kind, authority, None).unwrap();
            for other in Authority::ALL {
                assert_eq!(hold.clone().lift(*other, now()).is_ok(), kind.belongs_to(*other), "{kind} by {other}");
            }
        }
    }

    #[test]
    fn a_hold_ends_once() {
        let later = now() + 1.hour();
        let hold = place(HoldKind::Customer, Authority::Customer, Some(later)).unwrap();
        assert!(hold.is_in_force(now()));
        assert!(!hold.is_in_force(later), "its end is not part of it");
        assert_eq!(hold.clone().lift(Authority::Customer, later), Err(HoldError::Over(hold.id)));
        let lifted = hold.lift(Authority::Customer, now()).unwrap();
        assert!(!lifted.is_in_force(now()));
        assert!(lifted.lift(Authority::Customer, now()).is_err());
    }

    #[test]
    fn a_legal_hold_has_no_end_and_no_hold_ends_before_it_begins() {
        let later = Some(now() + 1.hour());
        assert!(matches!(place(HoldKind::Legal, Authority::Staff, later), Err(HoldError::End { .. })));
        assert!(matches!(place(HoldKind::Staff, Authority::Staff, Some(now())), Err(HoldError::End { .. })));
    }

    #[test]
    fn a_change_keeps_kind_and_beginning_and_follows_the_same_rules() {
        let later = now() + 1.hour();
        let hold = place(HoldKind::Staff, Authority::Staff, None).unwrap();
        let changed = hold.clone().change(Authority::Staff, "else".to_owned(), Some(later), now() + 1.minute());
        let changed = changed.unwrap();
        assert_eq!((changed.id, changed.kind, changed.since), (hold.id, hold.kind, hold.since));
        assert_eq!((changed.reason.as_str(), changed.until), ("else", Some(later)));
        assert!(matches!(
            hold.clone().change(Authority::Customer, String::new(), None, now()),
            Err(HoldError::NotTheirs { .. })
        ));
        assert!(matches!(
            hold.clone().change(Authority::Staff, String::new(), Some(now()), now()),
            Err(HoldError::End { .. })
        ));
        let lifted = hold.lift(Authority::Staff, now()).unwrap();
        assert!(matches!(lifted.change(Authority::Staff, String::new(), None, now()), Err(HoldError::Over(_))));
        let legal = place(HoldKind::Legal, Authority::Staff, None).unwrap();
        assert!(matches!(
            legal.change(Authority::Staff, String::new(), Some(later), now()),
            Err(HoldError::End { .. })
        ));
    }

    #[test]
    fn only_a_legal_hold_in_force_blocks_the_purge() {
        for kind in HoldKind::ALL {
            let authority = if *kind == HoldKind::Customer { Authority::Customer } else { Authority::Staff };
            let hold = place(*kind, authority, None).unwrap();
            assert_eq!(blocks_purge(std::slice::from_ref(&hold), now()), *kind == HoldKind::Legal);
            let lifted = hold.lift(authority, now()).unwrap();
            assert!(!blocks_purge(&[lifted], now()));
        }
    }
}
