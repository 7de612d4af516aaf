//! Made-up requests, good and bad, for every endpoint of the API and of staff's: none is answered with a failure of ours, and none in a way that
//! is not described.
#![cfg(test)]

use std::path::PathBuf;
use std::time::Duration;

use e2e::control::{Control, Person};
use e2e::office::Office;
use e2e::program::Program;
use http::StatusCode;
use lab::cache::Cache;
use lab::schemathesis::{Schemathesis, Trial};
use serde_json::{Value, json};

/// Refusals that it does not know for what they are: `If-Match` is no version, or is not there (RFC 6585 §3).
const EXPECTED: &str = "
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422, 428, 429]
[checks.missing_required_header]
expected-statuses = [401, 403, 428]
";
/// As many requests are made up for each endpoint.
const EXAMPLES: &str = "12";
/// What is looked at in each answer.
const ANSWERS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
                       response_schema_conformance";
/// What must be refused. A cookie is always sent, so that it is not looked at without.
const REFUSALS: &str =
    "negative_data_rejection,missing_required_header,unsupported_method,allow_header_conformance,ignored_auth";

/// What the program is told besides its arguments: things with which the paths are filled, so that more than `404` is answered.
fn config(ids: &[(&str, String)]) -> String {
    let mut text = "[parameters]\n".to_owned();
    for (name, id) in ids {
        text += &format!("\"path.{name}\" = {id:?}\n");
    }
    text + EXPECTED
}

/// A server with one thing of each kind.
async fn things(control: &Control, program: &Program, person: &Person) -> Vec<(&'static str, String)> {
    let server = program.server(control, person.organization, "birds").await.unwrap();
    let path = format!("/instances/{server}");
    let change = program.post(&format!("{path}/users"), json!({ "handle": "grace" })).await.unwrap();
    let export = program.call("POST", &format!("{path}/exports"), None).await.unwrap();
    control.settle().await.unwrap();
    let orders = program.get(&format!("/organizations/{}/orders", person.organization)).await.unwrap();
    vec![
        ("organization", person.organization.to_string()),
        ("instance", server),
        ("order", orders["data"][0]["id"].as_str().unwrap().to_owned()),
        ("operation", change.expect(StatusCode::ACCEPTED).unwrap().text("id").to_owned()),
        ("export", export.expect(StatusCode::ACCEPTED).unwrap().text("export").to_owned()),
    ]
}

/// Keeps everything going: work is done, shares are full. The clock stands still, so that nobody's token ends.
async fn keep_going(control: &Control) {
    loop {
        let pool = &control.workshop.platform.pool;
        sqlx::query("DELETE FROM rate_limits").execute(pool).await.unwrap();
        while control.workshop.turn().await.unwrap() {}
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What is tried, and by whom.
struct Attempt<'a> {
    /// The description, below `docs`.
    description: &'a str,
    /// Where it is served.
    base: String,
    config: String,
    checks: String,
    /// How they prove who they are.
    header: String,
}

async fn try_with(control: &Control, attempt: Attempt<'_>) {
    let program = Schemathesis::prepare(&Cache::open(None).unwrap()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let description = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs").join(attempt.description);
    let args = [
        "--header",
        &attempt.header,
        "--checks",
        &attempt.checks,
        "--max-examples",
        EXAMPLES,
        "--seed",
        "7",
        "--phases",
        "examples,coverage,fuzzing",
        "--generation-database",
        "none",
        "--workers",
        "1",
        "--request-timeout",
        "30",
        "--continue-on-failure",
        "--warnings",
        "off",
    ];
    let trial = Trial { description: &description, base: &attempt.base, config: &attempt.config, args: &args };
    tokio::select! {
        done = program.run(folder.path(), &trial) => println!("{}", done.unwrap()),
        () = keep_going(control) => unreachable!("it goes on"),
        () = tokio::time::sleep(Duration::from_secs(300)) => panic!("it does not end"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn for_a_program() {
    let control = Control::open("schema_token").await.unwrap();
    let person = control.person("jo").await.unwrap();
    let ids = things(&control, &control.program(&person).await.unwrap(), &person).await;
    let scopes = domain::scope::Scope::ALL.iter().copied().collect();
    let token = control.token(person.account, person.organization, &scopes).await.unwrap();
    let served = control.serve().await.unwrap();
    let attempt = Attempt {
        description: "openapi.json",
        base: format!("{}/v1", served.url),
        config: config(&ids),
        checks: format!("{ANSWERS},{REFUSALS}"),
        header: format!("Authorization: Bearer {token}"),
    };
    try_with(&control, attempt).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn for_a_person_in_a_browser() {
    let control = Control::open("schema_session").await.unwrap();
    let person = control.person("jo").await.unwrap();
    let ids = things(&control, &control.program(&person).await.unwrap(), &person).await;
    let pool = &control.workshop.platform.pool;
    sqlx::query("UPDATE sessions SET confirmed_until = '2100-01-01'").execute(pool).await.unwrap();
    let served = control.serve().await.unwrap();
    let attempt = Attempt {
        description: "openapi.json",
        base: format!("{}/v1", served.url),
        config: config(&ids),
        checks: ANSWERS.to_owned(),
        header: format!("Cookie: {}", person.browser.cookie().unwrap()),
    };
    try_with(&control, attempt).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn for_a_program_of_staff() {
    let office = Office::open("schema_staff").await.unwrap();
    let control = &office.control;
    let person = control.person("jo").await.unwrap();
    let mut ids = things(control, &control.program(&person).await.unwrap(), &person).await;
    let mut stranger = control.browser();
    let told = [("server", "birds.servers.example"), ("category", "harassment"), ("text", "They threaten me.")];
    let told = told.into_iter().chain([("links", ""), ("email", "eve@elsewhere.example")]).collect::<Vec<_>>();
    stranger.post("/abuse", &told).await.unwrap().expect(StatusCode::OK).unwrap();
    // One that waits for staff.
    office.look_at_orders().await.unwrap();
    let customers = control.program(&person).await.unwrap();
    let wish = customers.wish(person.organization, "newts").await.unwrap();
    let order = customers.post(&format!("/organizations/{}/orders", person.organization), wish).await.unwrap();
    ids.retain(|(name, _)| *name != "order");
    ids.push(("order", order.expect(StatusCode::CREATED).unwrap().text("id").to_owned()));
    // Logged in last: work that was waited for has moved the clock.
    let program = office.clerk("ada").await.unwrap().program().await.unwrap();
    let server = ids.iter().find(|(name, _)| *name == "instance").unwrap().1.clone();
    let hold = json!({ "kind": "staff", "reason": "It is looked at." });
    let hold = program.post(&format!("/instances/{server}/holds"), &hold).await.unwrap();
    let id = |body: &Value| body["id"].as_str().unwrap().to_owned();
    let first = async |list: &str| id(&program.get(&format!("/{list}")).await.unwrap().body["data"][0]);
    ids.push(("hold", id(&hold.expect(StatusCode::CREATED).unwrap().body)));
    ids.extend([("cell", first("cells").await), ("report", first("reports").await), ("size", "small".to_owned())]);
    let served = office.serve().await.unwrap();
    let attempt = Attempt {
        description: "openapi-staff.json",
        base: format!("{}/v1/staff", served.url),
        config: config(&ids),
        checks: format!("{ANSWERS},{REFUSALS}"),
        header: format!("Authorization: Bearer {}", program.token.as_deref().unwrap()),
    };
    try_with(control, attempt).await;
}
