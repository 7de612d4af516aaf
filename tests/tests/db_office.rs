//! What customers and staff do with each other, in browsers: pages of both sides, with a cell in memory behind them. No page may
//! break a rule of accessibility, in light or dark, complain, or ask anybody else for anything.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};

use control_plane::actor::Actor;
use control_plane::app::offer::{parse, sync};
use control_plane::text::Texts;
use domain::Locale;
use e2e::control::{PASSWORD, Person};
use e2e::counter::Counter;
use e2e::page::Page;
use serde::Deserialize;
use serde_json::{Value, json};

/// One offer that is free and one that is not.
const OFFERS: &str = r#"
[[offer]]
slug = "snac-small"
flavour = "snac"
software-version = "2.75"
size = "small"
price-minor = 0
currency = "EUR"
tax = "inclusive"
period = "month"
approval = "none"
name = { en = "Small", de = "Klein" }
description = { en = "For a few.", de = "Für wenige." }

[[offer]]
slug = "snac-large"
flavour = "snac"
software-version = "2.75"
size = "large"
price-minor = 900
currency = "EUR"
tax = "inclusive"
period = "month"
approval = "staff"
name = { en = "Large", de = "Groß" }
description = { en = "For many.", de = "Für viele." }
"#;

/// Somebody with an account, and how journeys are told of them. Names are a test's own: the mailbox is everybody's.
async fn person(counter: &Counter, name: &str) -> (Person, Value) {
    let person = counter.office.control.person(name).await.unwrap();
    (person, json!({ "email": format!("{name}@mail.example"), "password": PASSWORD }))
}

#[tokio::test]
async fn an_order_waits_for_staff_who_let_it_go_ahead_or_say_why_not() {
    let counter = Counter::open("office_approval", None).await.unwrap();
    counter.office.look_at_orders().await.unwrap();
    let ((_, jo), (_, kim)) = (person(&counter, "jo").await, person(&counter, "kim").await);
    let given = json!({ "person": jo, "other": kim, "clerk": counter.clerk("ada").await.unwrap() });
    counter.journey::<Value>("approval", given).await.unwrap();
    let control = &counter.office.control;
    let declined = "SELECT count(*) FROM orders WHERE state = 'declined' AND reason LIKE '%fireworks%'";
    assert_eq!(control.count(declined).await.unwrap(), 1);
    assert_eq!(control.count("SELECT count(*) FROM orders WHERE state = 'done'").await.unwrap(), 1);
}

#[tokio::test]
async fn who_waits_is_offered_the_place_that_staff_make() {
    let counter = Counter::open("office_waitlist", Some(1)).await.unwrap();
    let (mut lou, _) = person(&counter, "lou").await;
    lou.server(&counter.office.control, "birds").await.unwrap();
    let (_, max) = person(&counter, "max").await;
    let given = json!({ "person": max, "clerk": counter.clerk("ada").await.unwrap() });
    let seen: Value = counter.journey("waitlist", given).await.unwrap();
    let until = seen["until"].as_str().unwrap();
    assert!(until.contains("Take it before 4 Dec 2026, 12:00 UTC"), "72 hours: {until}");
    assert_eq!(counter.office.control.workshop.room().await.unwrap(), Some((2, 2)));
}

#[tokio::test]
async fn what_is_reported_is_stopped_answered_and_let_go() {
    let counter = Counter::open("office_abuse", None).await.unwrap();
    let (mut eve, told) = person(&counter, "eve").await;
    let server = eve.server(&counter.office.control, "pills").await.unwrap();
    let reporter = "reporter@elsewhere.example";
    let given = json!({
        "person": told, "server": server, "host": "pills.servers.example", "reporter": reporter,
        "clerk": counter.clerk("ada").await.unwrap(),
    });
    let seen: Value = counter.journey("abuse", given).await.unwrap();
    assert_eq!(seen["resumes"], 0, "the owner may lift what is not theirs to lift");
    let answered = counter.mailed(reporter, seen["answer"].as_str().unwrap()).await.unwrap();
    assert!(answered.contains("pills.servers.example"), "{answered}");
    let owner = counter.mailed("eve@mail.example", seen["reason"].as_str().unwrap()).await.unwrap();
    assert!(!owner.contains(reporter), "who reported it is nobody's business: {owner}");
}

/// All English texts without values that are others in German.
fn english() -> BTreeSet<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/locales/en");
    let files = std::fs::read_dir(folder).unwrap().map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let ids: Vec<String> = files
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter(|line| line.starts_with(|letter: char| letter.is_ascii_lowercase()) && !line.contains('$'))
        .filter_map(|line| line.split_once(" = ").map(|(id, _)| id.to_owned()))
        .collect();
    let texts = |locale| -> BTreeSet<String> { ids.iter().map(|id| Texts::new(locale).get(id)).collect() };
    let found: BTreeSet<String> = texts(Locale::En).difference(&texts(Locale::De)).cloned().collect();
    assert!(found.len() > 500, "{} texts", found.len());
    found
}

#[derive(Deserialize)]
struct German {
    pages: BTreeMap<String, String>,
    paid: String,
    free: String,
}

#[tokio::test]
async fn who_reads_german_reads_no_english_from_sign_up_to_a_server() {
    let counter = Counter::open("office_german", None).await.unwrap();
    let control = &counter.office.control;
    sync(&control.workshop.platform, &Actor::system(), parse(OFFERS).unwrap()).await.unwrap();
    let gerda = json!({ "email": "gerda@mail.example", "password": PASSWORD, "name": "Gerda" });
    let given = json!({ "person": gerda, "label": "reiher", "host": "reiher.servers.example" });
    let seen: German = counter.journey("german", given).await.unwrap();
    assert_eq!((&*seen.paid, &*seen.free), ("Zahlungspflichtig bestellen", "Zu diesen Bedingungen bestellen"));
    let english = english();
    for (name, html) in &seen.pages {
        assert!(html.contains("<html lang=\"de\">"), "{name} says that it is in another language");
        let texts = Page::read(html).unwrap().texts;
        let found: Vec<&String> = texts.iter().filter(|text| english.contains(*text)).collect();
        assert!(found.is_empty(), "{name}: {found:?}");
    }
    let mail = counter.mailed("gerda@mail.example", "reiher.servers.example ist bereit").await.unwrap();
    assert!(mail.contains("Hallo Gerda"), "{mail}");
}
