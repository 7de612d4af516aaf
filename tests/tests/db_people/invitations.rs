//! Invitations: for whoever reads the address, once, for a week.

use e2e::desk::{Desk, PASSWORD};
use jiff::SignedDuration;

use super::organizations::create;

#[tokio::test]
async fn somebody_new_signs_up_and_comes_back() {
    let desk = Desk::open("invite_new").await.unwrap();
    let ada = desk.person("Ada", "ada@birds.example").await.unwrap();
    let path = create(&ada, "The Fens").await;
    ada.browser
        .post(&format!("{path}/invitations"), &[("email", "New@birds.example"), ("role", "moderator")])
        .await
        .unwrap();
    let link = desk.link("New@birds.example", "invite").await.unwrap();
    let browser = desk.browser();
    let page = browser.get(&link).await.unwrap();
    assert!(page.text().contains("Ada invites you") && page.text().contains("Moderator"), "{}", page.text());
    let way = page.links("/sign-up?next=").remove(0);
    let form = browser.get(&way).await.unwrap();
    let fields = [
        ("email", "new@birds.example"),
        ("name", "New"),
        ("password", PASSWORD),
        ("agree", "yes"),
        ("terms", &form.value("terms").unwrap()),
        ("processing", &form.value("processing").unwrap()),
        ("next", &form.value("next").unwrap()),
    ];
    assert_eq!(browser.post("/sign-up", &fields).await.unwrap().status, 200);
    // Logged in but not confirmed: not yet.
    let early = desk.log_in("new@birds.example").await.unwrap();
    assert_eq!(early.post(&link, &[]).await.unwrap().status, 403);
    let confirm = desk.link("new@birds.example", "confirm").await.unwrap();
    let page = browser.get(&confirm).await.unwrap();
    let action = page.links("/confirm/").remove(0);
    assert_eq!(
        browser.post(&action, &[]).await.unwrap().location.as_deref(),
        Some(link.as_str()),
        "back to the invitation"
    );
    assert_eq!(early.post(&link, &[]).await.unwrap().location.unwrap(), format!("{path}?told=joined"));
    assert_eq!(desk.mails(&ada.email).await.unwrap().last().unwrap(), "joined");
    assert_eq!(early.post(&link, &[]).await.unwrap().status, 410, "once");
}

#[tokio::test]
async fn it_is_for_the_address_it_was_sent_to() {
    let desk = Desk::open("invite_other").await.unwrap();
    let ada = desk.person("Ada", "ada@birds.example").await.unwrap();
    let eve = desk.person("Eve", "eve@birds.example").await.unwrap();
    let path = create(&ada, "The Fens").await;
    ada.browser
        .post(&format!("{path}/invitations"), &[("email", "grace@birds.example"), ("role", "admin")])
        .await
        .unwrap();
    let link = desk.link("grace@birds.example", "invite").await.unwrap();
    let page = eve.browser.get(&link).await.unwrap();
    assert!(
        page.text().contains("logged in as eve@birds.example") && !page.body.contains(&format!("action=\"{link}\""))
    );
    assert_eq!(eve.browser.post(&link, &[]).await.unwrap().status, 403);
    assert_eq!(desk.browser().post(&link, &[]).await.unwrap().status, 303, "whoever is not logged in logs in first");
    assert_eq!(eve.browser.get(&path).await.unwrap().status, 404);
    // It was not used up by that.
    let grace = desk.person("Grace", "grace@birds.example").await.unwrap();
    assert_eq!(grace.browser.post(&link, &[]).await.unwrap().location.unwrap(), format!("{path}?told=joined"));
}

#[tokio::test]
async fn revoked_late_or_used_it_is_dead() {
    let desk = Desk::open("invite_dead").await.unwrap();
    let ada = desk.person("Ada", "ada@birds.example").await.unwrap();
    let path = create(&ada, "The Fens").await;
    let invite = async |email: &str| {
        let fields = [("email", email), ("role", "billing")];
        ada.browser.post(&format!("{path}/invitations"), &fields).await.unwrap()
    };
    let grace = desk.person("Grace", "grace@birds.example").await.unwrap();
    assert_eq!(invite(&grace.email).await.status, 303);
    let twice = invite("GRACE@birds.example").await;
    assert_eq!(twice.status, 409, "the form sent again sends no second mail");
    let first = desk.link(&grace.email, "invite").await.unwrap();
    let revoke = ada.browser.get(&path).await.unwrap().links(&format!("{path}/invitations/inv_")).remove(0);
    assert_eq!(grace.browser.post(&revoke, &[]).await.unwrap().status, 404, "not theirs to take back");
    assert_eq!(ada.browser.post(&revoke, &[]).await.unwrap().status, 303);
    assert_eq!(ada.browser.post(&revoke, &[]).await.unwrap().status, 404);
    assert_eq!(grace.browser.post(&first, &[]).await.unwrap().status, 410);
    assert_eq!(invite(&grace.email).await.status, 303);
    desk.clock.advance(SignedDuration::from_hours(7 * 24));
    let second = desk.link(&grace.email, "invite").await.unwrap();
    let (ada, grace) = (desk.log_in(&ada.email).await.unwrap(), desk.log_in(&grace.email).await.unwrap());
    assert_eq!(grace.post(&second, &[]).await.unwrap().status, 410);
    // One that has run out makes room for another.
    let fields = [("email", "grace@birds.example"), ("role", "billing")];
    assert_eq!(ada.post(&format!("{path}/invitations"), &fields).await.unwrap().status, 303);
    let third = desk.link("grace@birds.example", "invite").await.unwrap();
    let (one, other) = tokio::join!(grace.post(&third, &[]), grace.post(&third, &[]));
    let mut statuses = [one.unwrap().status, other.unwrap().status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 410], "two at once join once");
    assert_eq!(
        ada.post(&format!("{path}/invitations"), &fields).await.unwrap().status,
        409,
        "who is in is not invited"
    );
}

#[tokio::test]
async fn whoever_invites_many_is_slowed_down() {
    let desk = Desk::open("invite_many").await.unwrap();
    let ada = desk.person("Ada", "ada@birds.example").await.unwrap();
    let mut statuses = Vec::new();
    for number in 0..21 {
        let fields = [("email", &*format!("n{number}@birds.example")), ("role", "admin")];
        statuses.push(ada.browser.post(&format!("{}/invitations", ada.own), &fields).await.unwrap().status);
    }
    assert_eq!((&statuses[..20], statuses[20]), ([303; 20].as_slice(), 429));
}

#[tokio::test]
async fn one_that_is_taken_back_while_it_is_accepted() {
    let desk = Desk::open("invite_race").await.unwrap();
    let ada = desk.person("Ada", "ada@birds.example").await.unwrap();
    let grace = desk.person("Grace", "grace@birds.example").await.unwrap();
    for number in 0..4 {
        let path = create(&ada, &format!("Fen {number}")).await;
        ada.browser
            .post(&format!("{path}/invitations"), &[("email", &grace.email), ("role", "billing")])
            .await
            .unwrap();
        let link = desk.link(&grace.email, "invite").await.unwrap();
        // Every other time the whole organization goes.
        let revoke = match number % 2 {
            0 => ada.browser.get(&path).await.unwrap().links(&format!("{path}/invitations/inv_")).remove(0),
            _ => format!("{path}/delete"),
        };
        let gone = [("sure", "yes")];
        let (accepted, revoked) = tokio::join!(grace.browser.post(&link, &[]), ada.browser.post(&revoke, &gone));
        let (accepted, revoked) = (accepted.unwrap().status, revoked.unwrap().status);
        match number % 2 {
            0 => assert!([(303, 404), (410, 303)].contains(&(accepted, revoked)), "{accepted} {revoked}"),
            _ => assert!([(303, 303), (410, 303)].contains(&(accepted, revoked)), "{accepted} {revoked}"),
        }
        // Five mails to one address is what we send at once.
        desk.clock.advance(SignedDuration::from_mins(10));
    }
}
