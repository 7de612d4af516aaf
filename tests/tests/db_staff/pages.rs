//! All of staff's pages, with something on them.

use e2e::control::Answer;
use e2e::office::{Clerk, Office};
use http::StatusCode;

use crate::login::PAGES;

/// What a reader sees: without tags.
fn words(answer: &Answer) -> String {
    answer.text().split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect::<Vec<_>>().join(" ")
}

/// Beginnings of ids of texts: one that is missing shows its id.
const IDS: [&str; 13] = [
    "staff-",
    "need-",
    "hold-",
    "order-",
    "operation-",
    "report-",
    "entitlement-",
    "action-",
    "work-",
    "told-",
    "trail-",
    "nav-",
    "field-",
];

async fn check(clerk: &mut Clerk, path: &str, language: &str) -> Answer {
    let answer = clerk.browser.get_with(path, &[("accept-language", language)]).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    assert!(answer.says(&format!("<html lang=\"{language}\">")), "{path}");
    for word in words(&answer).split_whitespace() {
        let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        assert!(!IDS.iter().any(|id| word.starts_with(id)), "{path} in {language} shows {word}");
    }
    assert_eq!(answer.text().matches("<h1>").count(), 1, "{path}");
    answer
}

#[tokio::test]
async fn every_page_can_be_read_in_both_languages() {
    let office = Office::with_room("staff_pages", Some(2)).await.unwrap();
    let mut ada = office.clerk("ada").await.unwrap();
    for page in PAGES {
        for language in ["en", "de"] {
            check(&mut ada, page, language).await;
        }
    }
    // The same with something on them.
    let mut jo = office.control.person("jo").await.unwrap();
    let server = jo.server(&office.control, "birds").await.unwrap();
    let instance = server.replace("/servers/", "/instances/");
    office.look_at_orders().await.unwrap();
    let order = jo.order("trees").await.unwrap().location().unwrap();
    let waiting = jo.order("nests").await.unwrap().location().unwrap();
    let fields =
        [("server", "birds.servers.example"), ("category", "spam"), ("text", "Spam."), ("email", "eve@x.example")];
    office.control.browser().post("/abuse", &fields).await.unwrap().expect(StatusCode::OK).unwrap();
    let hold = [("kind", "staff"), ("reason", "Spam."), ("until", "2027-01-01")];
    ada.browser.post(&format!("{instance}/holds"), &hold).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
    let link =
        |answer: &Answer, path: &str| format!("{path}{}", answer.between(&format!("href=\"{path}"), "\"").unwrap());
    let hold = link(&ada.browser.get("/holds").await.unwrap(), "/holds/");
    let report = link(&ada.browser.get("/reports").await.unwrap(), "/reports/");
    let operation = link(&ada.browser.get("/operations").await.unwrap(), "/operations/");
    let organization = link(&ada.browser.get("/organizations").await.unwrap(), "/organizations/");
    let one = [&*instance, &*order, &*waiting, &*hold, &*report, &*operation, &*organization];
    let told = format!("{hold}?told=hold-lifted");
    for page in PAGES.into_iter().chain(one).chain([told.as_str(), "/audit?action=hold.place", "/orders?state=done"]) {
        for language in ["en", "de"] {
            check(&mut ada, page, language).await;
        }
    }
}

#[tokio::test]
async fn lists_are_searched_and_read_page_by_page() {
    let office = Office::open("staff_lists").await.unwrap();
    let mut ada = office.clerk("ada").await.unwrap();
    for number in 0..60 {
        office.control.workshop.customer(&format!("jo{number}")).await.unwrap();
    }
    let first = ada.browser.get("/organizations").await.unwrap();
    let rows = |answer: &Answer| answer.text().matches("<tr><td>").count();
    assert_eq!(rows(&first), 50);
    let older = format!("/organizations?&before={}", first.between("/organizations?&amp;before=", "\"").unwrap());
    assert_eq!(rows(&ada.browser.get(&older).await.unwrap()), 10);
    for (path, found) in [
        ("/organizations?q=JO59", 1),
        ("/organizations?q=jo5%40mail.example", 1),
        ("/organizations?q=%25", 0),
        ("/organizations?q=_", 0),
        ("/organizations?q=%00", 50),
        ("/organizations?q=nobody", 0),
        ("/organizations?before=x", 50),
        ("/organizations?before=%27%3B", 50),
    ] {
        let answer = ada.browser.get(path).await.unwrap().expect(StatusCode::OK).unwrap();
        assert_eq!(rows(&answer), found, "{path}");
    }
    for odd in [
        "/orders?state=x",
        "/operations?state=%00",
        "/audit?since=x&before=y&action=z&organization=1&instance=%00",
        "/instances?cell=%00&q=%ff",
    ] {
        assert_eq!(ada.browser.get(odd).await.unwrap().status, StatusCode::OK, "{odd}");
    }
}

#[tokio::test]
async fn the_audit_log_is_searched() {
    let office = Office::open("staff_audit").await.unwrap();
    let workshop = &office.control.workshop;
    let (mut ada, mut ben) = (office.clerk("ada").await.unwrap(), office.clerk("ben").await.unwrap());
    let jo = workshop.customer("jo").await.unwrap();
    let (birds, trees) = (workshop.server(&jo, "birds").await.unwrap(), workshop.server(&jo, "trees").await.unwrap());
    for (clerk, server, reason) in [(&mut ada, birds, "Spam."), (&mut ben, trees, "Malware.")] {
        let hold = [("kind", "staff"), ("reason", reason)];
        clerk
            .browser
            .post(&format!("/instances/{server}/holds"), &hold)
            .await
            .unwrap()
            .expect(StatusCode::SEE_OTHER)
            .unwrap();
    }
    for (query, there, not) in [
        ("action=hold.place", &["Spam.", "Malware."][..], &["Placed an order"][..]),
        ("action=hold.place&actor=ad", &["Spam."], &["Malware."]),
        (&*format!("action=hold.place&instance={trees}"), &["Malware."], &["Spam."]),
        ("action=hold.place&subject=birds", &["Spam."], &["Malware."]),
        (&*format!("action=hold.place&organization={}", jo.organization), &["Spam.", "Malware."], &[]),
        ("action=hold.place&since=2027-01-01", &[], &["Spam.", "Malware."]),
        ("actor=system", &[], &["Spam.", "Malware."]),
    ] {
        let text = words(&ada.browser.get(&format!("/audit?{query}")).await.unwrap());
        assert!(there.iter().all(|one| text.contains(one)), "{query}: {text}");
        assert!(!not.iter().any(|one| text.contains(one)), "{query}: {text}");
    }
}

#[tokio::test]
async fn how_many_servers_somebody_may_have() {
    let office = Office::open("staff_limit").await.unwrap();
    let workshop = &office.control.workshop;
    let mut ada = office.clerk("ada").await.unwrap();
    let jo = workshop.customer("jo").await.unwrap();
    let path = format!("/organizations/{}", jo.organization);
    let version = ada.browser.get(&path).await.unwrap().input("version").unwrap();
    let limit = format!("{path}/limit");
    for bad in ["-1", "x", "", "10001"] {
        let answer = ada.browser.post(&limit, &[("version", &version), ("limit", bad)]).await.unwrap();
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
    ada.browser
        .post(&limit, &[("version", &version), ("limit", "0")])
        .await
        .unwrap()
        .expect(StatusCode::SEE_OTHER)
        .unwrap();
    let stale = ada.browser.post(&limit, &[("version", &version), ("limit", "5")]).await.unwrap();
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    let refused = workshop.order(&jo, "birds").await.unwrap_err();
    assert!(refused.to_string().contains("limit-reached"), "{refused:#}");
    let none = "/organizations/org_01kb0c9w40e8ar2xtk7c0h8v4f";
    assert_eq!(ada.browser.get(none).await.unwrap().status, StatusCode::NOT_FOUND);
    let answer = ada.browser.post(&format!("{none}/limit"), &[("version", "1"), ("limit", "5")]).await.unwrap();
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}
