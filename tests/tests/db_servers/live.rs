//! Pages that are told what is new.

use std::time::Duration;

use axum::body::Body;
use e2e::control::Control;
use http::StatusCode;
use http_body_util::BodyExt as _;

/// Reads from a stream until a text is in what was read.
async fn until(body: &mut Body, text: &str) -> String {
    let mut read = String::new();
    let done = async {
        while !read.contains(text) {
            let frame = body.frame().await.expect("the stream has ended").unwrap();
            read.push_str(&String::from_utf8_lossy(frame.data_ref().unwrap()));
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(60), done).await;
    assert!(in_time.is_ok(), "{text} did not come: {read}");
    read
}

fn last_id(events: &str) -> String {
    events.lines().filter_map(|line| line.strip_prefix("id: ")).next_back().unwrap().to_owned()
}

#[tokio::test]
async fn an_open_page_is_told_and_what_was_missed_is_made_up_for() {
    let control = Control::open("servers_live").await.unwrap();
    let mut jo = control.person("jo").await.unwrap();
    let order = jo.order("birds").await.unwrap().location().unwrap();
    let page = jo.browser.get(&order).await.unwrap();
    let source = page.between("data-live-source=\"", "\"").unwrap();
    assert!(page.says("id=\"live-order\" data-live"));
    let mut stream = jo.browser.stream(&source, &[]).await.unwrap();
    control.settle().await.unwrap();
    let told = until(&mut stream, "data: order").await;
    assert!(told.contains("event: news"), "{told}");
    drop(stream);

    let server = jo.browser.get(&order).await.unwrap().between("href=\"/servers/", "\"").unwrap();
    let server = format!("/servers/{server}");
    let source = jo.browser.get(&server).await.unwrap().between("data-live-source=\"", "\"").unwrap();
    let mut stream = jo.browser.stream(&source, &[]).await.unwrap();
    jo.browser.post(&format!("{server}/pause"), &[]).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
    let seen = last_id(&until(&mut stream, "data: instance\n").await);
    drop(stream);
    // While nobody listens something happens; whoever comes back with the last event they had is told.
    control.settle().await.unwrap();
    let mut stream = jo.browser.stream(&source, &[("last-event-id", &seen)]).await.unwrap();
    let told = until(&mut stream, "data: instance.seen").await;
    assert!(!told.contains(&format!("id: {seen}\n")), "nothing is told twice: {told}");
}

#[tokio::test]
async fn an_open_page_looks_again_when_only_time_has_passed() {
    let control = Control::open("servers_live_time").await.unwrap();
    let mut jo = control.person("jo").await.unwrap();
    let server = jo.server(&control, "birds").await.unwrap();
    let source = jo.browser.get(&server).await.unwrap().between("data-live-source=\"", "\"").unwrap();
    let mut stream = jo.browser.stream(&source, &[]).await.unwrap();
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(61)).await;
    tokio::time::resume();
    let told = until(&mut stream, "data: time").await;
    assert!(told.contains("event: news") && !told.contains("id: "), "{told}");
}

#[tokio::test]
async fn strangers_are_told_nothing_and_streams_end_when_the_program_does() {
    let control = Control::open("servers_live_end").await.unwrap();
    let (mut jo, mut kim) = (control.person("jo").await.unwrap(), control.person("kim").await.unwrap());
    let server = jo.server(&control, "birds").await.unwrap();
    let answer = kim.browser.get(&format!("{server}/live")).await.unwrap();
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let source = jo.browser.get(&server).await.unwrap().between("data-live-source=\"", "\"").unwrap();
    let stream = jo.browser.stream(&source, &[]).await.unwrap();
    control.workshop.platform.live.close();
    tokio::time::timeout(Duration::from_secs(60), stream.collect()).await.expect("it goes on for ever").unwrap();
}
