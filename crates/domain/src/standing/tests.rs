use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use super::*;
use crate::Hold;
use crate::hold::Authority;
use crate::mode::effective;
use crate::offer::Approval;
use crate::operation::Kind;

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

/// A server that was ready once, as its cell saw it in a mode.
fn seen(mode: Mode, serving: bool, reachable: bool) -> Seen {
    Seen { caught_up: true, mode: Some(mode), was_ready: true, serving, reachable, ..Seen::default() }
}

fn hold(kind: HoldKind) -> Hold {
    let authority = if kind == HoldKind::Customer { Authority::Customer } else { Authority::Staff };
    Hold::place(Uuid::from_u128(1).into(), kind, "why".to_owned(), authority, now(), None).unwrap()
}

fn paid(holds: &[Hold]) -> Effective {
    effective(Entitlement::Full, holds, false, None, now())
}

fn facts<'a>(effective: &'a Effective, seen: Seen) -> Facts<'a> {
    Facts { order: None, effective, seen, closing: None, purged_at: None, cell_lost_since: None, now: now() }
}

#[test]
fn one_that_should_run() {
    let runs = paid(&[]);
    for (seen, standing) in [
        (seen(Mode::Running, true, true), Standing::Up),
        (seen(Mode::Running, true, false), Standing::Unreachable),
        (seen(Mode::Running, false, false), Standing::Disturbed),
        (seen(Mode::Frozen, false, false), Standing::Starting),
        (Seen { caught_up: false, ..seen(Mode::Running, false, false) }, Standing::Starting),
        (Seen::default(), Standing::SettingUp),
        (Seen { refused: true, ..Seen::default() }, Standing::Refused),
        (Seen { host_taken: true, ..Seen::default() }, Standing::NameTaken),
        (Seen { identity_missing: true, ..seen(Mode::Running, true, true) }, Standing::IdentityMissing),
    ] {
        assert_eq!(Standing::of(&facts(&runs, seen)), standing, "{seen:?}");
    }
}

#[test]
fn one_that_was_just_started_again_is_starting_and_not_broken() {
    let runs = paid(&[]);
    let at = |ago: SignedDuration, serving| {
        let seen = Seen { started_at: Some(now() - ago), ..seen(Mode::Running, serving, false) };
        Standing::of(&facts(&runs, seen))
    };
    let second = SignedDuration::from_secs(1);
    for ago in [SignedDuration::ZERO, second, START - second] {
        assert_eq!((at(ago, false), at(ago, true)), (Standing::Starting, Standing::Starting), "{ago}");
    }
    for ago in [START, START * 10] {
        assert_eq!((at(ago, false), at(ago, true)), (Standing::Disturbed, Standing::Unreachable), "{ago}");
    }
    // Clocks differ: what begins in a moment has just begun.
    assert_eq!(at(-second, false), Standing::Starting);
    let up = Seen { started_at: Some(now()), ..seen(Mode::Running, true, true) };
    assert_eq!(Standing::of(&facts(&runs, up)), Standing::Up);
}

#[test]
fn one_that_should_not_says_why() {
    let stopped = seen(Mode::Frozen, false, false);
    for (kind, standing) in [
        (HoldKind::Customer, Standing::Paused),
        (HoldKind::Staff, Standing::Suspended),
        (HoldKind::Legal, Standing::LegalHold),
        (HoldKind::Capacity, Standing::OverCapacity),
    ] {
        assert_eq!(Standing::of(&facts(&paid(&[hold(kind)]), stopped)), standing);
    }
    for (entitlement, standing) in
        [(Entitlement::ReadOnly, Standing::Unpaid), (Entitlement::None, Standing::NoSubscription)]
    {
        let effective = effective(entitlement, &[], false, None, now());
        assert_eq!(Standing::of(&facts(&effective, stopped)), standing);
    }
    let paused = paid(&[hold(HoldKind::Customer)]);
    assert_eq!(Standing::of(&facts(&paused, seen(Mode::Running, true, true))), Standing::Stopping);
    let closes = effective(Entitlement::Full, &[], false, Some(Kind::CloseInstance), now());
    assert_eq!(Standing::of(&facts(&closes, stopped)), Standing::Working);
}

#[test]
fn from_order_to_server() {
    let runs = paid(&[]);
    let up = seen(Mode::Running, true, true);
    let until = now() + crate::order::APPROVAL;
    for (order, seen, standing) in [
        (Order::Waitlisted { since: now() }, Seen::default(), Standing::Waitlisted),
        (Order::place(true, Approval::Staff, now()), Seen::default(), Standing::AwaitingApproval { until }),
        (Order::Offered { since: now(), until }, Seen::default(), Standing::Offered { until }),
        (Order::Provisioning, Seen::default(), Standing::SettingUp),
        (Order::Provisioning, up, Standing::SettingUp),
        (Order::Done, up, Standing::Up),
        (Order::Failed { reason: "x".to_owned(), until }, Seen::default(), Standing::SetupFailed { until }),
        (Order::Declined { reason: "x".to_owned() }, Seen::default(), Standing::Declined),
        (Order::Cancelled, Seen::default(), Standing::Cancelled),
        (Order::Expired, Seen::default(), Standing::Expired),
    ] {
        assert_eq!(Standing::of(&Facts { order: Some(&order), ..facts(&runs, seen) }), standing, "{order:?}");
    }
}

#[test]
fn from_closing_to_gone() {
    let closing = Closing::begin(now(), crate::closing::UNDO);
    let undo_until = closing.purge_after;
    let closes = effective(Entitlement::Full, &[], true, None, now());
    let running = Facts { closing: Some(closing), ..facts(&closes, seen(Mode::Running, true, true)) };
    assert_eq!(Standing::of(&running), Standing::ClosingDown { undo_until });
    let closed = Facts { seen: seen(Mode::Closing, false, false), ..running };
    assert_eq!(Standing::of(&closed), Standing::Closed { undo_until });
    assert_eq!(Standing::of(&Facts { purged_at: Some(now()), ..closed }), Standing::Gone);
}

#[test]
fn what_we_cannot_see_is_not_guessed() {
    let runs = paid(&[]);
    let up = facts(&runs, seen(Mode::Running, true, true));
    let lost = Facts { cell_lost_since: Some(now()), ..up };
    assert_eq!(Standing::of(&lost), Standing::OutOfSight { since: now() });
    let waiting = Order::Waitlisted { since: now() };
    assert_eq!(Standing::of(&Facts { order: Some(&waiting), ..lost }), Standing::Waitlisted);
}

/// One of each.
fn all() -> Vec<Standing> {
    let until = now();
    vec![
        Standing::Waitlisted,
        Standing::Offered { until },
        Standing::AwaitingApproval { until },
        Standing::Declined,
        Standing::Cancelled,
        Standing::Expired,
        Standing::SetupFailed { until },
        Standing::SettingUp,
        Standing::Up,
        Standing::Starting,
        Standing::Disturbed,
        Standing::Unreachable,
        Standing::Stopping,
        Standing::Paused,
        Standing::Suspended,
        Standing::LegalHold,
        Standing::OverCapacity,
        Standing::Unpaid,
        Standing::NoSubscription,
        Standing::Working,
        Standing::ClosingDown { undo_until: until },
        Standing::Closed { undo_until: until },
        Standing::Gone,
        Standing::IdentityMissing,
        Standing::NameTaken,
        Standing::Refused,
        Standing::OutOfSight { since: until },
    ]
}

#[test]
fn words_tones_and_ways_out() {
    let table: Vec<_> = all()
        .into_iter()
        .map(|standing| {
            let (tone, way_out) = standing.meaning();
            format!("{:<18}{:<11}{way_out}", standing.as_str(), tone.as_str())
        })
        .collect();
    insta::assert_snapshot!(table.join("\n"));
    assert_eq!(all().iter().map(|standing| standing.as_str()).collect::<BTreeSet<_>>().len(), all().len());
}

#[test]
fn nothing_bad_or_urgent_is_left_without_a_way_out() {
    for standing in all() {
        let (tone, way_out) = standing.meaning();
        assert!(!(matches!(tone, Tone::Bad | Tone::Attention) && way_out == WayOut::None), "{standing:?}");
    }
}

fn any_seen() -> impl Strategy<Value = Seen> {
    let flags = proptest::array::uniform7(any::<bool>());
    let started = proptest::option::of((0..600_i64).prop_map(|ago| now() - SignedDuration::from_secs(ago)));
    (flags, proptest::option::of(select(Mode::ALL)), started).prop_map(|(flags, mode, started_at)| {
        let [caught_up, was_ready, refused, host_taken, identity_missing, serving, reachable] = flags;
        Seen { caught_up, mode, was_ready, refused, host_taken, identity_missing, started_at, serving, reachable }
    })
}

proptest! {
    #[test]
    fn up_means_up(
        seen in any_seen(), entitlement in select(Entitlement::ALL), kinds in proptest::collection::vec(select(HoldKind::ALL), 0..3),
        closing: bool, lost: bool, purged: bool,
    ) {
        let holds: Vec<_> = kinds.into_iter().map(hold).collect();
        let effective = effective(entitlement, &holds, closing, None, now());
        let facts = Facts {
            closing: closing.then(|| Closing::begin(now(), crate::closing::UNDO)),
            purged_at: purged.then(now),
            cell_lost_since: lost.then(now),
            ..facts(&effective, seen)
        };
        let standing = Standing::of(&facts);
        if standing == Standing::Up {
            prop_assert!(seen.serving && seen.reachable && seen.was_ready && !seen.identity_missing);
            prop_assert!(effective.mode == Mode::Running && !closing && !lost && !purged);
        }
        // Nobody reads that ending their pause, or paying, would bring back a server that we hold.
        let held = |kind| holds.iter().any(|hold| hold.kind == kind);
        if standing == Standing::Paused || standing == Standing::Unpaid || standing == Standing::NoSubscription {
            prop_assert!(!held(HoldKind::Legal) && !held(HoldKind::Staff));
        }
        prop_assert!(standing != Standing::Paused || entitlement != Entitlement::None);
        prop_assert!(all().iter().any(|one| one.as_str() == standing.as_str()), "{:?} is not in the list", standing);
    }
}
