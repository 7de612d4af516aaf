//! How long an answer takes says nothing about who has an account. Time is not measured here, because machines differ: what
//! takes it is counted. That is passwords that are hashed, and statements outside of what is answered at a fixed pace.

use e2e::desk::{Desk, PASSWORD};
use e2e::statements::Statements;

/// What a form costs: the status, passwords hashed, statements that do not run at a fixed pace.
async fn cost(desk: &Desk, path: &str, fields: &[(&str, &str)]) -> (u16, u64, Vec<String>) {
    let hashed = desk.platform.passwords.done();
    let (statements, guard) = Statements::listen();
    let answer = desk.browser().post(path, fields).await.unwrap();
    drop(guard);
    let counted = statements.heard().into_iter().filter(|one| !one.paced && !one.is_the_drivers());
    let counted = counted.map(|one| one.summary).collect();
    (answer.status, desk.platform.passwords.done() - hashed, counted)
}

/// A desk that knows somebody who is confirmed, somebody who is not, and somebody who was and is deleted.
async fn desk(name: &str) -> Desk {
    let desk = Desk::open(name).await.unwrap();
    desk.person("Ada", "ada@birds.example").await.unwrap();
    desk.sign_up("Grace", "grace@birds.example").await.unwrap();
    let eve = desk.person("Eve", "eve@birds.example").await.unwrap();
    let gone = eve.browser.post("/account/delete", &[("sure", "yes")]).await.unwrap();
    assert_eq!(gone.status, 303, "{}", gone.body);
    desk
}

/// Known, unconfirmed, deleted, never seen.
const ADDRESSES: [&str; 4] = ["ada@birds.example", "grace@birds.example", "eve@birds.example", "nobody@birds.example"];

#[tokio::test]
async fn a_log_in_that_fails_is_the_same_work_for_anybody() {
    let desk = desk("work_log_in").await;
    let mut costs = Vec::new();
    for email in ADDRESSES {
        costs.push(cost(&desk, "/log-in", &[("email", email), ("password", "another heron entirely")]).await);
    }
    assert!(costs.iter().all(|cost| *cost == costs[0]), "{costs:?}");
    let (status, hashed, statements) = costs.swap_remove(0);
    assert_eq!((status, hashed), (422, 1));
    assert!(!statements.is_empty(), "nothing was counted");
    // What is counted is what is done: who gets in is written down.
    let known = cost(&desk, "/log-in", &[("email", ADDRESSES[0]), ("password", PASSWORD)]).await;
    assert!(known.0 == 303 && known.1 == 1 && known.2.len() > statements.len(), "{known:?}");
}

#[tokio::test]
async fn what_a_forgotten_password_finds_is_done_at_a_fixed_pace() {
    let desk = desk("work_forgot").await;
    let mut costs = Vec::new();
    for email in ADDRESSES {
        costs.push(cost(&desk, "/forgot", &[("email", email)]).await);
    }
    assert!(costs.iter().all(|cost| *cost == costs[0]), "{costs:?}");
    assert!(costs[0].0 == 200 && costs[0].1 == 0 && !costs[0].2.is_empty(), "{costs:?}");
}

#[tokio::test]
async fn a_sign_up_with_a_known_address_is_the_same_work() {
    let desk = desk("work_sign_up").await;
    let form = desk.browser().get("/sign-up").await.unwrap();
    let (terms, processing) = (form.value("terms").unwrap(), form.value("processing").unwrap());
    let mut costs = Vec::new();
    for email in ADDRESSES {
        let fields = [
            ("email", email),
            ("name", "Mallory"),
            ("password", PASSWORD),
            ("agree", "yes"),
            ("terms", &terms),
            ("processing", &processing),
        ];
        costs.push(cost(&desk, "/sign-up", &fields).await);
    }
    assert!(costs.iter().all(|cost| *cost == costs[0]), "{costs:?}");
    assert!(costs[0].0 == 200 && costs[0].1 == 1 && !costs[0].2.is_empty(), "{costs:?}");
}
