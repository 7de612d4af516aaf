//! Made-up requests, good and bad, for every endpoint of the API: none is answered with a failure of ours, and none in a way that
//! is not described.
#![cfg(test)]

use std::path::PathBuf;
use std::time::Duration;

use e2e::control::{Control, Person};
use e2e::program::Program;
use http::StatusCode;
use lab::cache::Cache;
use lab::schemathesis::{Schemathesis, Trial};
use serde_json::json;

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

/// Things with which the paths are filled, so that more than `404` is answered.
async fn config(control: &Control, program: &Program, person: &Person) -> String {
    let server = program.server(control, person.organization, "birds").await.unwrap();
    let path = format!("/instances/{server}");
    let change = program.post(&format!("{path}/users"), json!({ "handle": "grace" })).await.unwrap();
    let export = program.call("POST", &format!("{path}/exports"), None).await.unwrap();
    control.settle().await.unwrap();
    let orders = program.get(&format!("/organizations/{}/orders", person.organization)).await.unwrap();
    let ids = [
        ("organization", person.organization.to_string()),
        ("instance", server),
        ("order", orders["data"][0]["id"].as_str().unwrap().to_owned()),
        ("operation", change.expect(StatusCode::ACCEPTED).unwrap().text("id").to_owned()),
        ("export", export.expect(StatusCode::ACCEPTED).unwrap().text("export").to_owned()),
    ];
    let mut text = "[parameters]\n".to_owned();
    for (name, id) in ids {
        text += &format!("\"path.{name}\" = {id:?}\n");
    }
    text + EXPECTED
}

/// Keeps everything going: work is done, shares are full.
async fn keep_going(control: &Control) {
    loop {
        let pool = &control.workshop.platform.pool;
        sqlx::query("DELETE FROM rate_limits").execute(pool).await.unwrap();
        control.settle().await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn try_with(name: &str, checks: &str, header: impl AsyncFnOnce(&Control, &Person) -> String) {
    let program = Schemathesis::prepare(&Cache::open(None).unwrap()).await.unwrap();
    let control = Control::open(name).await.unwrap();
    let person = control.person("jo").await.unwrap();
    let config = config(&control, &control.program(&person).await.unwrap(), &person).await;
    let header = header(&control, &person).await;
    let served = control.serve().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let description = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    let base = format!("{}/v1", served.url);
    let args = [
        "--header",
        &header,
        "--checks",
        checks,
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
    let trial = Trial { description: &description, base: &base, config: &config, args: &args };
    tokio::select! {
        done = program.run(folder.path(), &trial) => println!("{}", done.unwrap()),
        () = keep_going(&control) => unreachable!("it goes on"),
        () = tokio::time::sleep(Duration::from_secs(300)) => panic!("it does not end"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn for_a_program() {
    let header = async |control: &Control, person: &Person| {
        let scopes = domain::scope::Scope::ALL.iter().copied().collect();
        let token = control.token(person.account, person.organization, &scopes).await.unwrap();
        format!("Authorization: Bearer {token}")
    };
    try_with("schema_token", &format!("{ANSWERS},{REFUSALS}"), header).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn for_a_person_in_a_browser() {
    let header = async |control: &Control, person: &Person| {
        let pool = &control.workshop.platform.pool;
        sqlx::query("UPDATE sessions SET confirmed_until = '2100-01-01'").execute(pool).await.unwrap();
        format!("Cookie: {}", person.browser.cookie().unwrap())
    };
    try_with("schema_session", ANSWERS, header).await;
}
