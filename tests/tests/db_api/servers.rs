//! Servers by programs, and by people whose browser calls for them.

use control_plane::gateway::cluster::fake::password;
use control_plane::store::export;
use e2e::control::Control;
use e2e::parcel::{files, part};
use http::StatusCode;
use serde_json::json;

use crate::matrix::{confirm, forget_passwords};

#[tokio::test]
async fn paused_and_resumed() {
    let control = Control::open("api_pause").await.unwrap();
    let jo = control.person("jo").await.unwrap();
    let program = control.program(&jo).await.unwrap();
    let server = format!("/instances/{}", program.server(&control, jo.organization, "birds").await.unwrap());
    let paused = program.post(&format!("{server}/pause"), json!({ "reason": "We move house." })).await.unwrap();
    let paused = paused.expect(StatusCode::ACCEPTED).unwrap();
    assert_eq!(program.post(&format!("{server}/pause"), json!({})).await.unwrap().text("code"), "wrong-state");
    control.settle().await.unwrap();
    let operation = program.get(&format!("/operations/{}", paused.text("id"))).await.unwrap();
    assert_eq!((&operation["state"], &operation["steps"]), (&json!("succeeded"), &json!(["ask", "apply"])));
    let shown = program.get(&server).await.unwrap();
    assert_eq!((&shown["standing"]["word"], &shown["mode"]), (&json!("paused"), &json!("Frozen")));
    assert_eq!(
        (&shown["holds"][0]["kind"], &shown["holds"][0]["reason"]),
        (&json!("customer"), &json!("We move house."))
    );
    program.call("POST", &format!("{server}/resume"), None).await.unwrap().expect(StatusCode::ACCEPTED).unwrap();
    control.settle().await.unwrap();
    assert_eq!(program.get(&server).await.unwrap()["standing"]["word"], "up");
    let long = program.post(&format!("{server}/pause"), json!({ "reason": "x".repeat(301) })).await.unwrap();
    assert_eq!(long.problem(), "invalid reason:text-too-long");
}

#[tokio::test]
async fn closed_by_a_person_and_brought_back_by_a_program() {
    let control = Control::open("api_close").await.unwrap();
    let jo = control.person("jo").await.unwrap();
    let program = control.program(&jo).await.unwrap();
    let server = format!("/instances/{}", program.server(&control, jo.organization, "birds").await.unwrap());
    let (close, name) = (format!("{server}/close"), json!({ "hostname": "birds.servers.example" }));
    assert_eq!(program.post(&close, name.clone()).await.unwrap().text("code"), "forbidden");
    let browser = control.in_browser(&jo).unwrap();
    forget_passwords(&control).await;
    assert_eq!(browser.post(&close, name.clone()).await.unwrap().text("code"), "password-needed");
    confirm(&control).await;
    let wrong = browser.post(&close, json!({ "hostname": "fish.servers.example" })).await.unwrap();
    assert_eq!(wrong.problem(), "invalid hostname:typed-name");
    let closing = browser.post(&close, name).await.unwrap().expect(StatusCode::ACCEPTED).unwrap();
    assert_eq!(closing.text("kind"), "instance.close");
    let shown = program.get(&server).await.unwrap();
    assert!(shown["closing"]["undo_until"].as_str().unwrap() > shown["closing"]["at"].as_str().unwrap(), "{shown}");
    program.call("POST", &format!("{server}/reopen"), None).await.unwrap().expect(StatusCode::ACCEPTED).unwrap();
    control.settle().await.unwrap();
    let shown = program.get(&server).await.unwrap();
    assert_eq!((&shown["standing"]["word"], &shown["closing"]), (&json!("up"), &json!(null)));
}

#[tokio::test]
async fn the_owners_log_in_is_claimed_once_and_made_anew() {
    let control = Control::open("api_claim").await.unwrap();
    let jo = control.person("jo").await.unwrap();
    let program = control.program(&jo).await.unwrap();
    let server = format!("/instances/{}", program.server(&control, jo.organization, "birds").await.unwrap());
    confirm(&control).await;
    let browser = control.in_browser(&jo).unwrap();
    let claim = format!("{server}/owner-login/claim");
    let first = browser.call("POST", &claim, None).await.unwrap().expect(StatusCode::OK).unwrap();
    assert_eq!((first.text("handle"), first.text("password")), ("owner", password("owner").as_str()));
    assert_eq!(browser.call("POST", &claim, None).await.unwrap().text("code"), "shown-once");
    let reset = browser.call("POST", &format!("{server}/owner-login/reset"), None).await.unwrap();
    let change = format!("{server}/user-changes/{}", reset.expect(StatusCode::ACCEPTED).unwrap().text("change"));
    let claim = format!("{change}/claim");
    assert_eq!(browser.call("POST", &claim, None).await.unwrap().text("code"), "wrong-state", "it is not there yet");
    control.settle().await.unwrap();
    // A program of the owner's own does not get it.
    assert_eq!(program.call("POST", &claim, None).await.unwrap().text("code"), "forbidden");
    assert_eq!(browser.get(&change).await.unwrap()["claimable"], true);
    let again = browser.call("POST", &claim, None).await.unwrap().expect(StatusCode::OK).unwrap();
    assert_eq!(again.text("password"), password("owner"));
    assert_eq!(browser.get(&change).await.unwrap()["claimable"], false);
}

#[tokio::test]
async fn an_account_is_added_helped_and_removed() {
    let control = Control::open("api_users").await.unwrap();
    let jo = control.person("jo").await.unwrap();
    let program = control.program(&jo).await.unwrap();
    let server = format!("/instances/{}", program.server(&control, jo.organization, "birds").await.unwrap());
    let users = format!("{server}/users");
    for (method, path, kind) in [
        ("POST", users.clone(), "add"),
        ("POST", format!("{users}/grace/reset"), "reset"),
        ("DELETE", format!("{users}/grace"), "remove"),
    ] {
        let body = (kind == "add").then(|| json!({ "handle": "grace" }));
        let asked = program.call(method, &path, body.as_ref()).await.unwrap().expect(StatusCode::ACCEPTED).unwrap();
        control.settle().await.unwrap();
        let change = program.get(&format!("{server}/user-changes/{}", asked.text("change"))).await.unwrap();
        assert_eq!(
            (&change["action"], &change["handle"], &change["state"]),
            (&json!(kind), &json!("grace"), &json!("succeeded"))
        );
        assert_eq!(change["claimable"], kind != "remove");
    }
    assert_eq!(
        program.post(&users, json!({ "handle": "owner" })).await.unwrap().problem(),
        "invalid handle:handle-owner"
    );
    for (method, path) in [("DELETE", format!("{users}/owner")), ("POST", format!("{users}/owner/reset"))] {
        assert_eq!(program.call(method, &path, None).await.unwrap().text("code"), "forbidden", "{method} {path}");
    }
    confirm(&control).await;
    let removed = control.in_browser(&jo).unwrap().call("DELETE", &format!("{users}/owner"), None).await.unwrap();
    assert_eq!(removed.text("code"), "wrong-state", "the owner stays");
}

#[tokio::test]
async fn a_bundle_is_made_by_a_program_and_taken_away_by_its_owner() {
    let control = Control::open("api_exports").await.unwrap();
    let mut jo = control.person("jo").await.unwrap();
    let program = control.program(&jo).await.unwrap();
    let server = format!("/instances/{}", program.server(&control, jo.organization, "birds").await.unwrap());
    let exports = format!("{server}/exports");
    let asked = program.call("POST", &exports, None).await.unwrap().expect(StatusCode::ACCEPTED).unwrap();
    assert_eq!(program.call("POST", &exports, None).await.unwrap().text("code"), "wrong-state", "one is being made");
    control.settle().await.unwrap();
    let export = format!("{exports}/{}", asked.text("export"));
    let shown = program.get(&export).await.unwrap();
    assert_eq!(
        (&shown["available"], &shown["state"], &shown["key"]),
        (&json!(true), &json!("succeeded"), &json!("askable"))
    );
    let pool = &control.workshop.platform.pool;
    let prefix: String =
        sqlx::query_scalar("SELECT prefix FROM exports WHERE prefix IS NOT NULL").fetch_one(pool).await.unwrap();
    for (name, content) in files() {
        control.workshop.objects.put(&format!("{prefix}{name}"), content);
    }
    confirm(&control).await;
    let browser = control.in_browser(&jo).unwrap();
    assert_eq!(program.call("POST", &format!("{export}/download"), None).await.unwrap().text("code"), "forbidden");
    let allowed =
        browser.call("POST", &format!("{export}/download"), None).await.unwrap().expect(StatusCode::CREATED).unwrap();
    let names: Vec<_> =
        allowed.json["files"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!(names, files().iter().map(|(name, _)| *name).collect::<Vec<_>>());
    let base = allowed.text("base").strip_prefix("https://steppe.example").unwrap();
    let secret = format!("Bearer {}", allowed.text("secret"));
    let path = format!("{base}/{}", names.last().unwrap());
    let mut fetcher = control.browser();
    let answer = fetcher.get_with(&path, &[("authorization", &secret), ("range", "bytes=500-")]).await.unwrap();
    assert_eq!((answer.status, answer.body.as_ref()), (StatusCode::PARTIAL_CONTENT, &part()[500..]));
    // Its key comes the same way, once.
    let early = browser.call("POST", &format!("{export}/key/claim"), None).await.unwrap();
    assert_eq!(early.text("code"), "shown-once");
    browser.call("POST", &format!("{export}/key/ask"), None).await.unwrap().expect(StatusCode::ACCEPTED).unwrap();
    control.settle().await.unwrap();
    assert_eq!(program.get(&export).await.unwrap()["key"], "here");
    let key = browser.call("POST", &format!("{export}/key/claim"), None).await.unwrap().expect(StatusCode::OK).unwrap();
    assert!(!key.text("identity").is_empty());
    assert_eq!(browser.call("POST", &format!("{export}/key/claim"), None).await.unwrap().status, StatusCode::GONE);
    jo.browser.get("/servers").await.unwrap();
}

#[tokio::test]
async fn an_operation_is_given_up_or_is_too_far() {
    let control = Control::open("api_operations").await.unwrap();
    let jo = control.person("jo").await.unwrap();
    let program = control.program(&jo).await.unwrap();
    let server = format!("/instances/{}", program.server(&control, jo.organization, "birds").await.unwrap());
    let asked = program.call("POST", &format!("{server}/exports"), None).await.unwrap();
    let operation = format!("/operations/{}", asked.text("id"));
    assert_eq!(asked.json["may_retry"], false);
    assert_eq!(program.call("POST", &format!("{operation}/retry"), None).await.unwrap().text("code"), "wrong-state");
    assert_eq!(asked.json["may_cancel"], true);
    program.call("POST", &format!("{operation}/cancel"), None).await.unwrap().expect(StatusCode::ACCEPTED).unwrap();
    control.settle().await.unwrap();
    let ended = program.get(&operation).await.unwrap();
    assert_eq!((&ended["state"], &ended["may_cancel"]), (&json!("cancelled"), &json!(false)));
    assert_eq!(program.call("POST", &format!("{operation}/cancel"), None).await.unwrap().text("code"), "wrong-state");
}

#[tokio::test]
async fn an_answer_to_an_earlier_question_for_a_bundles_key_is_not_kept_for_a_later_one() {
    let control = Control::open("api_export_key_race").await.unwrap();
    let jo = control.person("jo").await.unwrap();
    let program = control.program(&jo).await.unwrap();
    let server = format!("/instances/{}", program.server(&control, jo.organization, "birds").await.unwrap());
    let asked = program.call("POST", &format!("{server}/exports"), None).await.unwrap();
    control.settle().await.unwrap();
    let id = asked.text("export").parse().unwrap();
    let mut connection = control.workshop.platform.pool.acquire().await.unwrap();
    let found = export::find(&mut connection, id).await.unwrap().unwrap();
    // Asked for, asked for anew, and only then is the first answer written.
    export::ask_key(&mut connection, id, b"first").await.unwrap();
    export::ask_key(&mut connection, id, b"second").await.unwrap();
    let seen = |digest: u8| export::Seen {
        object_name: found.object_name.clone(),
        uid: found.object_uid.clone().unwrap(),
        instance_name: String::new(),
        digest: vec![digest],
        reason: found.reason,
        recipient: None,
        work: found.work.clone(),
        bundle: found.bundle.clone(),
        claim: None,
        expired_at: None,
        created_at: found.created_at,
    };
    let answer = |key: &[u8], text: &str| (key.to_vec(), text.to_owned());
    let cell = control.workshop.cell;
    export::observe(&mut connection, cell, &seen(1), Some(&answer(b"first", "one"))).await.unwrap().unwrap();
    assert_eq!(export::find(&mut connection, id).await.unwrap().unwrap().claim_answer, None);
    export::observe(&mut connection, cell, &seen(2), Some(&answer(b"second", "two"))).await.unwrap().unwrap();
    export::observe(&mut connection, cell, &seen(3), None).await.unwrap().unwrap();
    let kept = export::take_key(&mut connection, id).await.unwrap();
    assert_eq!(kept, Some((b"second".to_vec(), "two".to_owned())));
}
