//! Every page of a server and an order, by role: one table. Whoever is not in the organization finds nothing there, however
//! they ask.

use domain::Role;
use e2e::control::{Control, Person};
use http::StatusCode;

use crate::claim::confirm;

/// What an answer means for whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum May {
    Yes,
    No,
    Nothing,
}

fn meaning(status: StatusCode) -> May {
    match status {
        StatusCode::FORBIDDEN => May::No,
        StatusCode::NOT_FOUND => May::Nothing,
        // Allowed, whether it is possible just now or not.
        status if status.is_server_error() => panic!("{status}"),
        _ => May::Yes,
    }
}

/// A page or a form below a server or an order, and who may: owner, admin, moderator, billing.
struct Row(&'static str, &'static str, [bool; 4]);

const ALL: [bool; 4] = [true; 4];
const RUN: [bool; 4] = [true, true, false, false];
const PEOPLE: [bool; 4] = [true, true, true, false];
const OWNER: [bool; 4] = [true, false, false, false];

const SERVER: &[Row] = &[
    Row("GET", "", ALL),
    Row("GET", "/guide", ALL),
    Row("GET", "/exports", ALL),
    Row("GET", "/exports/EXPORT", ALL),
    Row("GET", "/users", PEOPLE),
    Row("GET", "/users/remove?handle=grace", RUN),
    Row("GET", "/users/CHANGE", PEOPLE),
    Row("GET", "/history", PEOPLE),
    Row("GET", "/settings", RUN),
    Row("GET", "/login", OWNER),
    Row("GET", "/close", OWNER),
    Row("GET", "/exports/EXPORT/files/manifest.json", OWNER),
    Row("POST", "/users", PEOPLE),
    Row("POST", "/users/reset", PEOPLE),
    Row("POST", "/users/CHANGE", PEOPLE),
    Row("POST", "/users/remove", RUN),
    Row("POST", "/settings", RUN),
    Row("POST", "/pause", RUN),
    Row("POST", "/resume", RUN),
    Row("POST", "/reopen", RUN),
    Row("POST", "/exports", RUN),
    Row("POST", "/exports/recipient", RUN),
    Row("POST", "/work/WORK/retry", RUN),
    Row("POST", "/work/WORK/cancel", RUN),
    Row("POST", "/login", OWNER),
    Row("POST", "/login/reset", OWNER),
    Row("POST", "/close", OWNER),
    Row("POST", "/exports/EXPORT/download", OWNER),
    Row("POST", "/exports/EXPORT/script", OWNER),
    Row("POST", "/exports/EXPORT/key", OWNER),
    Row("POST", "/exports/EXPORT/key/show", OWNER),
];

const ORDER: &[Row] = &[
    Row("GET", "", ALL),
    Row("POST", "/accept", RUN),
    Row("POST", "/cancel", RUN),
    Row("POST", "/retry", RUN),
    Row("POST", "/email", RUN),
];

async fn ask(person: &mut Person, method: &str, path: &str) -> May {
    let answer = match method {
        "GET" => person.browser.get(path).await.unwrap(),
        _ => person.browser.post(path, &[("handle", "grace"), ("typed", "no"), ("version", "0")]).await.unwrap(),
    };
    let to = answer.location().unwrap_or_default();
    assert!(!to.starts_with("/log-in") && !to.starts_with("/password-again"), "{method} {path}: {to}");
    meaning(answer.status)
}

#[tokio::test]
async fn each_page_by_role_and_for_strangers() {
    let control = Control::open("servers_roles").await.unwrap();
    let mut owner = control.person("owner").await.unwrap();
    let server = owner.server(&control, "birds").await.unwrap();
    let export = owner.browser.post(&format!("{server}/exports"), &[]).await.unwrap().location().unwrap();
    let change =
        owner.browser.post(&format!("{server}/users"), &[("handle", "grace")]).await.unwrap().location().unwrap();
    control.settle().await.unwrap();
    let pool = &control.workshop.platform.pool;
    let text = "SELECT id FROM operations WHERE kind = 'instance.apply' OR kind = 'instance.create' LIMIT 1";
    let work: uuid::Uuid = sqlx::query_scalar(text).fetch_one(pool).await.unwrap();
    let order: uuid::Uuid = sqlx::query_scalar("SELECT id FROM orders").fetch_one(pool).await.unwrap();
    let order = format!("/orders/{}", domain::id::OrderId::from(order));
    let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let ids = [
        ("EXPORT", last(&export)),
        ("CHANGE", last(&change)),
        ("WORK", domain::id::OperationId::from(work).to_string()),
    ];
    let mut others = Vec::new();
    for (name, role) in [("admin", Role::Admin), ("moderator", Role::Moderator), ("billing", Role::Billing)] {
        let person = control.person(name).await.unwrap();
        control.join(&person, owner.organization, role).await.unwrap();
        others.push(person);
    }
    let mut stranger = control.person("stranger").await.unwrap();
    let mut nobody = control.browser();
    let mut wrong = Vec::new();
    for (base, rows) in [(&server, SERVER), (&order, ORDER)] {
        for Row(method, path, may) in rows {
            let path = ids.iter().fold(format!("{base}{path}"), |path, (name, id)| path.replace(name, id));
            // From the least to the most, so that what an owner does is not in the way of the others.
            for (at, may) in may.iter().enumerate().rev() {
                confirm(&control).await;
                sqlx::query("DELETE FROM rate_limits").execute(pool).await.unwrap();
                let person = if at == 0 { &mut owner } else { &mut others[at - 1] };
                let got = ask(person, method, &path).await;
                // What is not in the store is not there for its owner either.
                let absent = (path.ends_with("manifest.json") || path.ends_with("/script")) && at == 0;
                if !absent && (got == May::Yes) != *may {
                    wrong.push(format!(
                        "{method} {path} as {:?}: {got:?}",
                        ["owner", "admin", "moderator", "billing"][at]
                    ));
                }
            }
            let got = ask(&mut stranger, method, &path).await;
            if got != May::Nothing {
                wrong.push(format!("{method} {path} for a stranger: {got:?}"));
            }
            let answer = if *method == "GET" { nobody.get(&path).await } else { nobody.post(&path, &[]).await };
            let to = answer.unwrap().location().unwrap_or_default();
            if !to.starts_with("/log-in?next=") {
                wrong.push(format!("{method} {path} for nobody: {to}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(stranger.browser.get("/servers/nonsense").await.unwrap().status, StatusCode::NOT_FOUND);
    assert_eq!(stranger.browser.get("/orders/nonsense").await.unwrap().status, StatusCode::NOT_FOUND);
}
