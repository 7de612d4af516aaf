//! What holds for every answer: problems, ids of requests, what is left of a caller's share.

use control_plane::api;
use domain::scope::Scope;
use e2e::control::Control;
use http::StatusCode;
use serde_json::json;

#[tokio::test]
async fn a_problem_says_what_and_where_in_the_readers_language() {
    let control = Control::open("api_problems").await.unwrap();
    let jo = control.person("jo").await.unwrap();
    let program = control.program(&jo).await.unwrap();
    let path = format!("/organizations/{}/orders", jo.organization);
    let mut wish = program.wish(jo.organization, "a").await.unwrap();
    wish["owner_email"] = json!("nobody");
    let reply = program.call_with("POST", &path, &[("accept-language", "de")], Some(&wish)).await.unwrap();
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(reply.header("content-type"), "application/problem+json");
    assert_eq!(reply.text("type"), "urn:steppe:problem:invalid");
    assert_eq!(reply.json["status"], 422);
    assert_eq!(reply.text("request_id"), reply.header("x-request-id"));
    assert!(!reply.text("request_id").is_empty());
    assert_eq!(reply.problem(), "invalid label:label-length owner_email:email-form");
    assert_eq!(reply.json["errors"][0]["message"], "Ein Name hat 3 bis 40 Zeichen.");
    let english = program.call("POST", &path, Some(&wish)).await.unwrap();
    assert_eq!(english.json["errors"][0]["message"], "A name has 3 to 40 characters.");
}

#[tokio::test]
async fn what_is_not_there_and_what_cannot_be_done_there_is_a_problem_too() {
    let control = Control::open("api_absent").await.unwrap();
    let nobody = control.nobody();
    for (method, path, status, code) in [
        ("GET", "/nonsense", 404, "not-found"),
        ("GET", "/organizations/", 404, "not-found"),
        ("DELETE", "/account", 405, "method-not-allowed"),
        ("POST", "/account", 405, "method-not-allowed"),
        ("BREW", "/account", 405, "method-not-allowed"),
        ("GET", "/account", 401, "unauthenticated"),
    ] {
        let reply = nobody.call(method, path, None).await.unwrap();
        assert_eq!((reply.status.as_u16(), reply.text("code")), (status, code), "{method} {path}");
        assert_eq!(reply.header("content-type"), "application/problem+json", "{method} {path}");
        assert_eq!(reply.header("cache-control"), "no-store");
        if status == 405 {
            assert!(reply.header("allow").contains("GET"), "{method} {path}: {:?}", reply.headers);
        }
    }
}

#[tokio::test]
async fn the_share_that_is_left_is_told_until_there_is_none() {
    let control = Control::open("api_share").await.unwrap();
    let jo = control.person("jo").await.unwrap();
    let (one, other) = (control.program(&jo).await.unwrap(), control.program(&jo).await.unwrap());
    let first = one.call("GET", "/account", None).await.unwrap().expect(StatusCode::OK).unwrap();
    assert_eq!(first.header("ratelimit"), "\"api\";r=299;t=1");
    assert_eq!(first.header("ratelimit-policy"), "\"api\";q=300;w=60");
    // A problem tells it as well.
    let reply = one.call("GET", "/instances/inst_x", None).await.unwrap();
    assert_eq!((reply.status, reply.header("ratelimit")), (StatusCode::NOT_FOUND, "\"api\";r=298;t=1"));
    // With a key it is one request still.
    let path = format!("/organizations/{}/orders", jo.organization);
    let reply = one.call_with("POST", &path, &[("idempotency-key", "x")], Some(&json!({}))).await.unwrap();
    assert_eq!((reply.status, reply.header("ratelimit")), (StatusCode::UNPROCESSABLE_ENTITY, "\"api\";r=297;t=1"));
    for _ in 0..297 {
        one.call("GET", "/account", None).await.unwrap().expect(StatusCode::OK).unwrap();
    }
    let reply = one.call("GET", "/account", None).await.unwrap();
    assert_eq!((reply.status, reply.text("code")), (StatusCode::TOO_MANY_REQUESTS, "too-many"));
    assert_eq!((reply.header("retry-after"), reply.header("ratelimit")), ("1", "\"api\";r=0;t=60"));
    other.call("GET", "/account", None).await.unwrap().expect(StatusCode::OK).unwrap();
}

#[tokio::test]
async fn it_says_who_calls() {
    let control = Control::open("api_account").await.unwrap();
    let jo = control.person("jo").await.unwrap();
    let scopes = [Scope::ExportsWrite, Scope::InstancesRead];
    let account = control.program_with(&jo, jo.organization, &scopes).await.unwrap().get("/account").await.unwrap();
    assert_eq!(account["id"], jo.account.to_string());
    assert_eq!(account["token"]["organization"], jo.organization.to_string());
    assert_eq!(account["token"]["scopes"], json!(["instances:read", "exports:write"]));
    assert!(!account.to_string().contains("@"), "a program need not know where its person reads mail");
    let browser = control.in_browser(&jo).unwrap();
    assert_eq!(browser.get("/account").await.unwrap()["token"], json!(null));
}

#[tokio::test]
async fn another_site_does_nothing_with_a_visitors_cookie() {
    let control = Control::open("api_cross_site").await.unwrap();
    let mut jo = control.person("jo").await.unwrap();
    let server = jo.server(&control, "birds").await.unwrap().replace("/servers/", "/instances/");
    let browser = control.in_browser(&jo).unwrap();
    let path = format!("{server}/exports");
    for headers in
        [[("sec-fetch-site", "cross-site")], [("sec-fetch-site", "same-site")], [("origin", "https://evil.example")]]
    {
        let reply = browser.call_with("POST", &path, &headers, None).await.unwrap();
        assert_eq!((reply.status, reply.text("code")), (StatusCode::FORBIDDEN, "cross-site"), "{headers:?}");
    }
    let reply = browser.call_with("POST", &path, &[("sec-fetch-site", "same-origin")], None).await.unwrap();
    assert_eq!(reply.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn it_describes_itself() {
    let control = Control::open("api_described").await.unwrap();
    let served = control.nobody().call("GET", "/openapi.json", None).await.unwrap().expect(StatusCode::OK).unwrap();
    assert_eq!(served.header("content-type"), "application/json");
    assert_eq!(String::from_utf8_lossy(&served.body), api::text().unwrap());
    assert_eq!(served.json["openapi"], "3.1.0");
}
