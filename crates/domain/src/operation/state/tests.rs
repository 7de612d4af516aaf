use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const LEASE: SignedDuration = SignedDuration::from_secs(60);

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn later(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

fn running(kind: Kind) -> Operation {
    Operation::new(kind, now()).claim(now(), LEASE).unwrap()
}

/// One of each state.
fn each() -> Vec<Operation> {
    let one = || running(Kind::Export);
    vec![
        Operation::new(Kind::Export, now()),
        one(),
        one().wait(1, now(), "cell").unwrap(),
        one().succeed(1, now()).unwrap(),
        one().fail(1, now(), "full").unwrap(),
        Operation { cancel_asked: true, ..one() }.give_up(1, now()).unwrap(),
    ]
}

#[test]
fn what_leads_where() {
    let mut table = String::new();
    for operation in each() {
        let show = |result: Result<Operation, OperationError>| match result {
            Ok(after) if after.cancel_asked => format!("{} (cancel asked)", after.state.as_str()),
            Ok(after) => after.state.as_str().to_owned(),
            Err(_) => "-".to_owned(),
        };
        let fence = operation.fence;
        let one = || operation.clone();
        table += &format!("{}\n", operation.state.as_str());
        for (verb, after) in [
            ("claim", show(one().claim(later(60), LEASE))),
            ("progress", show(one().progress(fence, "copy", 0, later(60)))),
            ("wait", show(one().wait(fence, later(60), "cell"))),
            ("retry", show(one().retry(fence, later(60), 0, "cell"))),
            ("succeed", show(one().succeed(fence, later(60)))),
            ("fail", show(one().fail(fence, later(60), "full"))),
            ("cancel", show(one().cancel(later(60)))),
            ("revive", show(one().revive(later(60)))),
        ] {
            table += &format!("  {verb:<9} {after}\n");
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn a_worker_that_was_thought_dead_writes_nothing() {
    let first = running(Kind::Export);
    let second = first.claim(later(60), LEASE).unwrap();
    assert_eq!((second.fence, second.attempt), (2, 2));
    let stale = OperationError::Stale { mine: 1, current: 2 };
    assert_eq!(second.clone().succeed(1, now()).unwrap_err(), stale);
    assert_eq!(second.clone().progress(1, "copy", 1, now()).unwrap_err(), stale);
    assert_eq!(second.clone().wait(1, now(), "cell").unwrap_err(), stale);
    assert_eq!(second.clone().retry(1, now(), 0, "cell").unwrap_err(), stale);
    assert!(second.succeed(2, now()).is_ok());
}

#[test]
fn a_lease_is_kept_to_its_end() {
    let operation = running(Kind::Export);
    assert_eq!(operation.clone().claim(later(59), LEASE).unwrap_err(), OperationError::TooEarly(later(60)));
    let longer = operation.progress(1, "copy", 1, later(90)).unwrap();
    assert!(longer.clone().claim(later(89), LEASE).is_err());
    assert!(longer.claim(later(90), LEASE).is_ok());
}

#[test]
fn what_kills_workers_is_given_up_in_the_end() {
    let mut operation = Operation::new(Kind::Export, now());
    let mut at = now();
    for _ in 0..Kind::Export.max_attempts() {
        operation = operation.claim(at, LEASE).unwrap();
        assert_eq!(operation.state.as_str(), "running");
        at += LEASE;
    }
    let operation = operation.claim(at, LEASE).unwrap();
    assert_eq!(operation.state, State::Failed { at, reason: "worker-lost".to_owned() });
}

#[test]
fn waiting_is_no_failure() {
    let mut operation = running(Kind::Export);
    for round in 0..1000 {
        let fence = operation.fence;
        operation = operation.wait(fence, later(round), "cell").unwrap().claim(later(round), LEASE).unwrap();
    }
    assert_eq!(operation.attempt, 1);
}

#[test]
fn what_is_not_begun_can_always_be_cancelled() {
    for kind in Kind::ALL {
        assert!(Operation::new(*kind, now()).cancel(now()).is_ok());
        let begun = running(*kind).cancel(now());
        assert_eq!(begun.is_ok(), kind.can_be_cancelled(), "{kind}");
    }
    let again = running(Kind::CloseInstance).retry(1, now(), 0, "cell").unwrap();
    assert_eq!(again.cancel(now()).unwrap_err(), OperationError::NotCancellable(Kind::CloseInstance));
}

#[test]
fn nobody_gives_up_what_nobody_cancelled() {
    assert!(running(Kind::Export).give_up(1, now()).is_err());
}

#[test]
fn errors_name_both_ends() {
    let error = Operation::new(Kind::Export, now()).succeed(0, now()).unwrap_err();
    assert_eq!(error.to_string(), "an operation that is queued cannot become succeeded");
}

#[test]
fn a_revived_one_starts_over_and_keeps_its_fence() {
    let failed = running(Kind::Export).progress(1, "copy", 50, later(60)).unwrap().fail(1, now(), "full").unwrap();
    let revived = failed.revive(later(5)).unwrap();
    assert_eq!((revived.attempt, revived.percent, revived.fence), (0, 0, 1));
    assert_eq!(revived.claim(later(5), LEASE).unwrap().fence, 2);
}

#[test]
fn what_was_given_up_can_be_laid_aside_but_not_half_closed() {
    for kind in Kind::ALL {
        let failed = running(*kind).fail(1, now(), "full").unwrap();
        let aside = failed.lay_aside(later(5));
        assert_eq!(aside.is_ok(), *kind != Kind::CloseInstance, "{kind}");
        if let Ok(aside) = aside {
            assert_eq!(aside.state, State::Cancelled { at: later(5) });
            assert!(aside.revive(later(6)).is_err());
        }
        assert!(running(*kind).lay_aside(now()).is_err(), "{kind}: it is not over");
    }
}

/// What can happen to an operation, with the newest claim or an older one.
#[derive(Debug, Clone, Copy)]
enum Happening {
    Claim,
    Progress(i64, u8),
    Wait(i64),
    Retry(i64),
    Succeed(i64),
    Fail(i64),
    Cancel,
    GiveUp,
    Revive,
}

fn happening() -> impl Strategy<Value = Happening> {
    let behind = || select(vec![0_i64, 0, 0, 1]);
    prop_oneof![
        3 => Just(Happening::Claim),
        2 => (behind(), 0_u8..=100).prop_map(|(behind, percent)| Happening::Progress(behind, percent)),
        2 => behind().prop_map(Happening::Wait),
        2 => behind().prop_map(Happening::Retry),
        1 => behind().prop_map(Happening::Succeed),
        1 => behind().prop_map(Happening::Fail),
        1 => Just(Happening::Cancel),
        1 => Just(Happening::GiveUp),
        1 => Just(Happening::Revive),
    ]
}

proptest! {
    #[test]
    fn whatever_happens(kind in select(Kind::ALL), story in proptest::collection::vec((happening(), 0_i64..4000), 0..80)) {
        let mut operation = Operation::new(kind, now());
        let mut at = now();
        for (happening, seconds) in story {
            at += SignedDuration::from_secs(seconds);
            let before = operation.clone();
            let fence = before.fence;
            let (after, stale) = match happening {
                Happening::Claim => (operation.claim(at, LEASE), false),
                Happening::Progress(behind, percent) => {
                    (operation.progress(fence - behind, kind.steps()[0].word, percent, at + LEASE), behind > 0)
                }
                Happening::Wait(behind) => (operation.wait(fence - behind, at, "cell"), behind > 0),
                Happening::Retry(behind) => (operation.retry(fence - behind, at, 7, "cell"), behind > 0),
                Happening::Succeed(behind) => (operation.succeed(fence - behind, at), behind > 0),
                Happening::Fail(behind) => (operation.fail(fence - behind, at, "full"), behind > 0),
                Happening::Cancel => (operation.cancel(at), false),
                Happening::GiveUp => (operation.give_up(fence, at), false),
                Happening::Revive => (operation.revive(at), false),
            };
            prop_assert!(!(stale && after.is_ok()), "an old claim changed something");
            operation = after.unwrap_or_else(|_| before.clone());
            prop_assert!(operation.fence >= before.fence, "the fence fell");
            prop_assert!(operation.attempt <= kind.max_attempts());
            prop_assert!(operation.percent <= 100);
            let ended = matches!(before.state, State::Succeeded { .. } | State::Cancelled { .. });
            prop_assert!(!ended || operation == before, "what was over went on");
        }
    }
}
