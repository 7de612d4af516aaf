//! Input that no page of ours sends: a clear answer, and nothing changed.

use axum::body::Body;
use e2e::desk::{Desk, PASSWORD};
use http::Request;
use http::header::CONTENT_TYPE;

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn bodies_that_cannot_be_read() {
    let desk = Desk::open("bodies").await.unwrap();
    let browser = desk.browser();
    let send = async |kind: &str, body: Vec<u8>| {
        let request = Request::post("/sign-up").header(CONTENT_TYPE, kind);
        browser.send(request, Body::from(body)).await.unwrap()
    };
    for (kind, body, status) in [
        (FORM, b"email=a".to_vec(), 422),
        (FORM, Vec::new(), 422),
        (FORM, b"email=%FF%FE&name=%00".to_vec(), 422),
        (FORM, b"email=a&email=b".to_vec(), 422),
        (FORM, b"====&&&&%%%".to_vec(), 422),
        (FORM, vec![b'a'; 10_000_000], 413),
        ("application/json", b"{}".to_vec(), 415),
        ("multipart/form-data", b"x".to_vec(), 415),
        ("", b"email=a".to_vec(), 415),
    ] {
        let answer = send(kind, body.clone()).await;
        assert_eq!(answer.status, status, "{kind} {:?}", String::from_utf8_lossy(&body[..body.len().min(30)]));
        assert!(answer.body.contains("<html"), "a page for people: {}", answer.body);
    }
    assert_eq!(desk.count("SELECT count(*) FROM accounts").await.unwrap(), 0);
}

#[tokio::test]
async fn names_that_pass_for_others_are_refused() {
    let desk = Desk::open("confusable").await.unwrap();
    let ada = desk.person("Ada", "ada@birds.example").await.unwrap();
    for name in
        ["", "   ", "A\u{202e}ad", "Ada\u{200b}", "Ada\0", "Ada\nLovelace", &"ä".repeat(101), &"x".repeat(60_000)]
    {
        let answer = ada.browser.post("/account", &[("name", name), ("locale", "en")]).await.unwrap();
        assert_eq!(answer.status, 422, "{name:.20?}");
        let answer = ada.browser.post(&format!("{}/name", ada.own), &[("name", name)]).await.unwrap();
        assert_eq!(answer.status, 422, "{name:.20?}");
    }
    for email in
        ["", "x", "a@b", "a@127.0.0.1", "a@b.example\r\nBcc: c@d.example", "аda@birds.example", "\"a\"@b.example"]
    {
        let fields = [("email", email), ("role", "admin")];
        let answer = ada.browser.post(&format!("{}/invitations", ada.own), &fields).await.unwrap();
        assert_eq!(answer.status, 422, "{email:?}");
        assert_eq!(ada.browser.post("/account/email", &[("email", email)]).await.unwrap().status, 422, "{email:?}");
        assert_eq!(desk.browser().post("/forgot", &[("email", email)]).await.unwrap().status, 422, "{email:?}");
    }
    let page = ada.browser.post("/account", &[("name", "<script>alert(1)</script>"), ("locale", "en")]).await.unwrap();
    assert_eq!(page.status, 303);
    let page = ada.browser.get("/account").await.unwrap();
    assert!(!page.body.contains("<script>alert"), "{}", page.body);
}

#[tokio::test]
async fn ids_of_other_kinds_and_other_people_are_not_found() {
    let desk = Desk::open("ids").await.unwrap();
    let ada = desk.person("Ada", "ada@birds.example").await.unwrap();
    let eve = desk.person("Eve", "eve@birds.example").await.unwrap();
    let odd = ["x", "org_", "acc_01k9z3w0000000000000000000", "%00", "..%2f..", "org_01K9Z3W0000000000000000000"];
    for id in odd.into_iter().chain([eve.own.rsplit('/').next().unwrap(), "org_01k9z3w0000000000000000000"]) {
        for below in ["", "/log", "/tokens", "/tokens/new", "/hand-over", "/delete"] {
            let answer = ada.browser.get(&format!("/organizations/{id}{below}")).await.unwrap();
            assert_eq!(answer.status, 404, "{id}{below}");
        }
        for below in ["/name", "/leave", "/invitations", "/hand-over", "/delete", "/tokens/new"] {
            let fields = [
                ("name", "x"),
                ("email", "x@birds.example"),
                ("role", "admin"),
                ("sure", "yes"),
                ("to", "acc_01k9z3w0000000000000000000"),
            ];
            let answer = ada.browser.post(&format!("/organizations/{id}{below}"), &fields).await.unwrap();
            assert_eq!(answer.status, 404, "{id}{below}");
        }
    }
    let own = &ada.own;
    for path in [
        format!("{own}/members/acc_01k9z3w0000000000000000000/remove"),
        format!("{own}/members/x/remove"),
        format!("{own}/invitations/inv_01k9z3w0000000000000000000/revoke"),
        format!("{own}/tokens/tok_01k9z3w0000000000000000000/revoke"),
    ] {
        assert_eq!(ada.browser.post(&path, &[]).await.unwrap().status, 404, "{path}");
    }
    let role = format!("{own}/members/acc_01k9z3w0000000000000000000/role");
    assert_eq!(ada.browser.post(&role, &[("role", "emperor")]).await.unwrap().status, 422);
}

#[tokio::test]
async fn forms_from_other_sites_and_wrong_methods_are_refused() {
    let desk = Desk::open("cross_site").await.unwrap();
    let ada = desk.person("Ada", "ada@birds.example").await.unwrap();
    for headers in [[("sec-fetch-site", "cross-site")], [("origin", "https://evil.example")]] {
        let mut request = Request::post("/account/sessions/end-others").header(CONTENT_TYPE, FORM);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = ada.browser.send(request, Body::empty()).await.unwrap();
        assert_eq!(answer.status, 403, "{headers:?}");
        assert!(answer.text().contains("This came from another site"), "{}", answer.text());
    }
    assert_eq!(ada.browser.get("/log-out").await.unwrap().status, 405, "a picture's address must not log out");
    assert_eq!(ada.browser.get(&format!("{}/leave", ada.own)).await.unwrap().status, 405);
    assert_eq!(ada.browser.get("/account").await.unwrap().status, 200);
}

#[tokio::test]
async fn nobody_is_led_away() {
    let desk = Desk::open("led_away").await.unwrap();
    desk.person("Ada", "ada@birds.example").await.unwrap();
    for next in
        ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\r\nSet-Cookie: a=b"]
    {
        let fields = [("email", "ada@birds.example"), ("password", PASSWORD), ("next", next)];
        assert_eq!(desk.browser().post("/log-in", &fields).await.unwrap().location.as_deref(), Some("/"), "{next:?}");
        let back = desk.browser().post("/language", &[("locale", "de"), ("next", next)]).await.unwrap();
        assert_eq!(back.location.as_deref(), Some("/"), "{next:?}");
    }
}

#[tokio::test]
async fn every_page_is_guarded() {
    let desk = Desk::open("headers").await.unwrap();
    let ada = desk.person("Ada", "ada@birds.example").await.unwrap();
    for path in ["/", "/account", "/organizations", "/nowhere", &ada.own] {
        let answer = ada.browser.get(path).await.unwrap();
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.headers["cache-control"], "no-store", "{path}");
        assert!(!answer.body.contains(" style=") && !answer.body.contains(" onclick="), "{path}");
        assert!(
            !answer.body.contains("://")
                || answer.body.matches("://").count() == answer.body.matches("https://steppe.example").count(),
            "{path} names another site"
        );
    }
}
