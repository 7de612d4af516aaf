//! What people do at the dashboard, in a browser, against the real operator and real pods. No page may break a rule of
//! accessibility, in light or dark, complain, or ask anybody else for anything.
#![cfg(test)]

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use e2e::node;
use e2e::node::visit::{held, visit};
use e2e::stage::{self, Person, Secrets, Stage};
use lab::demo;
use serde::Deserialize;
use serde_json::{Value, json};

/// What is posted, and found again elsewhere.
const WORDS: &str = "the first thing said here";
const REASON: &str = "Somebody reported that this server sends advertisements.";

#[derive(Deserialize)]
struct Ordered {
    server: String,
    password: String,
    steps: usize,
    untouched: bool,
    session: String,
    weights: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Taken {
    key: String,
    secret: String,
    parts: usize,
    session: String,
}

#[derive(Deserialize)]
struct Paused {
    status: u16,
    retry: Option<String>,
}

#[test]
fn a_server_is_ordered_watched_paused_and_taken_away() {
    stage::test(|stage| life(stage, "Reed", true));
}

#[test]
fn all_of_it_works_without_script_and_without_a_mouse() {
    stage::test(|stage| life(stage, "Sedge", false));
}

/// From the first page to the same server elsewhere.
async fn life(stage: &'static Stage, name: &str, script: bool) -> Result<()> {
    let person = Person::new(name)?;
    let (host, mut secrets) = (stage.host(&person), Secrets::default());
    let way = if script { "script" } else { "plain" };
    let told = json!({ "person": person.told(), "script": script, "label": person.label, "handle": person.handle });
    let ordered: Ordered = stage.journey("order", &format!("order-{way}"), told.clone()).await?;
    ensure!(ordered.untouched, "the page was loaded again, where it should have changed by itself");
    ensure!(ordered.steps > 0, "no step of the work was shown");
    ensure!(ordered.weights.values().all(|one| one["bytes"].as_u64() < Some(100_000)), "{:?}", ordered.weights);

    let app = stage.app(&person);
    let token = app.login(&person.handle, &ordered.password).await?.token;
    app.post(&token, WORDS).await?;
    let before = app.verify(&token).await?;
    secrets.add("the owner's password", &ordered.password)?;
    secrets.add("the password of the dashboard", &person.account.password)?;
    secrets.add("the session", &ordered.session)?;

    let work = tempfile::tempdir_in(node::cache()?.root())?;
    let mut given = told.clone();
    given["server"] = ordered.server.clone().into();
    given["host"] = host.clone().into();
    given["folder"] = work.path().display().to_string().into();
    let taken: Taken = stage.journey("export", &format!("export-{way}"), given.clone()).await?;
    ensure!(taken.parts > 0, "the manifest has no parts");
    secrets.add("the bundle's key", taken.key.lines().last().unwrap_or_default())?;
    secrets.add("the script's secret", &taken.secret)?;
    secrets.add("the second session", &taken.session)?;
    restore(stage, &person, &token, &taken, work.path()).await.context("elsewhere")?;

    pause(stage, &person, way, given).await?;
    ensure!(app.verify(&token).await? == before, "the server is not what it was");
    secrets.are_nowhere(stage).await
}

/// Fetches by the script, brings up on a plain Debian, and finds what was said.
async fn restore(stage: &Stage, person: &Person, token: &str, taken: &Taken, work: &std::path::Path) -> Result<()> {
    let host = stage.host(person);
    std::fs::write(work.join("key.txt"), &taken.key)?;
    let script = std::fs::read_to_string(work.join("fetch.sh"))?;
    demo::fetch(&stage.control, &script, work).await?;
    let manifest = std::fs::read(work.join("manifest.json"))?;
    ensure!(manifest == std::fs::read(work.join("bundle/manifest.json"))?, "browser and script got different files");
    let served = demo::boot(&node::cache()?, work, &host, &stage.cell.public_key).await?;
    let elsewhere = stage.cell.site.library.app(&served.base).as_host(&host);
    elsewhere.home_with(token, WORDS, 5).await?;
    Ok(())
}

/// Paused and woken up by the owner; held and let go by the host, which the owner cannot lift.
async fn pause(stage: &Stage, person: &Person, way: &str, given: Value) -> Result<()> {
    let (host, page) = (stage.host(person), given["server"].as_str().context("no server")?.to_owned());
    let paused: Paused = stage.journey("pause", &format!("pause-{way}"), given.clone()).await?;
    ensure!(paused.status == 503 && paused.retry.is_some(), "{} {:?}", paused.status, paused.retry);

    let hold = stage.hold(&page, REASON).await?;
    held(&stage.cell.site, &host).await?;
    let mut given = given;
    given["reason"] = REASON.into();
    given["held"] = true.into();
    let seen: Value = stage.journey("held", &format!("held-{way}"), given.clone()).await?;
    ensure!(seen["buttons"] == 0, "the owner may lift what is not theirs to lift");
    stage.lift(&page, hold).await?;
    given["held"] = false.into();
    stage.journey::<Value>("held", &format!("lifted-{way}"), given).await?;
    let answer = visit(&stage.cell.site, &host, "/").await?;
    ensure!(answer.code.is_success(), "{answer:?}");
    Ok(())
}

#[test]
fn a_server_is_closed_and_comes_back_as_it_was() {
    stage::test(async |stage| {
        let person = Person::new("Rush")?;
        let (mut customer, server) = stage.server(&person).await?;
        let password = customer.owner_password(&server).await?;
        let app = stage.app(&person);
        let token = app.login(&person.handle, &password).await?.token;
        app.post(&token, WORDS).await?;
        let before = app.verify(&token).await?;
        let given = json!({ "person": person.told(), "server": server, "host": stage.host(&person) });
        let closed: Value = stage.journey("close", "close", given).await?;
        ensure!(closed["title"].as_str().is_some_and(|title| title == "Closed"), "{closed}");
        ensure!(app.verify(&token).await? == before, "the server is not what it was");
        app.home_with(&token, WORDS, 10).await?;
        Ok(())
    });
}

#[test]
fn two_people_come_to_run_servers_together() {
    stage::test(async |stage| {
        let (person, other) = (Person::new("Iris")?, Person::new("Tansy")?);
        stage.control.dashboard.sign_up(&person.account, &person.name).await?;
        let given = json!({ "person": person.told(), "other": other.told() });
        let seen: Value = stage.journey("team", "team", given).await?;
        let mut secrets = Secrets::default();
        secrets.add("an API token", seen["token"].as_str().context("no token")?)?;
        secrets.add("the session", seen["session"].as_str().context("no session")?)?;
        secrets.are_nowhere(stage).await
    });
}
