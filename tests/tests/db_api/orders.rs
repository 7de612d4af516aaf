//! Orders by programs.

use domain::Role;
use domain::scope::Scope;
use e2e::control::Control;
use http::StatusCode;
use serde_json::json;

#[tokio::test]
async fn from_an_offer_to_a_server() {
    let control = Control::open("api_order").await.unwrap();
    let jo = control.person("jo").await.unwrap();
    let program = control.program(&jo).await.unwrap();
    let path = format!("/organizations/{}/orders", jo.organization);
    let wish = program.wish(jo.organization, "birds").await.unwrap();
    let placed = program.post(&path, wish).await.unwrap().expect(StatusCode::CREATED).unwrap();
    assert_eq!(placed.header("location"), format!("/v1/orders/{}", placed.text("id")));
    assert_eq!((placed.text("state"), placed.text("hostname")), ("provisioning", "birds.servers.example"));
    control.settle().await.unwrap();
    let order = program.get(&format!("/orders/{}", placed.text("id"))).await.unwrap();
    assert_eq!((&order["state"], &order["may_cancel"]), (&json!("done"), &json!(false)));
    let server = program.get(&format!("/instances/{}", order["instance"].as_str().unwrap())).await.unwrap();
    assert_eq!(
        (&server["standing"]["word"], &server["serving"], &server["mode"]),
        (&json!("up"), &json!(true), &json!("Running"))
    );
    let audit = program.get(&format!("/organizations/{}/audit", jo.organization)).await.unwrap();
    let line = audit["data"].as_array().unwrap().iter().find(|line| line["action"] == "order.place").unwrap();
    assert!(line["actor"].as_str().unwrap().starts_with("token:tok_"), "{line}");
    assert_eq!(line["actor_name"], "jo (night watch)");
    for verb in ["accept", "cancel", "retry"] {
        let reply = program.call("POST", &format!("/orders/{}/{verb}", placed.text("id")), None).await.unwrap();
        assert_eq!((reply.status, reply.text("code")), (StatusCode::CONFLICT, "wrong-state"), "{verb}");
    }
}

#[tokio::test]
async fn two_orders_for_one_name_at_once() {
    let control = Control::open("api_order_race").await.unwrap();
    let (jo, kim) = (control.person("jo").await.unwrap(), control.person("kim").await.unwrap());
    let (one, two) = (control.program(&jo).await.unwrap(), control.program(&kim).await.unwrap());
    let (first, second) =
        (one.wish(jo.organization, "birds").await.unwrap(), two.wish(kim.organization, "BIRDS").await.unwrap());
    let (left, right) =
        (format!("/organizations/{}/orders", jo.organization), format!("/organizations/{}/orders", kim.organization));
    let (one, two) = tokio::join!(one.post(&left, first), two.post(&right, second));
    let mut told = [one, two].map(|reply| {
        let reply = reply.unwrap();
        (reply.status.as_u16(), reply.problem())
    });
    told.sort();
    assert_eq!(told[0].0, 201, "{told:?}");
    assert_eq!(told[1], (409, "name-taken label:label-taken".to_owned()));
    assert_eq!(control.count("SELECT count(*) FROM orders").await.unwrap(), 1);
}

#[tokio::test]
async fn no_room_is_a_place_in_the_list_and_then_an_offer_to_accept() {
    let control = Control::with_room("api_order_wait", Some(1)).await.unwrap();
    let jo = control.person("jo").await.unwrap();
    let program = control.program(&jo).await.unwrap();
    let path = format!("/organizations/{}/orders", jo.organization);
    program.server(&control, jo.organization, "birds").await.unwrap();
    let wish = program.wish(jo.organization, "fish").await.unwrap();
    let waits = program.post(&path, wish).await.unwrap().expect(StatusCode::CREATED).unwrap();
    assert_eq!((waits.text("state"), &waits.json["position"]), ("waitlisted", &json!(1)));
    let order = format!("/orders/{}", waits.text("id"));
    let early = program.call("POST", &format!("{order}/accept"), None).await.unwrap();
    assert_eq!(early.text("code"), "wrong-state");
    control.workshop.cluster.set_cell(|cell| cell.spec.room.extend([("small".to_owned(), 2)]));
    control
        .workshop
        .until("a place is offered", async || {
            control_plane::worker::expire::once(&control.workshop.platform).await?;
            Ok(program.get(&order).await?["state"] == "offered")
        })
        .await
        .unwrap();
    let accepted =
        program.call("POST", &format!("{order}/accept"), None).await.unwrap().expect(StatusCode::OK).unwrap();
    assert_eq!(accepted.text("state"), "provisioning");
}

#[tokio::test]
async fn for_another_organization_of_the_same_person_another_token_is_needed() {
    let control = Control::open("api_order_other").await.unwrap();
    let (jo, kim) = (control.person("jo").await.unwrap(), control.person("kim").await.unwrap());
    control.join(&jo, kim.organization, Role::Admin).await.unwrap();
    let program = control.program(&jo).await.unwrap();
    let wish = program.wish(jo.organization, "birds").await.unwrap();
    let path = format!("/organizations/{}/orders", kim.organization);
    assert_eq!(program.post(&path, wish.clone()).await.unwrap().status, StatusCode::NOT_FOUND);
    let there = control.program_with(&jo, kim.organization, &[Scope::OrdersWrite]).await.unwrap();
    let placed = there.post(&path, wish).await.unwrap().expect(StatusCode::CREATED).unwrap();
    assert_eq!(placed.text("organization"), kim.organization.to_string());
}
