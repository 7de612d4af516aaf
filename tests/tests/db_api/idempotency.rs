//! A POST with an `Idempotency-Key` that is sent again is answered as the first time, and done once.

use control_plane::gateway::cluster::fake::password;
use e2e::control::Control;
use e2e::program::{Program, Reply};
use http::StatusCode;
use jiff::SignedDuration;
use serde_json::{Value, json};

async fn with_key(program: &Program, path: &str, key: &str, body: &Value) -> Reply {
    program.call_with("POST", path, &[("idempotency-key", key)], Some(body)).await.unwrap()
}

#[tokio::test]
async fn the_same_request_again_orders_one_server() {
    let control = Control::open("api_again").await.unwrap();
    let jo = control.person("jo").await.unwrap();
    let program = control.program(&jo).await.unwrap();
    let path = format!("/organizations/{}/orders", jo.organization);
    let wish = program.wish(jo.organization, "birds").await.unwrap();
    let first = with_key(&program, &path, "k-1", &wish).await.expect(StatusCode::CREATED).unwrap();
    let second = with_key(&program, &path, "k-1", &wish).await.expect(StatusCode::CREATED).unwrap();
    assert_eq!((&first.body, first.header("location")), (&second.body, second.header("location")));
    assert_eq!(first.header("content-type"), second.header("content-type"));
    let count = "SELECT count(*) FROM orders";
    assert_eq!(control.count(count).await.unwrap(), 1);
    // Another body, and another endpoint.
    let other = program.wish(jo.organization, "fish").await.unwrap();
    let reply = with_key(&program, &path, "k-1", &other).await;
    assert_eq!((reply.status, reply.text("code")), (StatusCode::UNPROCESSABLE_ENTITY, "key-reused"));
    let cancel = format!("/orders/{}/cancel", first.text("id"));
    assert_eq!(with_key(&program, &cancel, "k-1", &wish).await.text("code"), "key-reused");
    // Another caller's same key is another key.
    let another = control.program(&jo).await.unwrap();
    assert_eq!(with_key(&another, &path, "k-1", &other).await.status, StatusCode::CREATED);
    assert_eq!(control.count(count).await.unwrap(), 2);
    for key in ["", &"k".repeat(201)] {
        let reply = with_key(&program, &path, key, &other).await;
        assert_eq!(reply.problem(), "invalid Idempotency-Key:key-length");
    }
}

#[tokio::test]
async fn two_at_once_order_one_server() {
    let control = Control::open("api_again_race").await.unwrap();
    let jo = control.person("jo").await.unwrap();
    let program = control.program(&jo).await.unwrap();
    let path = format!("/organizations/{}/orders", jo.organization);
    let wish = program.wish(jo.organization, "birds").await.unwrap();
    let all = futures::future::join_all((0..4).map(|_| with_key(&program, &path, "k", &wish))).await;
    for reply in &all {
        // Done, told the same, or told to come again.
        let fine = reply.status == StatusCode::CREATED
            || reply.text("code") == "key-busy" && reply.header("retry-after") == "2";
        assert!(fine, "{reply:?}");
    }
    let done: Vec<_> =
        all.iter().filter(|reply| reply.status == StatusCode::CREATED).map(|reply| reply.text("id")).collect();
    assert!(!done.is_empty() && done.iter().all(|id| *id == done[0]));
    assert_eq!(with_key(&program, &path, "k", &wish).await.text("id"), done[0]);
    assert_eq!(control.count("SELECT count(*) FROM orders").await.unwrap(), 1);
}

#[tokio::test]
async fn a_key_that_was_given_back_while_another_looked_is_no_failure_of_ours() {
    let control = Control::open("api_again_given_back").await.unwrap();
    let jo = control.person("jo").await.unwrap();
    let program = control.program(&jo).await.unwrap();
    let path = format!("/organizations/{}/orders", jo.organization);
    let wrong = program.wish(jo.organization, "a").await.unwrap();
    for _ in 0..20 {
        let all = futures::future::join_all((0..6).map(|_| with_key(&program, &path, "k", &wrong))).await;
        for reply in all {
            let problem = reply.problem();
            assert!(["invalid label:label-length", "key-busy"].contains(&problem.as_str()), "{problem}");
        }
    }
}

#[tokio::test]
async fn a_refusal_is_not_kept_so_that_it_can_be_put_right() {
    let control = Control::open("api_again_refused").await.unwrap();
    let jo = control.person("jo").await.unwrap();
    let program = control.program(&jo).await.unwrap();
    let path = format!("/organizations/{}/orders", jo.organization);
    let wrong = program.wish(jo.organization, "a").await.unwrap();
    assert_eq!(with_key(&program, &path, "k", &wrong).await.problem(), "invalid label:label-length");
    let right = program.wish(jo.organization, "birds").await.unwrap();
    assert_eq!(with_key(&program, &path, "k", &right).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn who_lost_their_token_is_not_answered_from_what_was_kept() {
    let control = Control::open("api_again_revoked").await.unwrap();
    let jo = control.person("jo").await.unwrap();
    let program = control.program(&jo).await.unwrap();
    let path = format!("/organizations/{}/orders", jo.organization);
    let wish = program.wish(jo.organization, "birds").await.unwrap();
    with_key(&program, &path, "k", &wish).await.expect(StatusCode::CREATED).unwrap();
    control.workshop.later(SignedDuration::from_hours(24 * 31));
    assert_eq!(with_key(&program, &path, "k", &wish).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_secret_is_answered_once_and_kept_nowhere() {
    let control = Control::open("api_again_secret").await.unwrap();
    let mut jo = control.person("jo").await.unwrap();
    let server = jo.server(&control, "birds").await.unwrap().replace("/servers/", "/instances/");
    let program = control.program(&jo).await.unwrap();
    let asked = with_key(&program, &format!("{server}/users"), "add", &json!({ "handle": "grace" })).await;
    let asked = asked.expect(StatusCode::ACCEPTED).unwrap();
    control.settle().await.unwrap();
    let claim = format!("{server}/user-changes/{}/claim", asked.text("change"));
    let first = with_key(&program, &claim, "claim", &json!({})).await.expect(StatusCode::OK).unwrap();
    assert_eq!((first.text("handle"), first.text("password")), ("grace", password("grace").as_str()));
    assert_eq!(first.header("cache-control"), "no-store");
    let again = with_key(&program, &claim, "claim", &json!({})).await;
    assert_eq!((again.status, again.text("code")), (StatusCode::GONE, "shown-once"));
    let kept = "SELECT count(*) FROM idempotency_keys WHERE convert_from(body, 'UTF8') LIKE '%password-of-%'";
    assert_eq!(control.count(kept).await.unwrap(), 0);
    assert_eq!(control.count("SELECT count(*) FROM idempotency_keys").await.unwrap(), 1, "that of the change");
}
