//! Reports of abuse, from the public form to what comes of it.

use control_plane::worker::prune;
use crd::Mode;
use domain::id::InstanceId;
use e2e::control::{Answer, Browser};
use e2e::office::Office;
use http::StatusCode;
use jiff::SignedDuration;
use serde_json::{Value, json};

async fn report(browser: &mut Browser, server: &str, text: &str) -> Answer {
    let fields = [
        ("server", server),
        ("category", "harassment"),
        ("links", ""),
        ("text", text),
        ("email", "eve@elsewhere.example"),
    ];
    browser.post("/abuse", &fields).await.unwrap()
}

#[tokio::test]
async fn a_report_is_read_answered_and_stops_a_server() {
    let office = Office::open("staff_report").await.unwrap();
    let mut ada = office.clerk("ada").await.unwrap();
    let mut jo = office.control.person("jo").await.unwrap();
    let server = jo.server(&office.control, "birds").await.unwrap();
    let id: InstanceId = server.trim_start_matches("/servers/").parse().unwrap();
    let mut eve = office.control.browser();
    assert!(eve.get("/").await.unwrap().says("href=\"/abuse\""));
    assert!(eve.get("/abuse?server=birds.servers.example").await.unwrap().says("value=\"birds.servers.example\""));
    let done = report(&mut eve, "https://birds.servers.example/@jo", "They <script>threaten</script> me.").await;
    assert!(
        done.status == StatusCode::OK && done.says("Your report about birds.servers.example is here"),
        "{}",
        done.text()
    );
    assert_eq!(
        office.mailed("eve@elsewhere.example").await.unwrap(),
        ["We have your report about birds.servers.example"]
    );
    assert_eq!(
        office.mailed("help@steppe.example").await.unwrap(),
        ["Abuse reported: harassment on birds.servers.example"]
    );

    assert!(ada.browser.get("/").await.unwrap().says("A report of abuse waits for a decision"));
    let queue = ada.browser.get("/reports?state=open").await.unwrap();
    let path = format!("/reports/{}", queue.between("href=\"/reports/", "\"").unwrap());
    let page = ada.browser.get(&path).await.unwrap();
    assert!(page.says("threaten") && !page.says("<script>threaten") && page.says(&format!("/instances/{id}")));
    // Its people do not read of it, nor who said so.
    for below in ["", "/history"] {
        let page = jo.browser.get(&format!("{server}{below}")).await.unwrap();
        assert!(!page.says("elsewhere.example") && !page.says("Reported abuse"), "{}", page.text());
    }
    let empty = ada.browser.post(&format!("{path}/answer"), &[("answer", " ")]).await.unwrap();
    assert!(empty.status == StatusCode::UNPROCESSABLE_ENTITY && empty.says("Please write something."));
    let answer = [("answer", "We look at it.")];
    ada.browser.post(&format!("{path}/answer"), &answer).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
    let no_reason = [("kind", "staff"), ("reason", ""), ("answer", "It is over.")];
    let refused = ada.browser.post(&format!("{path}/hold"), &no_reason).await.unwrap();
    assert!(
        refused.status == StatusCode::UNPROCESSABLE_ENTITY && refused.says("It is over."),
        "what was typed is kept"
    );
    office.control.workshop.later(SignedDuration::from_secs(1));
    let hold = [("kind", "staff"), ("reason", "Threats by @jo."), ("answer", "It is over.")];
    ada.browser.post(&format!("{path}/hold"), &hold).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
    for (below, fields) in [("hold", &hold[..]), ("dismiss", &answer[..]), ("answer", &answer[..])] {
        let late = ada.browser.post(&format!("{path}/{below}"), fields).await.unwrap();
        assert_eq!(late.status, StatusCode::CONFLICT, "{below}");
    }
    office.control.settle().await.unwrap();
    let row = office.control.workshop.instance(id).await.unwrap();
    assert_eq!(
        office.control.workshop.cluster.find_instance(row.object_name.as_str()).unwrap().spec.mode,
        Mode::Frozen
    );
    let page = jo.browser.get(&server).await.unwrap();
    assert!(page.says("Suspended") && page.says("Threats by @jo.") && !page.says("elsewhere.example"));
    let mails = office.control.workshop.mails().await.unwrap();
    let answers: Vec<&str> = mails
        .iter()
        .filter(|mail| mail.subject == "Your report about birds.servers.example")
        .map(|mail| if mail.text.contains("We look at it.") { "first" } else { "second" })
        .collect();
    assert_eq!(answers, ["first", "second"]);
    let told = office.mailed("jo@mail.example").await.unwrap();
    assert!(told.contains(&"birds.servers.example has been stopped by us".to_owned()), "{told:?}");
    let history = jo.browser.get(&format!("{server}/history")).await.unwrap();
    assert!(history.says("Stopped the server") && !history.says("report"), "{}", history.text());
    ada.browser.post(&format!("{path}/reopen"), &[]).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
    assert_eq!(ada.browser.post(&format!("{path}/reopen"), &[]).await.unwrap().status, StatusCode::CONFLICT);
    assert_eq!(office.control.count("SELECT count(*) FROM holds WHERE lifted_at IS NULL").await.unwrap(), 1);
}

#[tokio::test]
async fn of_two_decisions_at_once_one_counts() {
    let office = Office::open("staff_report_race").await.unwrap();
    let workshop = &office.control.workshop;
    let jo = workshop.customer("jo").await.unwrap();
    workshop.server(&jo, "birds").await.unwrap();
    report(&mut office.control.browser(), "birds.servers.example", "Spam.").await;
    let (ada, ben) = (
        office.clerk("ada").await.unwrap().program().await.unwrap(),
        office.clerk("ben").await.unwrap().program().await.unwrap(),
    );
    let id = ada.get("/reports?state=open").await.unwrap().body["data"][0]["id"].as_str().unwrap().to_owned();
    let (dismiss, hold) = (format!("/reports/{id}/dismiss"), format!("/reports/{id}/hold"));
    let (no, yes) = (json!({ "answer": "Nothing wrong." }), json!({ "hold": { "kind": "staff", "reason": "Spam." } }));
    let (one, other) = tokio::join!(ada.post(&dismiss, &no), ben.post(&hold, &yes));
    let (one, other) = (one.unwrap(), other.unwrap());
    let holds = office.control.count("SELECT count(*) FROM holds").await.unwrap();
    let answers = office.control.count("SELECT count(*) FROM mails WHERE template = 'report-answered'").await.unwrap();
    match (one.status, other.status) {
        (StatusCode::OK, StatusCode::CONFLICT) => assert_eq!((holds, answers), (0, 1)),
        (StatusCode::CONFLICT, StatusCode::OK) => {
            assert_eq!((holds, answers), (1, 0));
            assert!(
                other.body["hold"].is_string() && other.body["decision"] == "held" && other.body["handled_by"] == "ben"
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(office.audited("report.close").await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_server_that_is_not_ours_is_answered_and_not_stopped() {
    let office = Office::open("staff_report_other").await.unwrap();
    report(&mut office.control.browser(), "@them@far.example", "Spam.").await;
    let mut ada = office.clerk("ada").await.unwrap();
    let program = ada.program().await.unwrap();
    let report = program.get("/reports").await.unwrap().body["data"][0].clone();
    assert_eq!((report["hostname"].as_str(), &report["instance"]), (Some("far.example"), &Value::Null));
    let id = report["id"].as_str().unwrap();
    let body = json!({ "hold": { "kind": "staff", "reason": "Spam." } });
    assert_eq!(program.post(&format!("/reports/{id}/hold"), &body).await.unwrap().code(), "wrong-state");
    assert!(ada.browser.get("/reports").await.unwrap().says("not one of ours"));
    let closed =
        program.post(&format!("/reports/{id}/dismiss"), &json!({})).await.unwrap().expect(StatusCode::OK).unwrap();
    assert_eq!((closed.body["state"].as_str(), closed.body["decision"].as_str()), (Some("closed"), Some("dismissed")));
    for foreign in ["rep_01kb0c9w40e8ar2xtk7c0h8v4f", "x"] {
        let said = program.post(&format!("/reports/{foreign}/dismiss"), &json!({})).await.unwrap();
        assert_eq!(said.status, StatusCode::NOT_FOUND);
        assert_eq!(ada.browser.get(&format!("/reports/{foreign}")).await.unwrap().status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn what_cannot_be_reported_is_said_and_nobody_fills_our_queue_or_a_mailbox() {
    let office = Office::open("staff_report_bad").await.unwrap();
    let mut eve = office.control.browser();
    let good = [
        ("server", "birds.servers.example"),
        ("category", "spam"),
        ("links", "https://birds.servers.example/1"),
        ("text", "Spam."),
        ("email", "eve@elsewhere.example"),
    ];
    let with = |name: &'static str, value: &str| -> Vec<(&str, String)> {
        good.iter().map(|(key, old)| (*key, if *key == name { value.to_owned() } else { (*old).to_owned() })).collect()
    };
    for (name, value, says) in [
        ("server", "", "This is not the name of a server."),
        ("server", "birds", "This is not the name of a server."),
        ("category", "", "Please choose what it is about."),
        ("category", "<script>", "Please choose what it is about."),
        ("text", " ", "Please write something."),
        ("text", &"x".repeat(10_001), "This is too long."),
        ("text", "a\u{202e}b", "signs in it that cannot be shown"),
        ("links", &"x".repeat(4001), "This is too long."),
        ("email", "eve", "A mail address looks like"),
        ("email", "eve@elsewhere.example\nBcc: all@x.example", "mail address"),
    ] {
        let fields = with(name, value);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let answer = eve.post("/abuse", &fields).await.unwrap();
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        assert!(answer.says(says) && !answer.says("<script>"), "{name}: {}", answer.text());
    }
    assert_eq!(office.control.count("SELECT count(*) FROM abuse_reports").await.unwrap(), 0);
    for _ in 0..5 {
        eve.post("/abuse", &good).await.unwrap().expect(StatusCode::OK).unwrap();
    }
    let tired = eve.post("/abuse", &good).await.unwrap();
    assert!(tired.status == StatusCode::TOO_MANY_REQUESTS && tired.input("server").unwrap() == "birds.servers.example");
    // From elsewhere it is taken, without one more receipt to the same address.
    office.control.browser().post("/abuse", &good).await.unwrap().expect(StatusCode::OK).unwrap();
    assert_eq!(office.control.count("SELECT count(*) FROM abuse_reports").await.unwrap(), 6);
    assert_eq!(office.control.count("SELECT count(*) FROM mails WHERE template = 'report-received'").await.unwrap(), 5);
}

#[tokio::test]
async fn what_was_answered_is_forgotten_after_a_year_as_what_was_closed_is() {
    let office = Office::open("staff_report_forgotten").await.unwrap();
    let mut ada = office.clerk("ada").await.unwrap();
    let mut jo = office.control.person("jo").await.unwrap();
    jo.server(&office.control, "birds").await.unwrap();
    let mut eve = office.control.browser();
    for (text, done) in [("One.", Some(("answer", "answer"))), ("Two.", Some(("dismiss", "answer"))), ("Three.", None)]
    {
        report(&mut eve, "birds.servers.example", text).await;
        let queue = ada.browser.get("/reports?state=open").await.unwrap();
        let path = format!("/reports/{}", queue.between("href=\"/reports/", "\"").unwrap());
        if let Some((form, field)) = done {
            let told = ada.browser.post(&format!("{path}/{form}"), &[(field, "We have looked.")]).await.unwrap();
            told.expect(StatusCode::SEE_OTHER).unwrap();
        }
    }
    let left = async || {
        prune::once(office.control.workshop.platform.clone()).await.unwrap();
        let sql = "SELECT text FROM abuse_reports ORDER BY text";
        sqlx::query_scalar::<_, String>(sql).fetch_all(&office.control.workshop.platform.pool).await.unwrap()
    };
    office.control.workshop.later(SignedDuration::from_hours(364 * 24));
    assert_eq!(left().await, ["One.", "Three.", "Two."]);
    office.control.workshop.later(SignedDuration::from_hours(2 * 24));
    assert_eq!(left().await, ["Three."], "what nobody has looked at waits on");
}
