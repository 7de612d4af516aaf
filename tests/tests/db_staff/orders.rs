//! Orders that wait for us.

use std::time::Duration;

use control_plane::app::order;
use control_plane::worker::expire;
use domain::id::OrderId;
use domain::operation::Kind;
use domain::order::Order as Stands;
use e2e::office::Office;
use http::{Method, StatusCode};
use jiff::SignedDuration;
use lab::wait;
use serde_json::{Value, json};

async fn state(office: &Office, id: OrderId) -> Stands {
    office.control.workshop.order_row(id).await.unwrap().state
}

#[tokio::test]
async fn an_order_is_looked_at_and_goes_ahead() {
    let office = Office::open("staff_approve").await.unwrap();
    office.look_at_orders().await.unwrap();
    let mut ada = office.clerk("ada").await.unwrap();
    let mut jo = office.control.person("jo").await.unwrap();
    let path = jo.order("birds").await.unwrap().expect(StatusCode::SEE_OTHER).unwrap().location().unwrap();
    assert!(jo.browser.get(&path).await.unwrap().says("Being looked at"));
    let home = ada.browser.get("/").await.unwrap();
    assert!(home.says("An order waits for us") && home.says("/orders?state=approval"), "{}", home.text());
    let list = ada.browser.get("/orders?state=approval").await.unwrap();
    assert!(list.says("birds.servers.example") && list.says(&format!("href=\"{path}\"")));
    let page = ada.browser.get(&path).await.unwrap();
    assert!(page.says("jo &#60;jo@mail.example&#62;") || page.says("jo@mail.example"), "{}", page.text());

    let done = ada.browser.post(&format!("{path}/approve"), &[]).await.unwrap();
    assert_eq!(done.location().unwrap(), format!("{path}?told=approved"));
    let again = ada.browser.post(&format!("{path}/approve"), &[]).await.unwrap();
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(again.says("This is not possible just now"));
    let late = ada.browser.post(&format!("{path}/decline"), &[("reason", "No.")]).await.unwrap();
    assert_eq!(late.status, StatusCode::CONFLICT, "its server is being made");
    office.control.settle().await.unwrap();
    assert!(jo.browser.get(&path).await.unwrap().says("Your server is ready."));
    let mut mails = office.mailed("jo@mail.example").await.unwrap();
    mails.retain(|subject| subject.contains("birds"));
    mails.sort();
    assert_eq!(
        mails,
        [
            "Your order for birds.servers.example",
            "Your order for birds.servers.example goes ahead",
            "birds.servers.example is ready"
        ]
    );
    let id = path.trim_start_matches("/orders/").to_owned();
    assert_eq!(office.audited("order.approve").await.unwrap(), [("ada".to_owned(), id)]);
    assert_eq!(office.control.count("SELECT count(*) FROM instances").await.unwrap(), 1);
}

#[tokio::test]
async fn a_declined_order_gives_place_and_name_back_and_says_why() {
    let office = Office::with_room("staff_decline", Some(1)).await.unwrap();
    office.look_at_orders().await.unwrap();
    let mut ada = office.clerk("ada").await.unwrap();
    let mut jo = office.control.person("jo").await.unwrap();
    let path = jo.order("birds").await.unwrap().expect(StatusCode::SEE_OTHER).unwrap().location().unwrap();
    assert_eq!(office.control.workshop.room().await.unwrap(), Some((1, 1)));
    for (reason, says) in [
        ("", "Please write something."),
        (" \n ", "Please write something."),
        (&*"x".repeat(1001), "This is too long."),
    ] {
        let answer = ada.browser.post(&format!("{path}/decline"), &[("reason", reason)]).await.unwrap();
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.says(says), "{}", answer.text());
    }
    let why = "We do not host <b>casinos</b>.";
    let done = ada.browser.post(&format!("{path}/decline"), &[("reason", why)]).await.unwrap();
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let page = jo.browser.get(&path).await.unwrap();
    assert!(page.says("Declined") && page.says("We do not host") && !page.says("<b>casinos"), "{}", page.text());
    assert_eq!(office.control.workshop.room().await.unwrap(), Some((1, 0)));
    assert_eq!(office.control.count("SELECT count(*) FROM hostnames").await.unwrap(), 0);
    let mails = office.control.workshop.mails().await.unwrap();
    let mail = mails.iter().find(|mail| mail.subject == "Your order for birds.servers.example was declined").unwrap();
    assert!(mail.to == "jo@mail.example" && mail.text.contains(why) && !mail.html.contains("<b>casinos"));
    let again = ada.browser.post(&format!("{path}/decline"), &[("reason", why)]).await.unwrap();
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert_eq!(office.control.workshop.room().await.unwrap(), Some((1, 0)), "a place is given back once");
    assert_eq!(office.audited("order.decline").await.unwrap().len(), 1);
    jo.order("birds").await.unwrap().expect(StatusCode::SEE_OTHER).expect("the name is free again");
}

#[tokio::test]
async fn a_declined_place_goes_to_who_waits() {
    let office = Office::with_room("staff_decline_next", Some(1)).await.unwrap();
    let workshop = &office.control.workshop;
    office.look_at_orders().await.unwrap();
    let program = office.clerk("ada").await.unwrap().program().await.unwrap();
    let (jo, kim) = (workshop.customer("jo").await.unwrap(), workshop.customer("kim").await.unwrap());
    let first = workshop.order(&jo, "birds").await.unwrap();
    let second = workshop.order(&kim, "trees").await.unwrap();
    assert_eq!(program.get("/waitlist").await.unwrap().body["data"][0]["order"], json!(second.to_string()));
    let body = json!({ "reason": "Not this one." });
    let said = program.post(&format!("/orders/{first}/decline"), &body).await.unwrap().expect(StatusCode::OK).unwrap();
    assert_eq!((said.body["state"].as_str(), said.body["reason"].as_str()), (Some("declined"), Some("Not this one.")));
    expire::once(&workshop.platform).await.unwrap();
    assert!(matches!(state(&office, second).await, Stands::Offered { .. }));
    // The offered place can be declined as well, and the wait of one who waits.
    program.post(&format!("/orders/{second}/decline"), &body).await.unwrap().expect(StatusCode::OK).unwrap();
    assert_eq!(workshop.room().await.unwrap(), Some((1, 0)));
    assert_eq!(office.control.count("SELECT count(*) FROM hostnames").await.unwrap(), 0);
}

#[tokio::test]
async fn too_late_and_not_there() {
    let office = Office::open("staff_late").await.unwrap();
    let workshop = &office.control.workshop;
    office.look_at_orders().await.unwrap();
    let jo = workshop.customer("jo").await.unwrap();
    let id = workshop.order(&jo, "birds").await.unwrap();
    workshop.later(SignedDuration::from_hours(48));
    let mut ada = office.clerk("ada").await.unwrap();
    let program = ada.program().await.unwrap();
    let late = program.post(&format!("/orders/{id}/approve"), &Value::Null).await.unwrap();
    assert_eq!((late.status, late.code()), (StatusCode::CONFLICT, "wrong-state"));
    // What is locked is left for the next turn, and the refusal may not have let go of the order yet.
    wait::until("the order to be over", Duration::from_secs(30), async || {
        expire::once(&workshop.platform).await?;
        Ok((!matches!(state(&office, id).await, Stands::Approval { .. })).then_some(()))
    })
    .await
    .unwrap();
    let over = program.post(&format!("/orders/{id}/decline"), &json!({ "reason": "No." })).await.unwrap();
    assert_eq!(over.status, StatusCode::CONFLICT);
    for foreign in ["ord_01kb0c9w40e8ar2xtk7c0h8v4f", "inst_01kb0c9w40e8ar2xtk7c0h8v4f", "1", "%00", "ord_"] {
        for (method, below) in [(Method::GET, ""), (Method::POST, "/approve")] {
            let said = program.call(method, &format!("/orders/{foreign}{below}"), None, &[]).await.unwrap();
            assert_eq!(said.status, StatusCode::NOT_FOUND, "{foreign}{below}");
        }
        assert_eq!(ada.browser.get(&format!("/orders/{foreign}")).await.unwrap().status, StatusCode::NOT_FOUND);
        let answer = ada.browser.post(&format!("/orders/{foreign}/decline"), &[("reason", "x")]).await.unwrap();
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn an_order_that_is_cancelled_while_it_is_approved_is_one_or_the_other() {
    let office = Office::open("staff_cancel_race").await.unwrap();
    let workshop = &office.control.workshop;
    office.look_at_orders().await.unwrap();
    let jo = workshop.customer("jo").await.unwrap();
    let program = office.clerk("ada").await.unwrap().program().await.unwrap();
    for round in 0..6 {
        let id = workshop.order(&jo, &format!("birds{round}")).await.unwrap();
        // Buckets are for people who order as fast as they can.
        workshop.later(SignedDuration::from_mins(1));
        sqlx::query("DELETE FROM rate_limits").execute(&workshop.platform.pool).await.unwrap();
        let path = format!("/orders/{id}/approve");
        let (approved, cancelled) =
            tokio::join!(program.post(&path, &Value::Null), order::cancel(&workshop.platform, &jo.actor, id));
        let row = workshop.order_row(id).await.unwrap();
        match (approved.unwrap().status, cancelled.is_ok()) {
            (StatusCode::ACCEPTED, false) => {
                assert_eq!(row.state, Stands::Provisioning);
                assert!(row.instance.is_some() && row.cell.is_some());
            }
            (StatusCode::CONFLICT, true) => {
                assert_eq!(row.state, Stands::Cancelled);
                assert!(row.instance.is_none() && row.cell.is_none());
            }
            other => panic!("{other:?}: {row:?}"),
        }
    }
    let taken = office.control.count("SELECT taken::bigint FROM cell_room WHERE size = 'small'").await.unwrap();
    assert_eq!(taken, office.control.count("SELECT count(*) FROM instances").await.unwrap());
    assert_eq!(taken, office.control.count("SELECT count(*) FROM hostnames").await.unwrap());
}

#[tokio::test]
async fn two_of_us_at_once_decide_once() {
    let office = Office::open("staff_two").await.unwrap();
    let workshop = &office.control.workshop;
    office.look_at_orders().await.unwrap();
    let jo = workshop.customer("jo").await.unwrap();
    let ada = office.clerk("ada").await.unwrap().program().await.unwrap();
    let ben = office.clerk("ben").await.unwrap().program().await.unwrap();
    for round in 0..4 {
        let id = workshop.order(&jo, &format!("birds{round}")).await.unwrap();
        sqlx::query("DELETE FROM rate_limits").execute(&workshop.platform.pool).await.unwrap();
        let (approve, decline) = (format!("/orders/{id}/approve"), format!("/orders/{id}/decline"));
        let no = json!({ "reason": "No." });
        let statuses = if round % 2 == 0 {
            let (one, other) = tokio::join!(ada.post(&approve, &Value::Null), ben.post(&approve, &Value::Null));
            [one.unwrap().status, other.unwrap().status]
        } else {
            let (one, other) = tokio::join!(ada.post(&approve, &Value::Null), ben.post(&decline, &no));
            [one.unwrap().status, other.unwrap().status]
        };
        let good = statuses.iter().filter(|status| status.is_success()).count();
        assert_eq!(good, 1, "{statuses:?}");
        assert!(statuses.contains(&StatusCode::CONFLICT), "{statuses:?}");
    }
    let decided =
        office.audited("order.approve").await.unwrap().len() + office.audited("order.decline").await.unwrap().len();
    assert_eq!(decided, 4);
    let begun = "SELECT count(*) FROM operations WHERE kind = 'instance.create'";
    assert_eq!(
        office.control.count(begun).await.unwrap(),
        office.control.count("SELECT count(*) FROM instances").await.unwrap()
    );
}

#[tokio::test]
async fn a_request_that_is_sent_again_is_answered_as_before() {
    let office = Office::open("staff_again").await.unwrap();
    let workshop = &office.control.workshop;
    office.look_at_orders().await.unwrap();
    let jo = workshop.customer("jo").await.unwrap();
    let id = workshop.order(&jo, "birds").await.unwrap();
    let program = office.clerk("ada").await.unwrap().program().await.unwrap();
    let path = format!("/orders/{id}/approve");
    let send = async || program.call(Method::POST, &path, None, &[("idempotency-key", "once")]).await.unwrap();
    let (first, second) = (send().await, send().await);
    assert_eq!((first.status, second.status), (StatusCode::ACCEPTED, StatusCode::ACCEPTED));
    assert_eq!(first.body, second.body);
    let instance = workshop.order_row(id).await.unwrap().instance.unwrap();
    workshop.rest(workshop.newest(instance, Kind::CreateInstance).await.unwrap().id).await.unwrap();
    assert_eq!(state(&office, id).await, Stands::Done);
    assert_eq!(office.audited("order.approve").await.unwrap().len(), 1);
}
