//! Who gets in.

use control_plane::app::staff;
use domain::Password;
use e2e::office::{CODE, Office, PASSWORD, code};
use http::{Method, StatusCode};
use jiff::SignedDuration;
use secrecy::ExposeSecret as _;
use serde_json::Value;

/// All pages of staff that are opened.
pub const PAGES: [&str; 10] = [
    "/",
    "/orders",
    "/waitlist",
    "/organizations",
    "/instances",
    "/holds",
    "/reports",
    "/operations",
    "/cells",
    "/audit",
];

#[tokio::test]
async fn nobody_sees_anything_who_is_not_logged_in() {
    let office = Office::open("staff_outside").await.unwrap();
    let mut browser = office.browser();
    for page in PAGES {
        let answer = browser.get(page).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
        let next: String = url::form_urlencoded::byte_serialize(page.as_bytes()).collect();
        assert_eq!(answer.location().unwrap(), format!("/log-in?next={next}"));
    }
    for form in ["/orders/ord_01kb0c9w40e8ar2xtk7c0h8v4f/approve", "/holds/hld_01kb0c9w40e8ar2xtk7c0h8v4f/lift"] {
        let answer = browser.post(form, &[]).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
        assert_eq!(answer.location().unwrap(), "/log-in?next=%2F");
    }
    // A customer is nobody here, although the cookie is sent along.
    let jo = office.control.person("jo").await.unwrap();
    let cookie = jo.browser.cookie().unwrap_or_default().to_owned();
    let answer = browser.get_with("/orders", &[("cookie", &cookie)]).await.unwrap();
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    // The other way round: what staff have is not on the customers' side.
    assert_eq!(office.control.browser().get("/waitlist").await.unwrap().status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn every_endpoint_wants_a_token_and_takes_no_cookie() {
    let office = Office::open("staff_endpoints").await.unwrap();
    let mut ada = office.clerk("ada").await.unwrap();
    let document = serde_json::to_value(control_plane::staff::api::document()).unwrap();
    let mut count = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let path = path
                .split('/')
                .map(|part| if part.starts_with('{') { "ord_01kb0c9w40e8ar2xtk7c0h8v4f" } else { part })
                .collect::<Vec<_>>()
                .join("/");
            let method: Method = method.to_uppercase().parse().unwrap();
            for token in [None, Some("x"), Some("a.b.c"), Some("stp_1234567890")] {
                let mut program = office.stranger();
                program.token = token.map(str::to_owned);
                let said = program.call(method.clone(), &path, Some(&Value::Null), &[]).await.unwrap();
                assert_eq!(
                    (said.status, said.code()),
                    (StatusCode::UNAUTHORIZED, "unauthenticated"),
                    "{method} {path}"
                );
            }
            if path != "/token" && method == Method::GET {
                let said = ada.browser.get(&format!("/v1/staff{path}")).await.unwrap();
                assert_eq!(said.status, StatusCode::UNAUTHORIZED, "by cookie: {path}");
            }
            count += 1;
        }
    }
    assert!(count >= 30, "{count}");
}

#[tokio::test]
async fn a_token_lasts_ten_minutes_and_no_longer_than_its_log_in() {
    let office = Office::open("staff_tokens").await.unwrap();
    let clock = &office.control.workshop;
    let (mut ada, mut ben) = (office.clerk("ada").await.unwrap(), office.clerk("ben").await.unwrap());
    let (first, bens) = (ada.program().await.unwrap(), ben.program().await.unwrap());
    first.get("/cells").await.unwrap();
    clock.later(SignedDuration::from_secs(599));
    first.get("/cells").await.unwrap();
    clock.later(SignedDuration::from_secs(1));
    assert_eq!(first.call(Method::GET, "/cells", None, &[]).await.unwrap().status, StatusCode::UNAUTHORIZED);

    let second = ada.program().await.unwrap();
    second.get("/cells").await.unwrap();
    ada.browser.post("/log-out", &[]).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
    assert_eq!(second.call(Method::GET, "/cells", None, &[]).await.unwrap().status, StatusCode::UNAUTHORIZED);
    assert_eq!(ada.browser.get("/cells").await.unwrap().status, StatusCode::SEE_OTHER);

    drop(bens);
    let bens = ben.program().await.unwrap();
    bens.get("/cells").await.unwrap();
    staff::disable(&clock.platform, &ben.email).await.unwrap();
    assert_eq!(bens.call(Method::GET, "/cells", None, &[]).await.unwrap().status, StatusCode::UNAUTHORIZED);
    assert_eq!(ben.browser.get("/cells").await.unwrap().status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_session_ends_by_itself() {
    let office = Office::open("staff_idle").await.unwrap();
    let clock = &office.control.workshop;
    let mut ada = office.clerk("ada").await.unwrap();
    clock.later(SignedDuration::from_mins(29));
    assert_eq!(ada.browser.get("/cells").await.unwrap().status, StatusCode::OK);
    clock.later(SignedDuration::from_mins(30));
    assert_eq!(
        ada.browser.get("/cells").await.unwrap().status,
        StatusCode::SEE_OTHER,
        "nobody was there for half an hour"
    );
    let mut ben = office.clerk("ben").await.unwrap();
    for _ in 0..23 {
        clock.later(SignedDuration::from_mins(20));
        assert_eq!(ben.browser.get("/cells").await.unwrap().status, StatusCode::OK);
    }
    clock.later(SignedDuration::from_mins(20));
    assert_eq!(ben.browser.get("/cells").await.unwrap().status, StatusCode::SEE_OTHER, "eight hours are a day");
}

#[tokio::test]
async fn password_and_code_and_each_code_once() {
    let office = Office::open("staff_log_in").await.unwrap();
    let workshop = &office.control.workshop;
    let email: domain::Email = "eve@steppe.example".parse().unwrap();
    let password = Password::choose(PASSWORD.to_owned(), &email).unwrap();
    let factor = staff::create(&workshop.platform, &email, "Eve", password).await.unwrap();
    let now = || code(factor.expose_secret(), workshop.platform.now()).unwrap();
    let mut browser = office.browser();
    let good = now();
    for (email, password, code) in [
        ("eve@steppe.example", "another password", good.as_str()),
        ("eve@steppe.example", PASSWORD, "000000"),
        ("eve@steppe.example", PASSWORD, ""),
        ("eva@steppe.example", PASSWORD, &good),
        ("", "", ""),
    ] {
        let fields = [("email", email), ("password", password), ("code", code)];
        let answer = browser.post("/log-in", &fields).await.unwrap();
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{email} {password} {code}");
        assert!(answer.says("Address or password are wrong") && !answer.says(PASSWORD));
    }
    let fields = |code: &str, next: &str| {
        [("email", "eve@steppe.example"), ("password", PASSWORD), ("code", code), ("next", next)]
            .map(|(name, value)| (name, value.to_owned()))
    };
    let send = async |code: &str, next: &str| {
        let fields = fields(code, next);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        office.browser().post("/log-in", &fields).await.unwrap()
    };
    assert_eq!(send(&good, "/cells").await.location().unwrap(), "/cells");
    assert_eq!(send(&good, "/cells").await.status, StatusCode::UNPROCESSABLE_ENTITY, "read over a shoulder");
    workshop.later(CODE);
    assert_eq!(send(&now(), "https://evil.example/").await.location().unwrap(), "/");
}
