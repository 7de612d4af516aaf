//! Holds.

use control_plane::app::server::hold::{Wish, place};
use control_plane::app::{operation, server};
use control_plane::store;
use crd::Mode;
use domain::id::InstanceId;
use domain::operation::{Kind, Subject};
use domain::{Entitlement, HoldKind};
use e2e::office::Office;
use http::{Method, StatusCode};
use jiff::SignedDuration;
use serde_json::{Value, json};

async fn seen(office: &Office, instance: InstanceId) -> (Mode, Option<String>) {
    office.control.settle().await.unwrap();
    let row = office.control.workshop.instance(instance).await.unwrap();
    let object = office.control.workshop.cluster.find_instance(row.object_name.as_str()).unwrap();
    (object.spec.mode, object.spec.legal_hold)
}

#[tokio::test]
async fn a_held_server_stands_still_its_people_read_why_and_cannot_lift_it() {
    let office = Office::open("staff_hold").await.unwrap();
    let mut ada = office.clerk("ada").await.unwrap();
    let mut jo = office.control.person("jo").await.unwrap();
    let server = jo.server(&office.control, "birds").await.unwrap();
    let id: InstanceId = server.trim_start_matches("/servers/").parse().unwrap();
    let path = format!("/instances/{id}/holds");
    for (kind, reason, until, says) in [
        ("customer", "Spam.", "", "Please choose a kind that is ours to place."),
        ("", "Spam.", "", "Please choose a kind that is ours to place."),
        ("staff", "", "", "Please write something."),
        ("staff", "Spam.", "2026-12-01", "This is not a day to come."),
        ("staff", "Spam.", "soon", "This is not a day to come."),
        ("legal", "Court.", "2027-01-01", "A hold by law has no end"),
    ] {
        let answer = ada.browser.post(&path, &[("kind", kind), ("reason", reason), ("until", until)]).await.unwrap();
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{kind} {reason} {until}");
        assert!(answer.says(says), "{}", answer.text());
    }
    assert_eq!(office.control.count("SELECT count(*) FROM holds").await.unwrap(), 0);
    let fields = [("kind", "staff"), ("reason", "Spam from <i>here</i>."), ("until", "")];
    ada.browser.post(&path, &fields).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
    let twice = ada.browser.post(&path, &fields).await.unwrap();
    assert_eq!(twice.status, StatusCode::CONFLICT, "a form that is sent twice");
    assert_eq!(seen(&office, id).await.0, Mode::Frozen);

    let page = jo.browser.get(&server).await.unwrap();
    assert!(page.says("Suspended") && page.says("Spam from") && !page.says("<i>here"), "{}", page.text());
    let history = jo.browser.get(&format!("{server}/history")).await.unwrap();
    assert!(
        history.says("Stopped the server") && !history.says(">ada<"),
        "which of us it was is for us: {}",
        history.text()
    );
    let mails = office.mailed("jo@mail.example").await.unwrap();
    assert!(mails.contains(&"birds.servers.example has been stopped by us".to_owned()), "{mails:?}");
    let resume = jo.browser.post(&format!("{server}/resume"), &[]).await.unwrap();
    assert_eq!(resume.status, StatusCode::CONFLICT);
    // Their own pause comes and goes beside it.
    jo.browser
        .post(&format!("{server}/pause"), &[("reason", "")])
        .await
        .unwrap()
        .expect(StatusCode::SEE_OTHER)
        .unwrap();
    jo.browser.post(&format!("{server}/resume"), &[]).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
    assert_eq!(seen(&office, id).await.0, Mode::Frozen);

    let list = ada.browser.get("/holds").await.unwrap();
    let hold = format!("/holds/{}", list.between("href=\"/holds/", "\"").unwrap());
    ada.browser
        .post(&format!("{hold}/lift"), &[("why", "The police asked.")])
        .await
        .unwrap()
        .expect(StatusCode::SEE_OTHER)
        .unwrap();
    let again = ada.browser.post(&format!("{hold}/lift"), &[("why", "")]).await.unwrap();
    assert_eq!(again.status, StatusCode::CONFLICT);
    let page = ada.browser.get(&hold).await.unwrap();
    assert_eq!(page.text().matches("ada (staff)").count(), 2, "who placed and who lifted it: {}", page.text());
    assert_eq!(seen(&office, id).await.0, Mode::Running);
    assert!(jo.browser.get(&server).await.unwrap().says("Running"));
    assert!(!jo.browser.get(&format!("{server}/history")).await.unwrap().says("police"), "that is for us");
    assert!(ada.browser.get("/audit?action=hold.lift").await.unwrap().says("police"));
    assert_eq!(office.audited("hold.lift").await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_server_that_is_held_while_it_is_made_is_made_and_stands_still() {
    for before in [true, false] {
        let office = Office::open(&format!("staff_hold_birth_{before}")).await.unwrap();
        let workshop = &office.control.workshop;
        let mut ada = office.clerk("ada").await.unwrap();
        let mut jo = office.control.person("jo").await.unwrap();
        let order = jo.order("birds").await.unwrap().expect(StatusCode::SEE_OTHER).unwrap().location().unwrap();
        // The hold comes before the cell is asked for the server, or after.
        assert!(before || workshop.turn().await.unwrap());
        let list = ada.browser.get("/instances").await.unwrap();
        let instance = format!("/instances/{}", list.between("href=\"/instances/", "\"").unwrap());
        let hold = [("kind", "staff"), ("reason", "Spam."), ("until", "")];
        let placed = ada.browser.post(&format!("{instance}/holds"), &hold).await.unwrap();
        placed.expect(StatusCode::SEE_OTHER).unwrap();
        office.control.settle().await.unwrap();

        let id: InstanceId = instance.trim_start_matches("/instances/").parse().unwrap();
        assert_eq!(seen(&office, id).await.0, Mode::Frozen);
        assert_eq!(office.control.count("SELECT count(*) FROM orders WHERE state = 'done'").await.unwrap(), 1);
        let server = instance.replace("/instances/", "/servers/");
        assert!(jo.browser.get(&order).await.unwrap().says(&server));
        let page = jo.browser.get(&server).await.unwrap();
        assert!(page.says("Suspended") && page.says("Spam."), "{}", page.text());
        let login = jo.browser.get(&format!("{server}/login")).await.unwrap();
        assert!(login.says("Show it now"), "the password has come: {}", login.text());

        let list = ada.browser.get("/holds").await.unwrap();
        let hold = format!("/holds/{}", list.between("href=\"/holds/", "\"").unwrap());
        let lifted = ada.browser.post(&format!("{hold}/lift"), &[("why", "")]).await.unwrap();
        lifted.expect(StatusCode::SEE_OTHER).unwrap();
        office.control.settle().await.unwrap();
        assert!(jo.browser.get(&server).await.unwrap().says("Running"));
        let mails = office.mailed("jo@mail.example").await.unwrap();
        if before {
            assert!(!mails.iter().any(|subject| subject.ends_with("is ready")), "{mails:?}");
        }
    }
}

#[tokio::test]
async fn paying_lifts_no_hold_and_a_hold_takes_no_money() {
    let office = Office::open("staff_hold_money").await.unwrap();
    let workshop = &office.control.workshop;
    let program = office.clerk("ada").await.unwrap().program().await.unwrap();
    let jo = workshop.customer("jo").await.unwrap();
    let id = workshop.server(&jo, "birds").await.unwrap();
    let pay = async |entitlement: Entitlement| {
        let mut tx = workshop.begin().await.unwrap();
        store::instance::set_entitlement(&mut tx, id, entitlement).await.unwrap();
        let row = store::instance::find(&mut tx, id).await.unwrap().unwrap();
        let subject = Subject::Instance(id);
        operation::begin(&workshop.platform, &mut tx, &jo.actor, &row, Kind::ApplyInstance, subject).await.unwrap();
        tx.commit().await.unwrap();
    };
    pay(Entitlement::None).await;
    assert_eq!(seen(&office, id).await.0, Mode::Frozen);
    let body = json!({ "kind": "staff", "reason": "Spam." });
    let held =
        program.post(&format!("/instances/{id}/holds"), &body).await.unwrap().expect(StatusCode::CREATED).unwrap();
    pay(Entitlement::Full).await;
    assert_eq!(seen(&office, id).await.0, Mode::Frozen, "the invoice is paid, the abuse is not over");
    let hold = held.body["id"].as_str().unwrap();
    assert_eq!(held.headers["location"], *format!("/v1/staff/holds/{hold}"));
    pay(Entitlement::None).await;
    program.post(&format!("/holds/{hold}/lift"), &Value::Null).await.unwrap().expect(StatusCode::OK).unwrap();
    assert_eq!(seen(&office, id).await.0, Mode::Frozen, "the abuse is over, the invoice is not paid");
    pay(Entitlement::Full).await;
    assert_eq!(seen(&office, id).await.0, Mode::Running);
}

#[tokio::test]
async fn a_hold_by_law_goes_with_its_words_to_the_cell_and_stays_on_a_closed_server() {
    let office = Office::open("staff_legal").await.unwrap();
    let workshop = &office.control.workshop;
    let program = office.clerk("ada").await.unwrap().program().await.unwrap();
    let jo = workshop.customer("jo").await.unwrap();
    let id = workshop.server(&jo, "birds").await.unwrap();
    let body = json!({ "kind": "legal", "reason": "Court of X, 12/34." });
    let held =
        program.post(&format!("/instances/{id}/holds"), &body).await.unwrap().expect(StatusCode::CREATED).unwrap();
    let hold = format!("/holds/{}", held.body["id"].as_str().unwrap());
    assert_eq!(seen(&office, id).await, (Mode::Frozen, Some("Court of X, 12/34.".to_owned())));
    let tag = program.get(&hold).await.unwrap().tag();
    let change = json!({ "reason": "Court of X, 12/34, until further notice." });
    let send = async |tag: &str| program.call(Method::PATCH, &hold, Some(&change), &[("if-match", tag)]).await.unwrap();
    assert_eq!(
        program.call(Method::PATCH, &hold, Some(&change), &[]).await.unwrap().status,
        StatusCode::PRECONDITION_REQUIRED
    );
    assert_eq!(send("\"99\"").await.code(), "stale");
    let changed = send(&tag).await.expect(StatusCode::OK).unwrap();
    assert_ne!(changed.tag(), tag);
    assert_eq!(send(&tag).await.status, StatusCode::PRECONDITION_FAILED, "the second of two");
    assert_eq!(seen(&office, id).await.1.as_deref(), Some("Court of X, 12/34, until further notice."));
    let end = json!({ "reason": "x", "until": "2027-01-01T00:00:00Z" });
    let refused = program.call(Method::PATCH, &hold, Some(&end), &[("if-match", &changed.tag())]).await.unwrap();
    assert_eq!(refused.fields(), ["until:hold-legal-end"]);

    server::closing::close(&workshop.platform, &jo.actor, id, "birds.servers.example").await.unwrap();
    office.control.settle().await.unwrap();
    let (mode, legal) = seen(&office, id).await;
    assert!(mode == Mode::Closing && legal.is_some(), "what the purger looks at: {mode:?} {legal:?}");
    program.post(&format!("{hold}/lift"), &Value::Null).await.unwrap().expect(StatusCode::OK).unwrap();
    assert_eq!(seen(&office, id).await, (Mode::Closing, None));
}

#[tokio::test]
async fn two_of_us_at_once() {
    let office = Office::open("staff_hold_race").await.unwrap();
    let workshop = &office.control.workshop;
    let (ada, ben) = (
        office.clerk("ada").await.unwrap().program().await.unwrap(),
        office.clerk("ben").await.unwrap().program().await.unwrap(),
    );
    let jo = workshop.customer("jo").await.unwrap();
    let id = workshop.server(&jo, "birds").await.unwrap();
    let (path, body) = (format!("/instances/{id}/holds"), json!({ "kind": "staff", "reason": "Spam." }));
    let (one, other) = tokio::join!(ada.post(&path, &body), ben.post(&path, &body));
    let (one, other) = (one.unwrap(), other.unwrap());
    let mut statuses = [one.status, other.status];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::CREATED, StatusCode::CONFLICT]);
    let made = if one.status == StatusCode::CREATED { one } else { other };
    let hold = format!("/holds/{}", made.body["id"].as_str().unwrap());
    // Another reason is another hold: one is lifted, the other one stays.
    let second = ada.post(&path, &json!({ "kind": "staff", "reason": "Malware." })).await.unwrap();
    assert_eq!(second.status, StatusCode::CREATED);
    let tag = ada.get(&hold).await.unwrap().tag();
    let (a, b) = (json!({ "reason": "Spam, since May." }), json!({ "reason": "Spam, since June." }));
    let if_match = [("if-match", tag.as_str())];
    let (one, other) = tokio::join!(
        ada.call(Method::PATCH, &hold, Some(&a), &if_match),
        ben.call(Method::PATCH, &hold, Some(&b), &if_match)
    );
    let mut statuses = [one.unwrap().status, other.unwrap().status];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::OK, StatusCode::PRECONDITION_FAILED]);
    let lift = format!("{hold}/lift");
    let (one, other) = tokio::join!(ada.post(&lift, &Value::Null), ben.post(&lift, &Value::Null));
    let mut statuses = [one.unwrap().status, other.unwrap().status];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::OK, StatusCode::CONFLICT]);
    assert_eq!(seen(&office, id).await.0, Mode::Frozen, "for the other reason");
    assert_eq!(office.audited("hold.place").await.unwrap().len(), 2);
    assert_eq!(office.audited("hold.lift").await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_not_ours_or_not_there() {
    let office = Office::open("staff_hold_not").await.unwrap();
    let workshop = &office.control.workshop;
    let program = office.clerk("ada").await.unwrap().program().await.unwrap();
    let jo = workshop.customer("jo").await.unwrap();
    let id = workshop.server(&jo, "birds").await.unwrap();
    server::pause::pause(&workshop.platform, &jo.actor, id, "Holidays.".to_owned()).await.unwrap();
    let holds = program.get("/holds").await.unwrap();
    let pause = format!("/holds/{}", holds.body["data"][0]["id"].as_str().unwrap());
    let said = program.post(&format!("{pause}/lift"), &Value::Null).await.unwrap();
    assert_eq!((said.status, said.code()), (StatusCode::FORBIDDEN, "forbidden"), "their pause is theirs");
    let tag = program.get(&pause).await.unwrap().tag();
    let change = json!({ "reason": "x" });
    let said = program.call(Method::PATCH, &pause, Some(&change), &[("if-match", &tag)]).await.unwrap();
    assert_eq!(said.fields(), ["kind:hold-kind"]);
    for foreign in ["hld_01kb0c9w40e8ar2xtk7c0h8v4f", "x"] {
        let said = program.post(&format!("/holds/{foreign}/lift"), &Value::Null).await.unwrap();
        assert_eq!(said.status, StatusCode::NOT_FOUND);
    }
    let body = json!({ "kind": "staff", "reason": "Spam." });
    let said = program.post("/instances/inst_01kb0c9w40e8ar2xtk7c0h8v4f/holds", &body).await.unwrap();
    assert_eq!(said.status, StatusCode::NOT_FOUND);

    // One that ended by itself is over.
    let until = workshop.platform.now() + SignedDuration::from_hours(1);
    let wish = Wish { kind: HoldKind::Staff, reason: "A look.".parse().unwrap(), until: Some(until) };
    let short = place(&workshop.platform, &jo.actor, id, &wish).await.unwrap();
    workshop.later(SignedDuration::from_hours(1));
    let mut late = office.clerk("ben").await.unwrap();
    let late = late.program().await.unwrap();
    let said = late.post(&format!("/holds/{short}/lift"), &Value::Null).await.unwrap();
    assert_eq!(said.status, StatusCode::CONFLICT);
    // A server whose data were destroyed is held by nobody.
    sqlx::query("UPDATE instances SET purged_at = now()").execute(&workshop.platform.pool).await.unwrap();
    assert_eq!(late.post(&format!("/instances/{id}/holds"), &body).await.unwrap().status, StatusCode::CONFLICT);
}
