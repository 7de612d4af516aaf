//! Nobody learns from us who has an account.

use e2e::desk::{Desk, PASSWORD};

/// The page without what was typed in.
fn same_but_for(body: &str, email: &str) -> String {
    body.replace(email, "ADDRESS")
}

#[tokio::test]
async fn a_forgotten_password_is_answered_the_same_for_anybody() {
    let desk = Desk::open("forgot_same").await.unwrap();
    desk.person("Ada", "ada@birds.example").await.unwrap();
    let answer = async |email: &str| desk.browser().post("/forgot", &[("email", email)]).await.unwrap();
    let (known, unknown) = (answer("ada@birds.example").await, answer("eve@birds.example").await);
    assert_eq!((known.status, unknown.status), (200, 200));
    assert_eq!(same_but_for(&known.body, "ada@birds.example"), same_but_for(&unknown.body, "eve@birds.example"));
    assert_eq!(desk.mails("ada@birds.example").await.unwrap(), ["confirm", "reset"]);
    assert!(desk.mails("eve@birds.example").await.unwrap().is_empty(), "a stranger got a mail");
}

#[tokio::test]
async fn asking_again_and_again_ends_at_the_same_time_for_anybody() {
    let desk = Desk::open("forgot_often").await.unwrap();
    desk.sign_up("Ada", "ada@birds.example").await.unwrap();
    let ask = async |email: &str| {
        let browser = desk.browser();
        let mut statuses = Vec::new();
        for _ in 0..7 {
            statuses.push(browser.post("/forgot", &[("email", email)]).await.unwrap().status);
        }
        statuses
    };
    // The mail of the sign-up has taken one of the five.
    assert_eq!(ask("ada@birds.example").await, [200, 200, 200, 200, 429, 429, 429]);
    assert_eq!(ask("eve@birds.example").await, [200, 200, 200, 200, 200, 429, 429]);
}

#[tokio::test]
async fn signing_up_twice_looks_like_signing_up() {
    let desk = Desk::open("sign_up_same").await.unwrap();
    desk.person("Ada", "ada@birds.example").await.unwrap();
    let again = desk.sign_up("Mallory", "Ada@Birds.example").await.unwrap();
    let new = desk.sign_up("Grace", "grace@birds.example").await.unwrap();
    assert_eq!((again.status, new.status), (200, 200));
    assert_eq!(same_but_for(&again.body, "Ada@Birds.example"), same_but_for(&new.body, "grace@birds.example"));
    assert_eq!(desk.mails("ada@birds.example").await.unwrap(), ["confirm", "have-account"]);
    assert_eq!(desk.count("SELECT count(*) FROM accounts").await.unwrap(), 2);
    // The password of the first one still is the one.
    desk.log_in("ada@birds.example").await.unwrap();
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_read_the_same() {
    let desk = Desk::open("log_in_same").await.unwrap();
    desk.person("Ada", "ada@birds.example").await.unwrap();
    let answer = async |email: &str, password: &str| {
        desk.browser().post("/log-in", &[("email", email), ("password", password)]).await.unwrap()
    };
    let wrong = answer("ada@birds.example", "another heron entirely").await;
    let unknown = answer("eve@birds.example", PASSWORD).await;
    assert_eq!((wrong.status, unknown.status), (422, 422));
    assert_eq!(same_but_for(&wrong.body, "ada@birds.example"), same_but_for(&unknown.body, "eve@birds.example"));
}

#[tokio::test]
async fn an_address_to_change_to_says_nothing_about_who_has_it() {
    let desk = Desk::open("change_same").await.unwrap();
    let ada = desk.person("Ada", "ada@birds.example").await.unwrap();
    desk.person("Grace", "grace@birds.example").await.unwrap();
    for email in ["grace@birds.example", "new@birds.example"] {
        let answer = ada.browser.post("/account/email", &[("email", email)]).await.unwrap();
        assert_eq!((answer.status, answer.location.as_deref()), (303, Some("/account?told=email-sent")), "{email}");
    }
    assert_eq!(desk.mails("grace@birds.example").await.unwrap(), ["confirm", "have-account"]);
    assert_eq!(desk.mails("new@birds.example").await.unwrap(), ["change-email"]);
}
