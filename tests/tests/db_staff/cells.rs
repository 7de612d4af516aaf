//! Cells and their room.

use control_plane::worker::expire;
use domain::order::Order as Stands;
use e2e::office::{Office, Said};
use http::{Method, StatusCode};
use jiff::SignedDuration;
use serde_json::{Value, json};

#[tokio::test]
async fn more_room_is_offered_to_who_waits_longest_and_the_cell_does_not_take_it_back() {
    let office = Office::with_room("staff_room", Some(1)).await.unwrap();
    let workshop = &office.control.workshop;
    let mut ada = office.clerk("ada").await.unwrap();
    let program = ada.program().await.unwrap();
    let jo = workshop.customer("jo").await.unwrap();
    workshop.server(&jo, "birds").await.unwrap();
    let first = workshop.order(&jo, "trees").await.unwrap();
    workshop.later(SignedDuration::from_secs(1));
    let second = workshop.order(&jo, "nests").await.unwrap();
    let list = ada.browser.get("/waitlist").await.unwrap();
    let text = list.text();
    assert!(text.find("trees.servers.example").unwrap() < text.find("nests.servers.example").unwrap());
    assert!(ada.browser.get("/").await.unwrap().says("2 orders wait for a place"));

    let cell = format!("/cells/{}", workshop.cell);
    let tag = program.get(&cell).await.unwrap().tag();
    let send = async |granted: Value, tag: &str| {
        let body = json!({ "granted": granted });
        program.call(Method::PUT, &format!("{cell}/room/small"), Some(&body), &[("if-match", tag)]).await.unwrap()
    };
    let raised = send(json!(2), &tag).await.expect(StatusCode::OK).unwrap();
    let small =
        |said: &Said| said.body["room"].as_array().unwrap().iter().find(|one| one["size"] == "small").unwrap().clone();
    assert_eq!(small(&raised), json!({ "size": "small", "places": 2, "taken": 1, "said": 1, "granted": 2 }));
    assert_eq!(send(json!(9), &tag).await.code(), "stale", "of two who saw the same, one is told");
    expire::once(&workshop.platform).await.unwrap();
    let state = async |id| workshop.order_row(id).await.unwrap().state;
    assert!(
        matches!(state(first).await, Stands::Offered { until, .. } if until == workshop.platform.now() + SignedDuration::from_hours(72))
    );
    assert!(matches!(state(second).await, Stands::Waitlisted { .. }));

    // The cell says something else: that is known, and what was granted counts.
    workshop.cluster.set_cell(|cell| _ = cell.spec.room.insert("small".to_owned(), 7));
    workshop
        .until("the cell was heard", async || {
            Ok(office.control.count("SELECT coalesce(said, 0)::bigint FROM cell_room WHERE size = 'small'").await? == 7)
        })
        .await
        .unwrap();
    assert_eq!(workshop.room().await.unwrap(), Some((2, 2)));
    // Less room: nobody has to leave. No figure: as the cell says.
    let lowered = send(json!(0), &raised.tag()).await.expect(StatusCode::OK).unwrap();
    assert_eq!(workshop.room().await.unwrap(), Some((0, 2)));
    expire::once(&workshop.platform).await.unwrap();
    assert!(matches!(state(first).await, Stands::Offered { .. }));
    send(Value::Null, &lowered.tag()).await.expect(StatusCode::OK).unwrap();
    assert_eq!(workshop.room().await.unwrap(), Some((7, 2)));
    expire::once(&workshop.platform).await.unwrap();
    assert!(matches!(state(second).await, Stands::Offered { .. }));
    assert_eq!(office.audited("cell.room").await.unwrap().len(), 3);
}

#[tokio::test]
async fn room_by_the_form_and_what_cannot_be() {
    let office = Office::with_room("staff_room_form", Some(1)).await.unwrap();
    let workshop = &office.control.workshop;
    let mut ada = office.clerk("ada").await.unwrap();
    let page = ada.browser.get("/cells").await.unwrap();
    let (version, path) = (page.input("version").unwrap(), format!("/cells/{}", workshop.cell));
    let room = format!("{path}/room");
    for (size, places) in [("small", "-1"), ("small", "many"), ("small", "1000000"), ("tiny", "3"), ("small", "1e3")] {
        let fields = [("version", version.as_str()), ("size", size), ("places", places)];
        let answer = ada.browser.post(&room, &fields).await.unwrap();
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{size} {places}: {}", answer.text());
    }
    let fields = [("version", version.as_str()), ("size", "small"), ("places", "5")];
    ada.browser.post(&room, &fields).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
    assert_eq!(workshop.room().await.unwrap(), Some((5, 0)));
    let stale = ada.browser.post(&room, &[fields[0], fields[1], ("places", "6")]).await.unwrap();
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    assert!(stale.says("It has changed meanwhile"));
    let nowhere = "/cells/cel_01kb0c9w40e8ar2xtk7c0h8v4f/room";
    assert_eq!(ada.browser.post(nowhere, &fields).await.unwrap().status, StatusCode::NOT_FOUND);
    let program = ada.program().await.unwrap();
    let (tiny, body) = (format!("{path}/room/tiny"), json!({ "granted": 1 }));
    let said = program.call(Method::PUT, &tiny, Some(&body), &[("if-match", "\"1\"")]).await.unwrap();
    assert_eq!(said.status, StatusCode::NOT_FOUND);

    // Closed for new servers: orders wait, and go on when it is open again.
    let version = ada.browser.get("/cells").await.unwrap().input("version").unwrap();
    let open = format!("{path}/open");
    ada.browser
        .post(&open, &[("version", &version), ("open", "no")])
        .await
        .unwrap()
        .expect(StatusCode::SEE_OTHER)
        .unwrap();
    let jo = workshop.customer("jo").await.unwrap();
    let order = workshop.order(&jo, "birds").await.unwrap();
    assert!(matches!(workshop.order_row(order).await.unwrap().state, Stands::Waitlisted { .. }));
    let version = ada.browser.get("/cells").await.unwrap().input("version").unwrap();
    ada.browser
        .post(&open, &[("version", &version), ("open", "yes")])
        .await
        .unwrap()
        .expect(StatusCode::SEE_OTHER)
        .unwrap();
    expire::once(&workshop.platform).await.unwrap();
    assert!(matches!(workshop.order_row(order).await.unwrap().state, Stands::Offered { .. }));
}

#[tokio::test]
async fn a_cell_is_added_once_and_not_beside_the_dashboard() {
    let office = Office::open("staff_cells").await.unwrap();
    let program = office.clerk("ada").await.unwrap().program().await.unwrap();
    let add =
        async |name: &str, zone: &str| program.post("/cells", &json!({ "name": name, "zone": zone })).await.unwrap();
    let made = add("two", "others.example").await.expect(StatusCode::CREATED).unwrap();
    assert_eq!(made.body["open"], json!(true));
    for (name, zone, field) in [
        ("two", "more.example", "name:cell-taken"),
        ("Two", "more.example", "name:cell-name"),
        ("../x", "more.example", "name:cell-name"),
        ("", "more.example", "name:cell-name"),
        ("three", "steppe.example", "zone:cell-zone"),
        ("three", "social.steppe.example", "zone:cell-zone"),
        ("three", "x", "zone:server-unknown"),
    ] {
        let said = add(name, zone).await;
        assert_eq!(
            (said.status, said.fields()),
            (StatusCode::UNPROCESSABLE_ENTITY, vec![field.to_owned()]),
            "{name} {zone}"
        );
    }
    let names: Vec<String> = program.get("/cells").await.unwrap().body["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|cell| cell["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["one", "two"]);
}
