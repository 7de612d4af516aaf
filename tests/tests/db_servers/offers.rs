//! Offers from a file.

use control_plane::actor::Actor;
use control_plane::app::offer::{parse, sync};
use e2e::control::Control;
use http::StatusCode;

const FILE: &str = r#"
[[offer]]
slug = "snac-small"
flavour = "snac"
software-version = "2.75"
size = "small"
price-minor = 300
currency = "EUR"
tax = "inclusive"
period = "month"
approval = "none"
name = { en = "Small", de = "Klein" }
description = { en = "For a few.", de = "Für wenige." }
"#;

#[tokio::test]
async fn a_change_is_a_new_version_and_who_has_the_old_one_keeps_it() {
    let control = Control::open("servers_offers").await.unwrap();
    let (platform, actor) = (&control.workshop.platform, Actor::system());
    let run = async |text: &str| sync(platform, &actor, parse(text).unwrap()).await.unwrap();
    let mut jo = control.person("jo").await.unwrap();
    let server = jo.server(&control, "birds").await.unwrap();

    assert_eq!(run(FILE).await.revised, ["snac-small"]);
    assert!(run(FILE).await.is_nothing(), "a repeat does nothing");
    let page = jo.browser.get("/order").await.unwrap();
    assert!(page.says("€3.00 a month, tax included") && page.says("Order with an obligation to pay"));
    // What costs something waits for one of us, because nobody takes the money yet.
    assert!(page.says("We look at each order first"));

    // Beside one that is free, the button says what belongs to the one that is chosen.
    let free = FILE.replace("snac-small", "snac-tiny").replace("300", "0");
    assert_eq!(run(&format!("{FILE}{free}")).await.added, ["snac-tiny"]);
    let both = jo.browser.get("/order").await.unwrap();
    assert!(both.says("class=\"when-paid\"") && both.says("class=\"when-free\" hidden"), "{}", both.text());
    assert_eq!(both.text().matches("class=\"free\"").count(), 1);
    assert_eq!(run(FILE).await.retired, ["snac-tiny"]);

    let old = page.input("offer").unwrap();
    assert_eq!(run(&FILE.replace("300", "400")).await.revised, ["snac-small"]);
    let fields = [
        ("organization", page.input("organization").unwrap()),
        ("offer", old),
        ("label", "trees".to_owned()),
        ("zone", page.input("zone").unwrap()),
        ("owner_handle", "owner".to_owned()),
        ("owner_email", "owner@mail.example".to_owned()),
        ("agree", "yes".to_owned()),
        ("terms", page.input("terms").unwrap()),
        ("processing", page.input("processing").unwrap()),
    ];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = jo.browser.post("/order", &fields).await.unwrap().expect(StatusCode::CONFLICT).unwrap();
    assert!(
        answer.says("The offer has changed") && answer.says("€4.00"),
        "the new price is shown before it is agreed to"
    );
    assert_eq!(run(&FILE.replace("300", "400").replace("2.75", "2.76")).await.moved, ["snac-small"]);
    assert_eq!(run("").await.retired, ["snac-small"]);
    assert!(jo.browser.get("/order").await.unwrap().says("Nothing can be ordered just now"));
    assert_eq!(run(FILE).await.added, ["snac-small"]);
    assert_eq!(control.count("SELECT count(*) FROM offers").await.unwrap(), 5, "nothing is ever deleted");
    assert!(jo.browser.get(&server).await.unwrap().says("Running"));
}
