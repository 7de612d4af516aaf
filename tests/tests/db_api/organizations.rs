//! Organizations and who is in them, as a program and a page see to it.

use domain::Role;
use domain::scope::Scope;
use e2e::control::Control;
use e2e::program::{Program, Reply};
use http::StatusCode;
use jiff::SignedDuration;
use serde_json::{Value, json};

async fn patch(program: &Program, path: &str, tag: &str, body: Value) -> Reply {
    program.call_with("PATCH", path, &[("if-match", tag)], Some(&body)).await.unwrap()
}

#[tokio::test]
async fn somebody_makes_one_and_a_program_sees_to_it() {
    let control = Control::open("api_organizations").await.unwrap();
    let (mut jo, kim) = (control.person("jo").await.unwrap(), control.person("kim").await.unwrap());
    let browser = control.in_browser(&jo).unwrap();
    let body = json!({ "name": "Birds e. V." });
    let refused = control.program(&jo).await.unwrap().post("/organizations", body.clone()).await.unwrap();
    assert_eq!((refused.status, refused.text("code")), (StatusCode::FORBIDDEN, "forbidden"), "a token makes none");
    let key = [("idempotency-key", "birds-1")];
    let make = async || browser.call_with("POST", "/organizations", &key, Some(&body)).await.unwrap();
    let made = make().await.expect(StatusCode::CREATED).unwrap();
    assert_eq!(make().await.json, made.json, "sent again it is made once");
    assert_eq!((made.text("role"), made.text("name")), ("owner", "Birds e. V."));
    let path = format!("/organizations/{}", made.text("id"));
    assert_eq!(made.header("location"), format!("/v1{path}"));

    jo.organization = made.text("id").parse().unwrap();
    let program = control.program_with(&jo, jo.organization, &[Scope::OrganizationRead, Scope::OrganizationWrite]);
    let program = program.await.unwrap();
    let tag = program.call("GET", &path, None).await.unwrap().header("etag").to_owned();
    let renamed = patch(&program, &path, &tag, json!({ "name": "Fish" })).await.expect(StatusCode::OK).unwrap();
    assert_eq!(renamed.text("name"), "Fish");
    assert_eq!(patch(&program, &path, &tag, json!({ "name": "Newts" })).await.status, StatusCode::PRECONDITION_FAILED);

    let invitations = format!("{path}/invitations");
    let invite = async |email: &str, role: &str| {
        program.post(&invitations, json!({ "email": email, "role": role })).await.unwrap()
    };
    let invited = invite("kim@mail.example", "moderator").await.expect(StatusCode::CREATED).unwrap();
    assert_eq!((invited.text("email"), invited.text("role")), ("kim@mail.example", "moderator"));
    assert_eq!(invite("kim@mail.example", "billing").await.problem(), "already-member");
    assert_eq!(invite("eve@mail.example", "owner").await.status, StatusCode::FORBIDDEN);
    assert_eq!(invite("eve", "god").await.problem(), "invalid email:email-form role:role-unknown");
    let link = control.mailed_link("kim@mail.example", "/invitations/").await.unwrap();
    control.workshop.later(SignedDuration::from_secs(1));
    let wrong = invite("lou@mail.example", "billing").await.expect(StatusCode::CREATED).unwrap();
    let open = program.get(&format!("{invitations}?limit=1")).await.unwrap();
    assert_eq!((&open["data"][0], &open["has_more"]), (&wrong.json, &json!(true)), "the newest first");
    let taken_back = format!("{invitations}/{}", wrong.text("id"));
    let dead = control.mailed_link("lou@mail.example", "/invitations/").await.unwrap();
    program.call("DELETE", &taken_back, None).await.unwrap().expect(StatusCode::NO_CONTENT).unwrap();
    assert_eq!(program.call("DELETE", &taken_back, None).await.unwrap().status, StatusCode::NOT_FOUND);
    let lou = control.person("lou").await.unwrap();
    let mut lous = lou.browser;
    assert_eq!(lous.get(&dead).await.unwrap().status, StatusCode::GONE);
    assert_eq!(program.get(&invitations).await.unwrap()["data"], json!([invited.json]));
    let mut kims = kim.browser;
    kims.post(&link, &[]).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();

    let member = format!("{path}/members/{}", kim.account);
    let raised = program.call("PATCH", &member, Some(&json!({ "role": "admin" }))).await.unwrap();
    assert_eq!(raised.expect(StatusCode::OK).unwrap().text("role"), "admin");
    let owner = program.call("PATCH", &member, Some(&json!({ "role": "owner" }))).await.unwrap();
    assert_eq!(owner.status, StatusCode::FORBIDDEN, "an organization is handed over");
    assert_eq!(program.get(&format!("{path}/members")).await.unwrap()["data"].as_array().unwrap().len(), 2);
    let gone = program.call("DELETE", &member, None).await.unwrap().expect(StatusCode::NO_CONTENT).unwrap();
    assert!(gone.body.is_empty());
    assert_eq!(program.call("DELETE", &member, None).await.unwrap().status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn it_is_handed_over_by_somebody_who_has_just_entered_their_password() {
    let control = Control::open("api_hand_over").await.unwrap();
    let (jo, kim) = (control.person("jo").await.unwrap(), control.person("kim").await.unwrap());
    let browser = control.in_browser(&jo).unwrap();
    let made = browser.post("/organizations", json!({ "name": "Birds" })).await.unwrap();
    let made = made.expect(StatusCode::CREATED).unwrap();
    let path = format!("/organizations/{}/hand-over", made.text("id"));
    let to = json!({ "to": kim.account });
    let give = async |body: &Value| browser.call("POST", &path, Some(body)).await.unwrap();
    assert_eq!(give(&to).await.status, StatusCode::NOT_FOUND, "not to somebody who is not in it");
    control.join(&kim, made.text("id").parse().unwrap(), Role::Moderator).await.unwrap();
    super::matrix::forget_passwords(&control).await;
    assert_eq!(give(&to).await.problem(), "password-needed");
    super::matrix::confirm(&control).await;
    assert_eq!(give(&json!({ "to": "kim" })).await.problem(), "invalid to:id-form");
    let given = give(&to).await.expect(StatusCode::OK).unwrap();
    assert_eq!(given.text("role"), "admin");
    assert_eq!(give(&to).await.status, StatusCode::FORBIDDEN, "it is not theirs any more");
    // Their own stays theirs.
    let own = browser.call("POST", &format!("/organizations/{}/hand-over", jo.organization), Some(&to)).await.unwrap();
    assert_eq!(own.text("code"), "wrong-state");
}
