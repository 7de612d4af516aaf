//! What a server should be doing: the most restrictive of what money, holds, closing and the running operation want.
//! Computed, never written by hand.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::HoldId;
use crate::operation::Kind;
use crate::{Entitlement, Hold, HoldKind};

words! {
    /// What a server should be doing, from least to most restrictive. Words and order are those of the cells' objects.
    pub enum Mode, "mode" {
        /// Up, for all.
        Running = "Running",
        /// Up, refusing writes, where the flavour can; frozen where it cannot.
        ReadOnly = "ReadOnly",
        /// Stopped; its name answers 503 with a page of its own. Nothing is lost.
        Frozen = "Frozen",
        /// Stopped for good, waiting for its purge. Going back is possible until then.
        Closing = "Closing",
    }
}

/// One reason why a server does less than run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Because {
    /// It is being closed.
    Closing,
    /// Money.
    Entitlement {
        /// What is left of it.
        entitlement: Entitlement,
    },
    /// A hold.
    Hold {
        /// Its id.
        id: HoldId,
        /// Its kind.
        hold: HoldKind,
    },
    /// What is being done to it just now.
    Operation {
        /// What that is.
        operation: Kind,
    },
}

impl Because {
    /// What this reason alone would leave of the server.
    #[must_use]
    pub const fn mode(self) -> Mode {
        match self {
            Self::Closing => Mode::Closing,
            Self::Entitlement { entitlement } => match entitlement {
                Entitlement::Full => Mode::Running,
                Entitlement::ReadOnly => Mode::ReadOnly,
                Entitlement::None => Mode::Frozen,
            },
            Self::Hold { hold, .. } => hold.mode(),
            Self::Operation { operation } => operation.mode(),
        }
    }
}

impl Because {
    /// Which of two reasons for the same mode is told first: the one that is harder to lift. Nobody reads that their
    /// server is paused when it would not start if they ended the pause.
    const fn rank(self) -> u8 {
        match self {
            Self::Closing => 0,
            Self::Hold { hold: HoldKind::Legal, .. } => 1,
            Self::Hold { hold: HoldKind::Staff, .. } => 2,
            Self::Hold { hold: HoldKind::Capacity, .. } => 3,
            Self::Entitlement { .. } => 4,
            Self::Hold { hold: HoldKind::Customer, .. } => 5,
            Self::Operation { .. } => 6,
        }
    }
}

/// What a server should be doing, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effective {
    /// The most restrictive mode that any reason wants.
    pub mode: Mode,
    /// All reasons for less than running, the most restrictive first, and of equal ones the hardest to lift. Whoever
    /// wants the server back needs the way out of each.
    pub because: Vec<Because>,
}

/// The one rule that makes a mode. `holds` may contain ended ones.
#[must_use]
pub fn effective(
    entitlement: Entitlement,
    holds: &[Hold],
    closing: bool,
    operation: Option<Kind>,
    now: Timestamp,
) -> Effective {
    let held = holds.iter().filter(|hold| hold.is_in_force(now));
    let mut because: Vec<Because> = closing
        .then_some(Because::Closing)
        .into_iter()
        .chain(held.map(|hold| Because::Hold { id: hold.id, hold: hold.kind }))
        .chain([Because::Entitlement { entitlement }])
        .chain(operation.map(|operation| Because::Operation { operation }))
        .filter(|reason| reason.mode() > Mode::Running)
        .collect();
    because.sort_by_key(|reason| (std::cmp::Reverse(reason.mode()), reason.rank()));
    Effective { mode: because.first().map_or(Mode::Running, |reason| reason.mode()), because }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;
    use uuid::Uuid;

    use super::*;
    use crate::hold::{Authority, blocks_purge};

    fn now() -> Timestamp {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    fn hold(id: u128, kind: HoldKind) -> Hold {
        let authority = if kind == HoldKind::Customer { Authority::Customer } else { Authority::Staff };
        Hold::place(Uuid::from_u128(id).into(), kind, "why".to_owned(), authority, now(), None).unwrap()
    }

    prop_compose! {
        fn holds()(kinds in proptest::collection::vec(select(HoldKind::ALL), 0..6)) -> Vec<Hold> {
            kinds.into_iter().zip(1..).map(|(kind, id)| hold(id, kind)).collect()
        }
    }

    fn operation() -> impl Strategy<Value = Option<Kind>> {
        proptest::option::of(select(Kind::ALL))
    }

    fn entitlement() -> impl Strategy<Value = Entitlement> {
        select(Entitlement::ALL)
    }

    #[test]
    fn the_order_is_from_least_to_most_restrictive() {
        assert!(Mode::Running < Mode::ReadOnly && Mode::ReadOnly < Mode::Frozen && Mode::Frozen < Mode::Closing);
    }

    #[test]
    fn every_reason_is_told_the_strongest_first() {
        let holds = [hold(1, HoldKind::Capacity), hold(2, HoldKind::Staff)];
        let seen = effective(Entitlement::ReadOnly, &holds, true, None, now());
        assert_eq!(seen.mode, Mode::Closing);
        assert_eq!(
            seen.because,
            [
                Because::Closing,
                Because::Hold { id: holds[1].id, hold: HoldKind::Staff },
                Because::Hold { id: holds[0].id, hold: HoldKind::Capacity },
                Because::Entitlement { entitlement: Entitlement::ReadOnly },
            ]
        );
    }

    #[test]
    fn paid_and_free_it_runs_for_no_reason() {
        let seen = effective(Entitlement::Full, &[], false, Some(Kind::ApplyInstance), now());
        assert_eq!(seen, Effective { mode: Mode::Running, because: vec![] });
    }

    #[test]
    fn reasons_are_written_with_their_words() {
        let id = hold(0, HoldKind::Legal).id;
        let json = serde_json::to_string(&Because::Hold { id, hold: HoldKind::Legal }).unwrap();
        assert_eq!(json, r#"{"kind":"hold","id":"hld_00000000000000000000000000","hold":"legal"}"#);
    }

    proptest! {
        #[test]
        fn one_more_reason_never_gives_more(
            entitlement in entitlement(), holds in holds(), closing: bool, operation in operation(),
            kind in select(HoldKind::ALL),
        ) {
            let before = effective(entitlement, &holds, closing, operation, now()).mode;
            let more = [holds.clone(), vec![hold(99, kind)]].concat();
            prop_assert!(effective(entitlement, &more, closing, operation, now()).mode >= before);
            prop_assert!(effective(Entitlement::None, &holds, closing, operation, now()).mode >= before);
            prop_assert!(effective(entitlement, &holds, true, operation, now()).mode >= before);
            prop_assert!(effective(entitlement, &holds, closing, None, now()).mode <= before);
        }

        #[test]
        fn the_order_of_holds_does_not_matter(
            entitlement in entitlement(), holds in holds(), closing: bool, operation in operation(),
        ) {
            let reversed: Vec<_> = holds.iter().rev().cloned().collect();
            let (one, other) = (effective(entitlement, &holds, closing, operation, now()),
                                effective(entitlement, &reversed, closing, operation, now()));
            prop_assert_eq!(one.mode, other.mode);
            let without_ids = |seen: &Effective| seen.because.iter().map(|one| (one.mode(), one.rank())).collect::<Vec<_>>();
            prop_assert_eq!(without_ids(&one), without_ids(&other));
        }

        #[test]
        fn a_mode_has_its_reason(
            entitlement in entitlement(), holds in holds(), closing: bool, operation in operation(),
        ) {
            let seen = effective(entitlement, &holds, closing, operation, now());
            prop_assert_eq!(seen.because.iter().map(|reason| reason.mode()).max().unwrap_or(Mode::Running), seen.mode);
        }

        #[test]
        fn paying_lifts_no_hold(holds in holds(), closing: bool, operation in operation(), before in entitlement()) {
            let held: Vec<_> = effective(before, &holds, closing, operation, now()).because.into_iter()
                .filter(|reason| matches!(reason, Because::Hold { .. })).collect();
            let paid = effective(Entitlement::Full, &holds, closing, operation, now());
            prop_assert!(held.iter().all(|reason| paid.because.contains(reason)));
            prop_assert!(holds.iter().all(|hold| paid.mode >= hold.kind.mode()));
        }

        #[test]
        fn no_hold_is_lifted_by_another_kind(holds in holds(), authority in select(Authority::ALL)) {
            let after: Vec<_> =
                holds.iter().map(|hold| hold.clone().lift(authority, now()).unwrap_or(hold.clone())).collect();
            let mode = effective(Entitlement::Full, &after, false, None, now()).mode;
            for hold in holds.iter().filter(|hold| !hold.kind.belongs_to(authority)) {
                prop_assert!(mode >= hold.kind.mode(), "{} lifted {}", authority, hold.kind);
            }
        }

        #[test]
        fn a_legal_hold_blocks_the_purge_whatever_else_is_lifted(holds in holds(), closing: bool) {
            let legal = [holds, vec![hold(99, HoldKind::Legal)]].concat();
            let after: Vec<_> = legal.iter()
                .map(|hold| Hold { lifted_at: (hold.kind != HoldKind::Legal).then(now), ..hold.clone() })
                .collect();
            prop_assert!(blocks_purge(&after, now()));
            prop_assert!(effective(Entitlement::Full, &after, closing, None, now()).mode >= Mode::Frozen);
        }
    }
}
