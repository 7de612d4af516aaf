//! People on a server, added from here.

use control_plane::gateway::cluster::fake::password;
use domain::Role;
use e2e::control::Control;
use http::StatusCode;
use jiff::SignedDuration;

#[tokio::test]
async fn somebody_is_added_and_their_password_is_shown_once() {
    let control = Control::open("servers_users").await.unwrap();
    let mut jo = control.person("jo").await.unwrap();
    let server = jo.server(&control, "birds").await.unwrap();
    let path = format!("{server}/users");
    for wrong in ["", "Grace!", "owner"] {
        let answer = jo.browser.post(&path, &[("handle", wrong)]).await.unwrap();
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    let change = jo.browser.post(&path, &[("handle", "Grace")]).await.unwrap().location().unwrap();
    assert!(jo.browser.get(&change).await.unwrap().says("This takes a few seconds."));
    control.settle().await.unwrap();
    let page = jo.browser.get(&change).await.unwrap();
    assert!(page.says("It is shown once.") && !page.says(&password("grace")));
    assert!(jo.browser.post(&change, &[]).await.unwrap().says(&password("grace")));
    assert_eq!(jo.browser.post(&change, &[]).await.unwrap().status, StatusCode::GONE);
    assert!(jo.browser.get(&path).await.unwrap().says("@grace"));

    // What is there follows from what was asked for, in its order: nobody removes in the moment of adding.
    control.workshop.later(SignedDuration::from_secs(1));
    let asked = jo.browser.get(&format!("{path}/remove?handle=grace")).await.unwrap();
    assert!(asked.says("Remove grace?"));
    let removed = jo.browser.post(&format!("{path}/remove"), &[("handle", "grace")]).await.unwrap();
    control.settle().await.unwrap();
    assert!(jo.browser.get(&removed.location().unwrap()).await.unwrap().says("Done."));
    assert!(!jo.browser.get(&path).await.unwrap().says("<strong>@grace"));
    let owner = jo.browser.post(&format!("{path}/remove"), &[("handle", "owner")]).await.unwrap();
    assert_eq!(owner.status, StatusCode::CONFLICT, "the owner stays");
}

#[tokio::test]
async fn who_looks_after_people_cannot_take_the_owners_account() {
    let control = Control::open("servers_moderator").await.unwrap();
    let (mut jo, mut kim) = (control.person("jo").await.unwrap(), control.person("kim").await.unwrap());
    control.join(&kim, jo.organization, Role::Moderator).await.unwrap();
    let server = jo.server(&control, "birds").await.unwrap();
    crate::claim::confirm(&control).await;
    for path in ["users/reset", "users", "login/reset"] {
        let answer = kim.browser.post(&format!("{server}/{path}"), &[("handle", "owner")]).await.unwrap();
        assert!(
            [StatusCode::FORBIDDEN, StatusCode::UNPROCESSABLE_ENTITY].contains(&answer.status),
            "{path}: {}",
            answer.status
        );
    }
    assert_eq!(control.count("SELECT count(*) FROM account_changes").await.unwrap(), 0);
    // What the owner asked for is not the moderator's to see.
    let reset = jo.browser.post(&format!("{server}/login/reset"), &[]).await.unwrap().location().unwrap();
    control.settle().await.unwrap();
    assert_eq!(kim.browser.get(&reset).await.unwrap().status, StatusCode::FORBIDDEN);
    assert_eq!(kim.browser.post(&reset, &[]).await.unwrap().status, StatusCode::FORBIDDEN);
    assert!(jo.browser.post(&reset, &[]).await.unwrap().says(&password("owner")));
    // Others are theirs to help.
    let other = kim.browser.post(&format!("{server}/users"), &[("handle", "grace")]).await.unwrap();
    assert_eq!(other.status, StatusCode::SEE_OTHER);
    let remove = kim.browser.post(&format!("{server}/users/remove"), &[("handle", "grace")]).await.unwrap();
    assert_eq!(remove.status, StatusCode::FORBIDDEN);
}
