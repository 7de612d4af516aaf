use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn hours(hours: i64) -> Timestamp {
    now() + SignedDuration::from_hours(hours)
}

/// One of each state, as it is at `now`.
fn each() -> Vec<Order> {
    let waitlisted = Order::place(false, Approval::None, now());
    let provisioning = Order::place(true, Approval::None, now());
    let approval = Order::place(true, Approval::Staff, now());
    vec![
        waitlisted.clone(),
        waitlisted.clone().offer(now()).unwrap(),
        approval.clone(),
        provisioning.clone(),
        provisioning.clone().finish().unwrap(),
        approval.clone().decline("too large".to_owned()).unwrap(),
        waitlisted.cancel().unwrap(),
        approval.expire(hours(48)).unwrap(),
        provisioning.fail("name-taken".to_owned(), now()).unwrap(),
    ]
}

/// What can be done to an order.
const VERBS: [&str; 9] = ["offer", "accept", "approve", "decline", "cancel", "expire", "finish", "fail", "retry"];

fn go(order: Order, verb: &str, approval: Approval, at: Timestamp) -> Result<Order, OrderError> {
    match verb {
        "offer" => order.offer(at),
        "accept" => order.accept(approval, at),
        "approve" => order.approve(at),
        "decline" => order.decline("no".to_owned()),
        "cancel" => order.cancel(),
        "expire" => order.expire(at),
        "finish" => order.finish(),
        "fail" => order.fail("broken".to_owned(), at),
        "retry" => order.retry(at),
        other => panic!("{other} is no verb"),
    }
}

#[test]
fn what_leads_where() {
    let mut table = format!("{:<13}", "");
    for verb in VERBS {
        table += &format!("{verb:<14}");
    }
    for order in each() {
        table += &format!("\n{:<13}", order.as_str());
        for verb in VERBS {
            let at = if verb == "expire" { hours(10_000) } else { now() };
            let after = go(order.clone(), verb, Approval::Staff, at);
            table += &format!("{:<14}", after.as_ref().map_or("-", Order::as_str));
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn what_each_state_means() {
    let mut table = String::from("state         place  open  name          expires after");
    for order in each() {
        let name = match order.name(now()) {
            NameClaim::Held { until } => format!("held {} h", until.duration_since(now()).as_hours()),
            NameClaim::Live => "live".to_owned(),
            NameClaim::Free => "free".to_owned(),
        };
        let expires =
            order.expires_at().map_or("-".to_owned(), |at| format!("{} h", at.duration_since(now()).as_hours()));
        let yes = |is: bool| if is { "yes" } else { "-" };
        let (place, open) = (yes(order.has_place()), yes(order.is_open()));
        table += &format!("\n{:<14}{place:<7}{open:<6}{name:<14}{expires}", order.as_str());
    }
    insta::assert_snapshot!(table);
}

#[test]
fn an_error_names_both_ends() {
    let done = Order::place(true, Approval::None, now()).finish().unwrap();
    assert_eq!(done.cancel().unwrap_err().to_string(), "an order that is done cannot become cancelled");
}

#[test]
fn a_freed_place_is_kept_for_72_hours() {
    let offered = Order::place(false, Approval::Staff, now()).offer(hours(5)).unwrap();
    assert_eq!(offered, Order::Offered { since: now(), until: hours(77) });
    assert_eq!(offered.clone().accept(Approval::None, hours(76)), Ok(Order::Provisioning));
    assert_eq!(offered.clone().accept(Approval::Staff, hours(76)), Ok(Order::Approval { until: hours(76 + 48) }));
    assert_eq!(offered.clone().accept(Approval::None, hours(77)), Err(OrderError::TooLate(hours(77))));
    assert_eq!(offered.clone().expire(hours(76)), Err(OrderError::TooEarly(hours(77))));
    assert_eq!(offered.expire(hours(77)), Ok(Order::Expired));
}

#[test]
fn names_are_held_for_48_hours_when_we_must_agree() {
    let order = Order::place(true, Approval::Staff, now());
    assert_eq!(order.name(hours(1)), NameClaim::Held { until: hours(48) });
    assert_eq!(order.clone().approve(hours(48)), Err(OrderError::TooLate(hours(48))));
    assert_eq!(order.approve(hours(47)), Ok(Order::Provisioning));
}

#[test]
fn a_failed_order_can_be_tried_again_for_a_week() {
    let failed = Order::Provisioning.fail("broken".to_owned(), now()).unwrap();
    assert!(failed.has_place() && failed.is_open());
    assert_eq!(failed.clone().retry(hours(167)), Ok(Order::Provisioning));
    assert_eq!(failed.retry(hours(168)), Err(OrderError::TooLate(hours(168))));
}

#[test]
fn a_server_that_is_long_in_the_making_keeps_its_name() {
    assert_eq!(Order::Provisioning.name(hours(1000)), NameClaim::Held { until: hours(1048) });
    assert_eq!(Order::Provisioning.expires_at(), None);
}

#[test]
fn who_may_order() {
    assert_eq!(may_place(false, 0, 3), Err(OrderRefusal::Unconfirmed));
    assert_eq!(may_place(true, 2, 3), Ok(()));
    assert_eq!(may_place(true, 3, 3), Err(OrderRefusal::Limit(3)));
    assert_eq!(may_place(true, 0, 0), Err(OrderRefusal::Limit(0)));
}

proptest! {
    #[test]
    fn whatever_happens(
        room: bool, approval in select(Approval::ALL), story in proptest::collection::vec((select(&VERBS[..]), 0_i64..100), 0..40),
    ) {
        let mut order = Order::place(room, approval, now());
        let mut at = now();
        for (verb, wait) in story {
            at += SignedDuration::from_hours(wait);
            let before = order.clone();
            order = go(order, verb, approval, at).unwrap_or_else(|_| before.clone());
            // The dead stay dead, and a live name stays live.
            prop_assert!(before.is_open() || order == before);
            // Nobody loses a place without the order ending, and nobody gets one but by an offer.
            prop_assert!(!before.has_place() || order.has_place() || !order.is_open());
            prop_assert!(before.has_place() || !order.has_place() || verb == "offer");
            // A name is free exactly when nothing can come of the order any more.
            prop_assert_eq!(order.name(at) == NameClaim::Free, !order.is_open() && order != Order::Done);
            // A name is held at least as long as the order lives.
            if let (NameClaim::Held { until }, Some(end)) = (order.name(at), order.expires_at()) {
                prop_assert!(until >= end);
            }
            // What needs our yes is never made without it.
            prop_assert!(!(approval == Approval::Staff && order == Order::Provisioning && before != order)
                || verb == "approve" || verb == "retry");
        }
    }
}
