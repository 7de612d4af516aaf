//! When there is no room.

use control_plane::worker::expire;
use e2e::control::Control;
use http::StatusCode;
use jiff::SignedDuration;

#[tokio::test]
async fn whoever_waited_longest_is_offered_a_place_for_72_hours() {
    let control = Control::with_room("servers_waitlist", Some(1)).await.unwrap();
    let mut people = Vec::new();
    for name in ["jo", "kim", "lou"] {
        people.push(control.person(name).await.unwrap());
    }
    let [jo, kim, lou] = people.as_mut_slice() else { panic!("three people") };
    let server = jo.server(&control, "birds").await.unwrap();
    assert!(kim.browser.get("/order").await.unwrap().says("Full: you join the waitlist"));
    let first = kim.order("trees").await.unwrap().location().unwrap();
    control.workshop.later(SignedDuration::from_secs(1));
    let second = lou.order("nests").await.unwrap().location().unwrap();
    let page = kim.browser.get(&first).await.unwrap();
    assert!(page.says("Waiting for a place") && page.says("You are next."));
    assert!(lou.browser.get(&second).await.unwrap().says("You are number 2 in the waitlist."));
    let early = lou.browser.post(&format!("{second}/accept"), &[]).await.unwrap();
    assert_eq!(early.status, StatusCode::CONFLICT, "nobody takes what is not offered");

    // A place becomes free.
    control.workshop.cluster.set_cell(|cell| cell.spec.room.extend([("small".to_owned(), 2)]));
    control
        .workshop
        .until("there is room for two", async || Ok(control.workshop.room().await? == Some((2, 1))))
        .await
        .unwrap();
    expire::once(&control.workshop.platform).await.unwrap();
    assert!(kim.browser.get(&first).await.unwrap().says("A place is free"));
    assert!(lou.browser.get(&second).await.unwrap().says("You are next."));
    control.mailed_link("kim@mail.example", &first).await.unwrap();

    // Kim lets it lapse; it goes to Lou, who takes it.
    control.workshop.later(SignedDuration::from_hours(72));
    let late = kim.browser.post(&format!("{first}/accept"), &[]).await.unwrap();
    assert_eq!(late.status, StatusCode::CONFLICT);
    expire::once(&control.workshop.platform).await.unwrap();
    assert!(kim.browser.get(&first).await.unwrap().says("Expired"));
    assert!(lou.browser.get(&second).await.unwrap().says("A place is free"));
    lou.browser.post(&format!("{second}/accept"), &[]).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
    control.settle().await.unwrap();
    assert!(lou.browser.get(&second).await.unwrap().says("Your server is ready."));
    assert!(jo.browser.get(&server).await.unwrap().says("Running"));
}
