//! Nobody overwrites what they have not seen.

use e2e::control::Control;
use http::StatusCode;
use serde_json::json;

#[tokio::test]
async fn an_update_is_for_the_version_that_was_read() {
    let control = Control::open("api_etags").await.unwrap();
    let mut jo = control.person("jo").await.unwrap();
    let path = jo.server(&control, "birds").await.unwrap().replace("/servers/", "/instances/");
    let program = control.program(&jo).await.unwrap();
    let read = program.call("GET", &path, None).await.unwrap().expect(StatusCode::OK).unwrap();
    let tag = read.header("etag").to_owned();
    let body = json!({ "title": "Birds", "description": "All about birds.", "contact_email": "ada@birds.example" });
    let update = async |tag: &str, body: &serde_json::Value| {
        program.call_with("PATCH", &path, &[("if-match", tag)], Some(body)).await.unwrap()
    };
    let without = program.call("PATCH", &path, Some(&body)).await.unwrap();
    assert_eq!((without.status, without.text("code")), (StatusCode::PRECONDITION_REQUIRED, "precondition-needed"));
    for foreign in ["\"0\"", "*", "W/\"1\"", "1", "\"x\"", "\"99999999999999999999\"", "\"-1\""] {
        let reply = update(foreign, &body).await;
        assert_eq!((reply.status, reply.text("code")), (StatusCode::PRECONDITION_FAILED, "stale"), "{foreign}");
    }
    let done = update(&tag, &body).await.expect(StatusCode::ACCEPTED).unwrap();
    assert_eq!(done.text("kind"), "instance.apply");
    assert_eq!(done.header("location"), format!("/v1/operations/{}", done.text("id")));
    let next = done.header("etag").to_owned();
    assert_eq!(update(&tag, &json!({ "title": "Lost" })).await.status, StatusCode::PRECONDITION_FAILED);
    // What is not there stays, null takes it away.
    update(&next, &json!({ "description": null })).await.expect(StatusCode::ACCEPTED).unwrap();
    let now = program.call("GET", &path, None).await.unwrap();
    assert_eq!((now.text("title"), &now.json["description"]), ("Birds", &json!(null)));
    assert_eq!(now.text("contact_email"), "ada@birds.example");
    let wrong = update(now.header("etag"), &json!({ "title": "two\nlines", "contact_email": "x" })).await;
    assert_eq!(wrong.problem(), "invalid title:text-characters contact_email:email-form");
    control.settle().await.unwrap();
    let operation = program.get(&format!("/operations/{}", done.text("id"))).await.unwrap();
    assert_eq!((&operation["state"], &operation["percent"]), (&json!("succeeded"), &json!(100)));
}

#[tokio::test]
async fn of_two_at_once_one_is_told_that_it_came_too_late() {
    let control = Control::open("api_etags_race").await.unwrap();
    let mut jo = control.person("jo").await.unwrap();
    let path = jo.server(&control, "birds").await.unwrap().replace("/servers/", "/instances/");
    let program = control.program(&jo).await.unwrap();
    let tag = program.call("GET", &path, None).await.unwrap().header("etag").to_owned();
    let recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    let (title, other, key) = (json!({ "title": "One" }), json!({ "title": "Two" }), json!({ "recipient": recipient }));
    let (headers, set) = ([("if-match", tag.as_str())], format!("{path}/export-recipient"));
    let (one, two, three) = tokio::join!(
        program.call_with("PATCH", &path, &headers, Some(&title)),
        program.call_with("PATCH", &path, &headers, Some(&other)),
        program.call_with("PUT", &set, &headers, Some(&key)),
    );
    let mut statuses = [one, two, three].map(|reply| reply.unwrap().status.as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 412, 412]);
    let tag = program.call("GET", &path, None).await.unwrap().header("etag").to_owned();
    let headers = [("if-match", tag.as_str())];
    program.call_with("PUT", &set, &headers, Some(&key)).await.unwrap().expect(StatusCode::ACCEPTED).unwrap();
    let now = program.call("GET", &path, None).await.unwrap();
    assert_eq!(now.text("export_recipient"), recipient);
    let headers = [("if-match", now.header("etag"))];
    for wrong in [json!("age1x"), json!("AGE-SECRET-KEY-1"), json!("")] {
        let reply = program.call_with("PUT", &set, &headers, Some(&json!({ "recipient": wrong }))).await.unwrap();
        assert_eq!(reply.problem(), "invalid recipient:recipient-form", "{wrong}");
    }
    assert_eq!(
        program.call_with("PUT", &set, &headers, Some(&json!({}))).await.unwrap().problem(),
        "invalid recipient:missing"
    );
}

#[tokio::test]
async fn the_owner_of_an_order_is_corrected_by_who_has_seen_it() {
    let control = Control::open("api_etags_order").await.unwrap();
    let jo = control.person("jo").await.unwrap();
    let program = control.program(&jo).await.unwrap();
    let wish = program.wish(jo.organization, "birds").await.unwrap();
    let order = program.post(&format!("/organizations/{}/orders", jo.organization), wish).await.unwrap();
    let path = format!("/orders/{}", order.expect(StatusCode::CREATED).unwrap().text("id"));
    let tag = program.call("GET", &path, None).await.unwrap().header("etag").to_owned();
    let correct = async |tag: &str, email: &str| {
        let body = json!({ "owner_email": email });
        program.call_with("PATCH", &path, &[("if-match", tag)], Some(&body)).await.unwrap()
    };
    assert_eq!(correct(&tag, "nobody").await.problem(), "invalid owner_email:email-form");
    let done = correct(&tag, "grace@mail.example").await.expect(StatusCode::OK).unwrap();
    assert_eq!(done.text("owner_email"), "grace@mail.example");
    assert_eq!(correct(&tag, "eve@mail.example").await.text("code"), "stale");
    assert_eq!(program.get(&path).await.unwrap()["owner_email"], "grace@mail.example");
    control.settle().await.unwrap();
    let now = program.call("GET", &path, None).await.unwrap();
    assert_eq!(now.text("state"), "done");
    assert_eq!(correct(now.header("etag"), "eve@mail.example").await.text("code"), "wrong-state");
}

#[tokio::test]
async fn what_is_the_same_is_not_sent_again() {
    let control = Control::open("api_etags_read").await.unwrap();
    let mut jo = control.person("jo").await.unwrap();
    let path = jo.server(&control, "birds").await.unwrap().replace("/servers/", "/instances/");
    let program = control.program(&jo).await.unwrap();
    let read = async |tag: &str| program.call_with("GET", &path, &[("if-none-match", tag)], None).await.unwrap();
    let first = program.call("GET", &path, None).await.unwrap().expect(StatusCode::OK).unwrap();
    let tag = first.header("etag");
    let same = read(tag).await;
    assert_eq!((same.status, same.body.len(), same.header("etag")), (StatusCode::NOT_MODIFIED, 0, tag));
    assert_eq!(read(&format!("\"0\", W/{tag}")).await.status, StatusCode::NOT_MODIFIED);
    assert_eq!(read("\"1\"").await.status, StatusCode::OK);
    let head = program.call("HEAD", &path, None).await.unwrap().expect(StatusCode::OK).unwrap();
    assert_eq!((head.body.len(), head.header("etag")), (0, tag), "as it would be read");
    let known = program.call_with("HEAD", &path, &[("if-none-match", tag)], None).await.unwrap();
    assert_eq!(known.status, StatusCode::NOT_MODIFIED);
    // What is seen of a server is no version of what is set, and is sent all the same.
    let sql = "UPDATE instances SET conditions = '[]'";
    sqlx::query(sql).execute(&control.workshop.platform.pool).await.unwrap();
    let other = read(tag).await.expect(StatusCode::OK).unwrap();
    assert_ne!(other.json["standing"], first.json["standing"]);
    // It still says for which version a change is meant.
    let body = json!({ "title": "Birds" });
    let change = program.call_with("PATCH", &path, &[("if-match", tag)], Some(&body)).await.unwrap();
    change.expect(StatusCode::ACCEPTED).unwrap();
    // Who may not read is not told that it is the same.
    let stranger = control.nobody().call_with("GET", &path, &[("if-none-match", tag)], None).await.unwrap();
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
}
