//! Links from mails: each works once, for a while, for what it is for.

use e2e::desk::{Desk, PASSWORD};
use jiff::SignedDuration;

const NEW: &str = "seven curlews over mud";

#[tokio::test]
async fn a_reset_ends_all_sessions_and_works_once() {
    let desk = Desk::open("reset").await.unwrap();
    let ada = desk.person("Ada", "ada@birds.example").await.unwrap();
    let elsewhere = desk.log_in(&ada.email).await.unwrap();
    desk.browser().post("/forgot", &[("email", &ada.email)]).await.unwrap();
    let link = desk.link(&ada.email, "reset").await.unwrap();
    let browser = desk.browser();
    assert_eq!(browser.get(&link).await.unwrap().status, 200);
    // A password that is not taken does not use the link up.
    assert_eq!(browser.post(&link, &[("password", "short")]).await.unwrap().status, 422);
    let done = browser.post(&link, &[("password", NEW)]).await.unwrap();
    assert_eq!(done.location.as_deref(), Some("/log-in?told=reset"));
    for one in [&ada.browser, &elsewhere] {
        let answer = one.get("/account").await.unwrap();
        assert_eq!(answer.location.as_deref(), Some("/log-in?next=%2Faccount"));
    }
    // Sent again, it is dead; so is every other link of before.
    assert_eq!(browser.post(&link, &[("password", NEW)]).await.unwrap().status, 410);
    assert_eq!(browser.get(&link).await.unwrap().status, 410);
    let log_in = async |password: &str| {
        desk.browser().post("/log-in", &[("email", &ada.email), ("password", password)]).await.unwrap().status
    };
    assert_eq!((log_in(PASSWORD).await, log_in(NEW).await), (422, 303));
    assert_eq!(desk.mails(&ada.email).await.unwrap(), ["confirm", "reset", "password-changed"]);
}

#[tokio::test]
async fn links_end_with_their_time() {
    let desk = Desk::open("links_late").await.unwrap();
    desk.sign_up("Ada", "ada@birds.example").await.unwrap();
    desk.browser().post("/forgot", &[("email", "ada@birds.example")]).await.unwrap();
    let (confirm, reset) = (
        desk.link("ada@birds.example", "confirm").await.unwrap(),
        desk.link("ada@birds.example", "reset").await.unwrap(),
    );
    let statuses = async || {
        let browser = desk.browser();
        [browser.get(&confirm).await.unwrap().status, browser.get(&reset).await.unwrap().status]
    };
    assert_eq!(statuses().await, [200, 200]);
    desk.clock.advance(SignedDuration::from_hours(1));
    assert_eq!(statuses().await, [200, 410]);
    assert_eq!(desk.browser().post(&reset, &[("password", NEW)]).await.unwrap().status, 410);
    desk.clock.advance(SignedDuration::from_hours(47));
    assert_eq!(statuses().await, [410, 410]);
    assert_eq!(desk.browser().post(&confirm, &[]).await.unwrap().status, 410);
}

#[tokio::test]
async fn the_newest_link_is_the_only_one() {
    let desk = Desk::open("links_newest").await.unwrap();
    desk.sign_up("Ada", "ada@birds.example").await.unwrap();
    let first = desk.link("ada@birds.example", "confirm").await.unwrap();
    let ada = desk.log_in("ada@birds.example").await.unwrap();
    let again = ada.post("/account/confirmation", &[]).await.unwrap();
    assert_eq!(again.location.as_deref(), Some("/account?told=confirmation-sent"));
    let second = desk.link("ada@birds.example", "confirm").await.unwrap();
    assert_eq!(ada.post(&first, &[]).await.unwrap().status, 410);
    assert_eq!(ada.post(&second, &[]).await.unwrap().location.as_deref(), Some("/?told=confirmed"));
    // Confirmed is confirmed: no further mail.
    ada.post("/account/confirmation", &[]).await.unwrap();
    assert_eq!(desk.mails("ada@birds.example").await.unwrap(), ["confirm", "confirm"]);
}

#[tokio::test]
async fn a_link_is_good_for_its_own_purpose_only() {
    let desk = Desk::open("links_purpose").await.unwrap();
    desk.sign_up("Ada", "ada@birds.example").await.unwrap();
    let confirm = desk.link("ada@birds.example", "confirm").await.unwrap();
    let secret = confirm.strip_prefix("/confirm/").unwrap();
    let browser = desk.log_in("ada@birds.example").await.unwrap();
    for path in ["/reset/", "/change-email/", "/invitations/"] {
        assert_eq!(browser.get(&format!("{path}{secret}")).await.unwrap().status, 410, "{path}");
    }
    for bad in ["x", "%FF", "..%2F..", &"A".repeat(5000)] {
        assert!([404, 410].contains(&browser.get(&format!("/confirm/{bad}")).await.unwrap().status), "{bad:.20}");
    }
}

#[tokio::test]
async fn a_new_address_is_confirmed_by_its_link_and_the_old_one_is_told() {
    let desk = Desk::open("change_email").await.unwrap();
    let ada = desk.person("Ada", "ada@birds.example").await.unwrap();
    let eve = desk.person("Eve", "eve@birds.example").await.unwrap();
    desk.clock.advance(SignedDuration::from_mins(1));
    desk.browser().post("/forgot", &[("email", &ada.email)]).await.unwrap();
    let reset = desk.link(&ada.email, "reset").await.unwrap();
    ada.browser.post("/account/email", &[("email", "ada@fens.example")]).await.unwrap();
    let link = desk.link("ada@fens.example", "change-email").await.unwrap();
    // Whoever is not logged in is sent to do so; somebody else gets nothing.
    assert!(desk.browser().get(&link).await.unwrap().location.unwrap().starts_with("/log-in?next=%2Fchange-email"));
    assert_eq!(eve.browser.post(&link, &[]).await.unwrap().status, 410);
    let done = ada.browser.post(&link, &[]).await.unwrap();
    assert_eq!(done.location.as_deref(), Some("/account?told=email-changed"));
    assert_eq!(desk.mails(&ada.email).await.unwrap().last().unwrap(), "email-changed");
    // A link that went to the old address must not bring its reader back in.
    assert_eq!(desk.browser().get(&reset).await.unwrap().status, 410);
    assert!(desk.log_in(&ada.email).await.is_err());
    desk.log_in("ada@fens.example").await.unwrap();
    assert_eq!(ada.browser.post(&link, &[]).await.unwrap().status, 410);
    let page = ada.browser.get("/account").await.unwrap();
    assert!(page.text().contains("downloads are possible again after 2 Dec 2026, 12:01 UTC"), "{}", page.text());
}

#[tokio::test]
async fn two_who_change_to_one_address_at_once() {
    let desk = Desk::open("change_race").await.unwrap();
    let ada = desk.person("Ada", "ada@birds.example").await.unwrap();
    let grace = desk.person("Grace", "grace@birds.example").await.unwrap();
    ada.browser.post("/account/email", &[("email", "both@birds.example")]).await.unwrap();
    let first = desk.link("both@birds.example", "change-email").await.unwrap();
    grace.browser.post("/account/email", &[("email", "both@birds.example")]).await.unwrap();
    let second = desk.link("both@birds.example", "change-email").await.unwrap();
    assert_ne!(first, second);
    let (one, other) = tokio::join!(ada.browser.post(&first, &[]), grace.browser.post(&second, &[]));
    let mut statuses = [one.unwrap().status, other.unwrap().status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 409]);
    assert_eq!(desk.count("SELECT count(*) FROM accounts WHERE lower(email) = 'both@birds.example'").await.unwrap(), 1);
}
