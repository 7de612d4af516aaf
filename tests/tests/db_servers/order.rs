//! Ordering.

use domain::operation::Kind;
use e2e::control::Control;
use http::StatusCode;
use jiff::SignedDuration;

#[tokio::test]
async fn a_form_becomes_a_server() {
    let control = Control::open("servers_order").await.unwrap();
    let mut jo = control.person("jo").await.unwrap();
    let empty = jo.browser.get("/").await.unwrap();
    assert!(empty.says("No server yet") && empty.says("href=\"/order\""));

    let order = jo.order("Birds ").await.unwrap().expect(StatusCode::SEE_OTHER).unwrap().location().unwrap();
    let page = jo.browser.get(&order).await.unwrap();
    assert!(page.says("birds.servers.example") && page.says("Being set up") && page.says("Free of charge"));
    assert!(jo.browser.get("/").await.unwrap().says("Being set up"));

    control.settle().await.unwrap();
    let page = jo.browser.get(&order).await.unwrap();
    assert!(page.says("Your server is ready."), "{}", page.text());
    let server = format!("/servers/{}", page.between("href=\"/servers/", "\"").unwrap());
    let page = jo.browser.get(&server).await.unwrap();
    for text in ["Running", "https://birds.servers.example", "@owner@birds.servers.example", "Your log-in is here"] {
        assert!(page.says(text), "{text}: {}", page.text());
    }
    let mails = control.workshop.mails().await.unwrap();
    // Both are of the same moment of the tests' clock: either may go first.
    let ordered = mails.iter().find(|mail| mail.subject == "Your order for birds.servers.example").unwrap();
    assert!(ordered.text.contains(&order), "{}", ordered.text);
    assert!(mails[1..].iter().any(|mail| mail.subject == "birds.servers.example is ready"));
    assert_eq!(mails.len(), 3);
}

#[tokio::test]
async fn of_two_orders_for_one_name_at_once_one_wins_and_the_other_keeps_what_was_typed() {
    let control = Control::open("servers_twins").await.unwrap();
    let (mut jo, mut kim) = (control.person("jo").await.unwrap(), control.person("kim").await.unwrap());
    let (one, other) = tokio::join!(jo.order("birds"), kim.order("birds"));
    let mut answers = [one.unwrap(), other.unwrap()];
    answers.sort_by_key(|answer| answer.status);
    assert_eq!(answers.each_ref().map(|answer| answer.status), [StatusCode::SEE_OTHER, StatusCode::CONFLICT]);
    let lost = &answers[1];
    assert!(lost.says("This name is taken"));
    assert_eq!(lost.input("label").unwrap(), "birds");
    assert_eq!(lost.input("owner_handle").unwrap(), "owner");
    assert_eq!(control.count("SELECT count(*) FROM hostnames").await.unwrap(), 1);
    assert_eq!(control.count("SELECT count(*) FROM orders").await.unwrap(), 1);
    assert_eq!(control.count("SELECT taken::bigint FROM cell_room WHERE size = 'small'").await.unwrap(), 1);
}

#[tokio::test]
async fn nobody_gets_more_servers_than_they_may_nor_orders_as_fast_as_they_can() {
    let control = Control::open("servers_limit").await.unwrap();
    let mut jo = control.person("jo").await.unwrap();
    sqlx::query("UPDATE organizations SET server_limit = 1").execute(&control.workshop.platform.pool).await.unwrap();
    jo.order("birds").await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
    for label in ["trees", "nests", "eggs"] {
        let refused = jo.order(label).await.unwrap().expect(StatusCode::CONFLICT).unwrap();
        assert!(refused.says("You have as many servers as you may"));
    }
    jo.order("seeds").await.unwrap().expect(StatusCode::CONFLICT).unwrap();
    let tired = jo.order("roots").await.unwrap().expect(StatusCode::TOO_MANY_REQUESTS).unwrap();
    assert!(tired.says("Please wait") && tired.input("label").unwrap() == "roots");
    assert_eq!(control.count("SELECT count(*) FROM hostnames").await.unwrap(), 1, "a refused order holds no name");
}

#[tokio::test]
async fn what_cannot_be_is_said_at_its_field_and_holds_nothing() {
    let control = Control::open("servers_bad_input").await.unwrap();
    let mut jo = control.person("jo").await.unwrap();
    let form = jo.browser.get("/order").await.unwrap();
    let good: Vec<(&str, String)> = ["organization", "offer", "zone", "terms", "processing"]
        .into_iter()
        .map(|name| (name, form.input(name).unwrap()))
        .chain([
            ("label", "birds".to_owned()),
            ("owner_handle", "owner".to_owned()),
            ("owner_email", "owner@mail.example".to_owned()),
            ("agree", "yes".to_owned()),
        ])
        .collect();
    let long = "x".repeat(5000);
    let rows = [
        ("label", "", "A name has 3 to 40 characters."),
        ("label", "ab", "A name has 3 to 40 characters."),
        ("label", &long, "A name has 3 to 40 characters."),
        ("label", "аpple", "Only the letters a to z"),
        ("label", "a.b.c", "Only the letters a to z"),
        ("label", "<b>x</b>", "Only the letters a to z"),
        ("label", "-birds", "does not begin or end with a hyphen"),
        ("label", "xn--pple-43d", "kept for encoded names"),
        ("label", "12345", "There must be a letter in it."),
        ("label", "admin", "kept for the service itself"),
        ("zone", "", "the name is too long"),
        ("owner_handle", "", "1 to 30 small letters"),
        ("owner_handle", "o'wner", "1 to 30 small letters"),
        ("owner_email", "owner", "name@domain.example"),
        ("offer", "", "Please choose one."),
        ("offer", "ofr_nonsense 0 EUR", "Please choose one."),
        ("terms", "1999-01", "The terms have changed meanwhile."),
    ];
    for (name, value, said) in rows {
        // Asking for too much too fast is another test.
        sqlx::query("DELETE FROM rate_limits").execute(&control.workshop.platform.pool).await.unwrap();
        let fields: Vec<(&str, &str)> =
            good.iter().map(|(field, good)| (*field, if *field == name { value } else { good.as_str() })).collect();
        let answer = jo.browser.post("/order", &fields).await.unwrap();
        let status = answer.status;
        assert!(answer.says(said) && status == StatusCode::UNPROCESSABLE_ENTITY, "{name}={value:.30}: {status}");
        assert!(!answer.says("<b>x</b>"));
    }
    let other_zone: Vec<(&str, &str)> =
        good.iter().map(|(f, v)| (*f, if *f == "zone" { "evil.example" } else { v.as_str() })).collect();
    jo.browser.post("/order", &other_zone).await.unwrap().expect(StatusCode::CONFLICT).unwrap();
    let dearer: Vec<(&str, String)> =
        good.iter().map(|(f, v)| (*f, if *f == "offer" { v.replace(" 0 ", " 1 ") } else { v.clone() })).collect();
    let dearer: Vec<(&str, &str)> = dearer.iter().map(|(f, v)| (*f, v.as_str())).collect();
    let changed = jo.browser.post("/order", &dearer).await.unwrap().expect(StatusCode::CONFLICT).unwrap();
    assert!(changed.says("The offer has changed"));
    for table in ["SELECT count(*) FROM hostnames", "SELECT count(*) FROM orders", "SELECT count(*) FROM instances"] {
        assert_eq!(control.count(table).await.unwrap(), 0, "{table}");
    }
}

#[tokio::test]
async fn a_name_can_be_looked_up_before_it_is_ordered() {
    let control = Control::open("servers_check").await.unwrap();
    let mut jo = control.person("jo").await.unwrap();
    let ask = [("label", "birds"), ("zone", "servers.example"), ("check", "yes")];
    assert!(jo.browser.post("/order", &ask).await.unwrap().says("This name is free."));
    jo.order("birds").await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
    assert!(jo.browser.post("/order", &ask).await.unwrap().says("This name is taken."));
}

#[tokio::test]
async fn whoever_has_not_confirmed_their_address_holds_no_name() {
    let control = Control::open("servers_unconfirmed").await.unwrap();
    let mut jo = control.person("jo").await.unwrap();
    let pool = &control.workshop.platform.pool;
    sqlx::query("UPDATE accounts SET email_confirmed_at = NULL").execute(pool).await.unwrap();
    let refused = jo.browser.get("/order").await.unwrap().expect(StatusCode::FORBIDDEN).unwrap();
    assert!(refused.says("Please confirm your mail address first"));
    let answer = jo.browser.post("/order", &[("label", "birds")]).await.unwrap();
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(control.count("SELECT count(*) FROM hostnames").await.unwrap(), 0);
}

#[tokio::test]
async fn what_staff_must_agree_to_waits_with_its_name_and_can_be_cancelled() {
    let control = Control::open("servers_approval").await.unwrap();
    let pool = &control.workshop.platform.pool;
    sqlx::query("UPDATE offers SET approval = 'staff'").execute(pool).await.unwrap();
    let mut jo = control.person("jo").await.unwrap();
    let order = jo.order("birds").await.unwrap().expect(StatusCode::SEE_OTHER).unwrap().location().unwrap();
    let page = jo.browser.get(&order).await.unwrap();
    assert!(page.says("Being looked at") && page.says("Cancel the order"));
    assert_eq!(control.count("SELECT count(*) FROM instances").await.unwrap(), 0, "nothing is begun");
    let held: i64 =
        control.count("SELECT extract(epoch FROM held_until - created_at)::bigint FROM hostnames").await.unwrap();
    assert_eq!(SignedDuration::from_secs(held), SignedDuration::from_hours(48));
    jo.browser.post(&format!("{order}/cancel"), &[]).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
    assert!(jo.browser.get(&order).await.unwrap().says("You cancelled this order."));
    assert_eq!(control.count("SELECT count(*) FROM hostnames").await.unwrap(), 0, "the name is free");
    assert_eq!(control.count("SELECT taken::bigint FROM cell_room WHERE size = 'small'").await.unwrap(), 0);
    let again = jo.browser.post(&format!("{order}/cancel"), &[]).await.unwrap();
    assert_eq!(again.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_wrong_address_of_the_owner_is_corrected_until_the_server_is_there() {
    let control = Control::open("servers_correct").await.unwrap();
    let mut jo = control.person("jo").await.unwrap();
    let order = jo.order("birds").await.unwrap().location().unwrap();
    let path = format!("{order}/email");
    let wrong = jo.browser.post(&path, &[("owner_email", "nobody")]).await.unwrap();
    assert!(wrong.says("name@domain.example") && wrong.status == StatusCode::UNPROCESSABLE_ENTITY);
    let right = [("owner_email", "right@mail.example")];
    jo.browser.post(&path, &right).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
    assert!(jo.browser.get(&order).await.unwrap().says("right@mail.example"));
    let both = "SELECT count(*) FROM orders o JOIN instances i ON i.order_id = o.id AND i.owner_email = o.owner_email";
    assert_eq!(control.count(both).await.unwrap(), 1);
    control.settle().await.unwrap();
    assert_eq!(jo.browser.post(&path, &right).await.unwrap().status, StatusCode::CONFLICT);
}

/// What a worker writes when a server could not be made.
async fn fail(control: &Control) {
    let pool = &control.workshop.platform.pool;
    for sql in [
        "UPDATE operations SET state = 'failed', reason = 'cell-refused', finished_at = created_at, lease_until = NULL",
        "UPDATE orders SET state = 'failed', reason = 'cell-refused', until = created_at + interval '7 days'",
    ] {
        sqlx::query(sql).execute(pool).await.unwrap();
    }
}

#[tokio::test]
async fn what_failed_is_tried_again_by_the_same_operation() {
    let control = Control::open("servers_retry").await.unwrap();
    let mut jo = control.person("jo").await.unwrap();
    let order = jo.order("birds").await.unwrap().location().unwrap();
    fail(&control).await;
    let page = jo.browser.get(&order).await.unwrap();
    assert!(page.says("Could not be set up") && page.says("home refused this") && page.says("Try again"));
    jo.browser.post(&format!("{order}/retry"), &[]).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
    control.settle().await.unwrap();
    assert!(jo.browser.get(&order).await.unwrap().says("Your server is ready."));
    let made = "SELECT count(*) FROM operations WHERE kind = 'instance.create'";
    assert_eq!(control.count(made).await.unwrap(), 1, "no failed one is left over");
}

#[tokio::test]
async fn what_failed_and_is_cancelled_is_closed_and_keeps_its_name_to_itself() {
    let control = Control::open("servers_give_up").await.unwrap();
    let (mut jo, mut kim) = (control.person("jo").await.unwrap(), control.person("kim").await.unwrap());
    let order = jo.order("birds").await.unwrap().location().unwrap();
    fail(&control).await;
    jo.browser.post(&format!("{order}/cancel"), &[]).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
    assert!(jo.browser.get(&order).await.unwrap().says("You cancelled this order."));
    let instance: (uuid::Uuid,) =
        sqlx::query_as("SELECT id FROM instances").fetch_one(&control.workshop.platform.pool).await.unwrap();
    let close = control.workshop.newest(instance.0.into(), Kind::CloseInstance).await;
    assert!(close.is_ok(), "what may be in the cell is closed");
    assert_eq!(kim.order("birds").await.unwrap().status, StatusCode::CONFLICT, "its cell may know the name");
}
