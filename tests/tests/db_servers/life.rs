//! Pausing, settings, closing and the way back.

use control_plane::actor::Who;
use control_plane::store;
use crd::Mode;
use domain::hold::Authority;
use domain::id::{HoldId, InstanceId};
use domain::{Hold, HoldKind};
use e2e::control::{Control, Person};
use http::StatusCode;

use crate::claim::confirm;

async fn served(name: &str) -> (Control, Person, String, InstanceId) {
    let control = Control::open(name).await.unwrap();
    let mut jo = control.person("jo").await.unwrap();
    let server = jo.server(&control, "birds").await.unwrap();
    let id = server.rsplit('/').next().unwrap().parse().unwrap();
    (control, jo, server, id)
}

async fn wished(control: &Control, id: InstanceId) -> crd::InstanceSpec {
    let name = control.workshop.instance(id).await.unwrap().object_name;
    control.workshop.cluster.find_instance(name.as_str()).unwrap().spec
}

#[tokio::test]
async fn ending_ones_own_pause_does_not_lift_a_hold_of_staff() {
    let (control, mut jo, server, id) = served("servers_pause").await;
    let reason = [("reason", "We move house.")];
    jo.browser.post(&format!("{server}/pause"), &reason).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
    let twice = jo.browser.post(&format!("{server}/pause"), &reason).await.unwrap();
    assert_eq!(twice.status, StatusCode::CONFLICT);
    control.settle().await.unwrap();
    let page = jo.browser.get(&server).await.unwrap();
    assert!(page.says("Paused") && page.says("We move house.") && page.says("Start it again"));
    assert_eq!(wished(&control, id).await.mode, Mode::Frozen);

    let platform = &control.workshop.platform;
    let hold = platform.id(HoldId::new).unwrap();
    let reason = "Somebody reported spam.".to_owned();
    let hold = Hold::place(hold, HoldKind::Staff, reason, Authority::Staff, platform.now(), None).unwrap();
    let mut connection = platform.pool.acquire().await.unwrap();
    store::hold::insert(&mut connection, id, &hold, Who::System).await.unwrap();
    let page = jo.browser.get(&server).await.unwrap();
    assert!(page.says("Suspended") && page.says("Somebody reported spam.") && page.says("Please write to us"));

    jo.browser.post(&format!("{server}/resume"), &[]).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
    control.settle().await.unwrap();
    assert_eq!(wished(&control, id).await.mode, Mode::Frozen, "it is still held by staff");
    let page = jo.browser.get(&server).await.unwrap();
    assert!(page.says("Suspended") && !page.says("Start it again"));
    let nothing = jo.browser.post(&format!("{server}/resume"), &[]).await.unwrap();
    assert_eq!(nothing.status, StatusCode::CONFLICT);
    let lifted = "SELECT count(*) FROM holds WHERE kind = 'staff' AND lifted_at IS NOT NULL";
    assert_eq!(control.count(lifted).await.unwrap(), 0);
}

#[tokio::test]
async fn settings_reach_the_server_and_nobody_overwrites_anothers() {
    let (control, mut jo, server, id) = served("servers_settings").await;
    let path = format!("{server}/settings");
    let version = jo.browser.get(&path).await.unwrap().input("version").unwrap();
    let sent = [
        ("title", "Birds & more"),
        ("description", "For those who look up."),
        ("contact", "birds@mail.example"),
        ("version", &version),
    ];
    jo.browser.post(&path, &sent).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
    control.settle().await.unwrap();
    let settings = wished(&control, id).await.settings;
    assert_eq!(settings.title.as_deref(), Some("Birds & more"));
    assert_eq!(settings.description.as_deref(), Some("For those who look up."));
    assert_eq!(settings.contact_email.as_deref(), Some("birds@mail.example"));
    assert!(jo.browser.get(&path).await.unwrap().says("Birds &#38; more"), "it is escaped");
    let stale = jo.browser.post(&path, &sent).await.unwrap();
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    let version = jo.browser.get(&path).await.unwrap().input("version").unwrap();
    let wrong = [("title", "x"), ("contact", "nobody"), ("version", version.as_str())];
    let wrong = jo.browser.post(&path, &wrong).await.unwrap().expect(StatusCode::UNPROCESSABLE_ENTITY).unwrap();
    assert!(wrong.says("name@domain.example"));
}

#[tokio::test]
async fn closing_is_meant_is_told_and_can_be_taken_back() {
    let (control, mut jo, server, id) = served("servers_close").await;
    confirm(&control).await;
    let path = format!("{server}/close");
    let page = jo.browser.get(&path).await.unwrap().expect(StatusCode::OK).unwrap();
    for told in ["Other servers stop delivering", "you can open it again", "given to nobody else", "last bundle"] {
        assert!(page.says(told), "{told}");
    }
    let wrong = jo.browser.post(&path, &[("typed", "birds")]).await.unwrap();
    assert!(
        wrong.status == StatusCode::UNPROCESSABLE_ENTITY && wrong.says("This is not the server&#39;s name."),
        "{}",
        wrong.text()
    );
    jo.browser
        .post(&path, &[("typed", " Birds.Servers.example")])
        .await
        .unwrap()
        .expect(StatusCode::SEE_OTHER)
        .unwrap();
    assert!(jo.browser.get(&server).await.unwrap().says("Closing"));
    control.settle().await.unwrap();
    let page = jo.browser.get(&server).await.unwrap();
    assert!(page.says("Your server is closed.") && page.says("Open it again"), "{}", page.text());
    assert_eq!(wished(&control, id).await.mode, Mode::Closing);
    let bundle = "SELECT count(*) FROM exports WHERE reason = 'final' AND phase = 'succeeded'";
    assert_eq!(control.count(bundle).await.unwrap(), 1);
    assert_eq!(jo.browser.post(&format!("{server}/pause"), &[]).await.unwrap().status, StatusCode::CONFLICT);

    jo.browser.post(&format!("{server}/reopen"), &[]).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
    control.settle().await.unwrap();
    assert_eq!(wished(&control, id).await.mode, Mode::Running);
    assert!(jo.browser.get(&server).await.unwrap().says("Your server runs and answers"));
    assert_eq!(jo.browser.post(&format!("{server}/reopen"), &[]).await.unwrap().status, StatusCode::CONFLICT);
    let history = jo.browser.get(&format!("{server}/history")).await.unwrap();
    for told in ["Took the closing back", "Closed the server", "The server became ready"] {
        assert!(history.says(told), "{told}");
    }
}

#[tokio::test]
async fn the_history_goes_back_page_by_page_and_leaves_nothing_out() {
    let (control, mut jo, server, _) = served("servers_history").await;
    for _ in 0..60 {
        sqlx::query(
            "INSERT INTO audit (at, actor, actor_name, instance_id, action)
             SELECT now(), 'account:x', 'Kim', id, 'instance.pause' FROM instances",
        )
        .execute(&control.workshop.platform.pool)
        .await
        .unwrap();
    }
    let (mut path, mut lines) = (format!("{server}/history"), 0);
    // The page names its own address too.
    let older = format!("href=\"{server}/history?before=");
    loop {
        let page = jo.browser.get(&path).await.unwrap().expect(StatusCode::OK).unwrap();
        lines += page.text().matches("<strong>").count();
        match page.between(&older, "\"") {
            Ok(before) => path = format!("{server}/history?before={before}"),
            Err(_) => break,
        }
    }
    let all = "SELECT count(*) FROM audit WHERE instance_id IS NOT NULL";
    assert_eq!(i64::try_from(lines).unwrap(), control.count(all).await.unwrap());
}
