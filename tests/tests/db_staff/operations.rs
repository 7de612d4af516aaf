//! Operations that go on, and those that were given up.

use control_plane::app::{export, order, server};
use control_plane::gateway::cluster::ClusterError;
use control_plane::gateway::cluster::fake::{Call, Fault};
use domain::id::OrderId;
use domain::operation::Kind;
use domain::order::Order as Stands;
use e2e::office::Office;
use e2e::workshop::Customer;
use http::StatusCode;
use jiff::SignedDuration;
use serde_json::Value;

/// An order whose server could not be made.
async fn failed(office: &Office, jo: &Customer) -> OrderId {
    let workshop = &office.control.workshop;
    for _ in 0..Kind::CreateInstance.max_attempts() {
        workshop.cluster.fail(Call::ApplyInstance, Fault::Before(ClusterError::Invalid("no".to_owned())));
    }
    let id = workshop.order(jo, "birds").await.unwrap();
    let instance = workshop.order_row(id).await.unwrap().instance.unwrap();
    workshop.rest(workshop.newest(instance, Kind::CreateInstance).await.unwrap().id).await.unwrap();
    assert!(matches!(workshop.order_row(id).await.unwrap().state, Stands::Failed { .. }));
    id
}

#[tokio::test]
async fn what_was_given_up_is_seen_tried_again_and_done() {
    let office = Office::open("staff_retry").await.unwrap();
    let workshop = &office.control.workshop;
    let jo = workshop.customer("jo").await.unwrap();
    let order = failed(&office, &jo).await;
    let mut ada = office.clerk("ada").await.unwrap();
    let home = ada.browser.get("/").await.unwrap();
    assert!(home.says("An operation was given up") && home.says("/operations?state=failed"), "{}", home.text());
    let list = ada.browser.get("/operations?state=failed").await.unwrap();
    assert!(list.says("birds.servers.example"));
    let path = format!("/operations/{}", list.between("href=\"/operations/", "\"").unwrap());
    let page = ada.browser.get(&path).await.unwrap();
    assert!(page.says("Try again") && page.says("Lay aside") && page.says("cell-refused"), "{}", page.text());
    let done = ada.browser.post(&format!("{path}/retry"), &[]).await.unwrap();
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let again = ada.browser.post(&format!("{path}/retry"), &[]).await.unwrap();
    assert_eq!(again.status, StatusCode::CONFLICT);
    office.control.settle().await.unwrap();
    assert_eq!(workshop.order_row(order).await.unwrap().state, Stands::Done);
    assert!(ada.browser.get("/operations?state=failed").await.unwrap().says("There is nothing here."));
    let tried = office.audited("order.retry").await.unwrap();
    assert_eq!(tried, [("ada".to_owned(), order.to_string())]);
}

#[tokio::test]
async fn customer_and_staff_try_again_at_once() {
    let office = Office::open("staff_retry_race").await.unwrap();
    let workshop = &office.control.workshop;
    let jo = workshop.customer("jo").await.unwrap();
    let id = failed(&office, &jo).await;
    let program = office.clerk("ada").await.unwrap().program().await.unwrap();
    let operation = program.get("/operations?state=failed").await.unwrap().body["data"][0]["id"].clone();
    let path = format!("/operations/{}/retry", operation.as_str().unwrap());
    let (one, other) = tokio::join!(program.post(&path, &Value::Null), order::retry(&workshop.platform, &jo.actor, id));
    let (one, other) = (one.unwrap().status, other.is_ok());
    assert!(matches!((one, other), (StatusCode::ACCEPTED, false) | (StatusCode::CONFLICT, true)), "{one} {other}");
    office.control.settle().await.unwrap();
    assert_eq!(workshop.order_row(id).await.unwrap().state, Stands::Done);
    let begun = "SELECT count(*) FROM operations WHERE kind = 'instance.create'";
    assert_eq!(office.control.count(begun).await.unwrap(), 1);
}

#[tokio::test]
async fn what_cannot_be_tried_again_is_laid_aside_but_nothing_half_closed() {
    let office = Office::open("staff_aside").await.unwrap();
    let workshop = &office.control.workshop;
    let jo = workshop.customer("jo").await.unwrap();
    let id = workshop.server(&jo, "birds").await.unwrap();
    export::start(&workshop.platform, &jo.actor, id).await.unwrap();
    let operation = workshop.newest(id, Kind::Export).await.unwrap().id;
    let program = office.clerk("ada").await.unwrap().program().await.unwrap();
    let path = format!("/operations/{operation}");
    let fail = "UPDATE operations SET state = 'failed', reason = 'failed', finished_at = now(), lease_until = NULL WHERE kind = $1";
    sqlx::query(fail).bind("instance.export").execute(&workshop.platform.pool).await.unwrap();
    let said = program.post(&format!("{path}/retry"), &Value::Null).await.unwrap();
    assert_eq!(said.code(), "wrong-state", "its object stays failed; a new one is asked for");
    let aside = program.post(&format!("{path}/cancel"), &Value::Null).await.unwrap().expect(StatusCode::OK).unwrap();
    assert_eq!(aside.body["state"], "cancelled");
    assert_eq!(program.post(&format!("{path}/cancel"), &Value::Null).await.unwrap().code(), "wrong-state");
    assert_eq!(program.get("/operations?state=failed").await.unwrap().body["data"].as_array().unwrap().len(), 0);

    server::closing::close(&workshop.platform, &jo.actor, id, "birds.servers.example").await.unwrap();
    let closing = workshop.newest(id, Kind::CloseInstance).await.unwrap().id;
    sqlx::query(fail).bind("instance.close").execute(&workshop.platform.pool).await.unwrap();
    let said = program.post(&format!("/operations/{closing}/cancel"), &Value::Null).await.unwrap();
    assert_eq!(said.code(), "wrong-state");
    program
        .post(&format!("/operations/{closing}/retry"), &Value::Null)
        .await
        .unwrap()
        .expect(StatusCode::ACCEPTED)
        .unwrap();
    office.control.settle().await.unwrap();
    assert_eq!(workshop.operation(closing).await.unwrap().course.state.as_str(), "succeeded");
    assert_eq!(office.audited("operation.retry").await.unwrap().len(), 1);
    assert_eq!(office.audited("operation.cancel").await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_goes_on_is_listed_given_up_and_late_when_it_is() {
    let office = Office::open("staff_open").await.unwrap();
    let workshop = &office.control.workshop;
    let jo = workshop.customer("jo").await.unwrap();
    workshop.order(&jo, "birds").await.unwrap();
    let mut ada = office.clerk("ada").await.unwrap();
    assert!(!ada.browser.get("/").await.unwrap().says("takes longer than 15 minutes"));
    workshop.later(SignedDuration::from_mins(15));
    let home = ada.browser.get("/").await.unwrap();
    assert!(home.says("An operation takes longer than 15 minutes") && home.says("No worker runs"), "{}", home.text());
    let program = ada.program().await.unwrap();
    let open = program.get("/operations?state=open").await.unwrap();
    let id = open.body["data"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(open.body["data"][0]["state"], "queued");
    let gone = program.post(&format!("/operations/{id}/cancel"), &Value::Null).await.unwrap();
    assert_eq!(gone.status, StatusCode::CONFLICT, "a server that is being made is not left half-way");
    let lag = program.get("/outbox").await.unwrap();
    assert!(lag.body["newest"].as_i64().unwrap() > 0 && lag.body["mails_waiting"].as_i64().unwrap() > 0);
    assert!(lag.body["oldest_mail_seconds"].as_i64().unwrap() >= 900, "{}", lag.body);
    for foreign in ["op_01kb0c9w40e8ar2xtk7c0h8v4f", "x"] {
        let said = program.post(&format!("/operations/{foreign}/retry"), &Value::Null).await.unwrap();
        assert_eq!(said.status, StatusCode::NOT_FOUND);
        assert_eq!(ada.browser.get(&format!("/operations/{foreign}")).await.unwrap().status, StatusCode::NOT_FOUND);
    }
}
