//! The API as programs use it.

use e2e::office::Office;
use http::{Method, StatusCode, header};
use serde_json::{Value, json};

#[tokio::test]
async fn lists_are_paged_narrowed_down_and_refuse_what_they_do_not_know() {
    let office = Office::open("staff_api_lists").await.unwrap();
    let workshop = &office.control.workshop;
    for name in ["jo", "kim", "lou"] {
        let one = workshop.customer(name).await.unwrap();
        workshop.server(&one, &format!("birds-{name}")).await.unwrap();
    }
    let program = office.clerk("ada").await.unwrap().program().await.unwrap();
    for list in ["orders", "organizations", "instances", "operations", "audit"] {
        let all = program.get(&format!("/{list}?limit=100")).await.unwrap();
        let all: Vec<Value> = all.body["data"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
        let mut found = Vec::new();
        let mut path = format!("/{list}?limit=2");
        loop {
            let page = program.get(&path).await.unwrap();
            let ids: Vec<Value> = page.body["data"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
            found.extend(ids);
            if page.body["has_more"] != json!(true) {
                break;
            }
            let last = found.last().unwrap().to_string();
            path = format!("/{list}?limit=2&starting_after={}", last.trim_matches('"'));
        }
        assert_eq!(found, all, "{list}: none twice and none left out");
        assert!(all.len() >= 3, "{list}");
        for bad in ["limit=0", "limit=101", "limit=x", "starting_after=x", "starting_after=%00"] {
            let said = program.call(Method::GET, &format!("/{list}?{bad}"), None, &[]).await.unwrap();
            assert_eq!(said.status, StatusCode::UNPROCESSABLE_ENTITY, "{list}?{bad}");
        }
    }
    let count = async |path: &str| program.get(path).await.unwrap().body["data"].as_array().unwrap().len();
    assert_eq!(count("/orders?state=done").await, 3);
    assert_eq!(count("/orders?state=approval").await, 0);
    assert_eq!(count("/instances?q=BIRDS-K").await, 1);
    assert_eq!(count("/instances?cell=one").await, 3);
    assert_eq!(count("/instances?cell=two").await, 0);
    assert_eq!(count("/organizations?q=lou%40").await, 1);
    assert_eq!(count("/audit?action=order.place&limit=50").await, 3);
    for (path, field) in [
        ("/orders?state=x", "state:state-unknown"),
        ("/operations?state=", "state:state-unknown"),
        ("/reports?state=Open", "state:state-unknown"),
        ("/audit?action=x", "action:action-unknown"),
        ("/audit?instance=x", "instance:id-form"),
        ("/audit?since=yesterday", "since:time-form"),
        ("/instances?q=%00", "q:text-characters"),
        ("/audit?actor=%00", "actor:text-characters"),
    ] {
        let said = program.call(Method::GET, path, None, &[]).await.unwrap();
        assert_eq!((said.status, said.fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec![field.to_owned()]), "{path}");
    }
}

#[tokio::test]
async fn every_answer_is_json_and_no_bad_input_breaks_anything() {
    let office = Office::open("staff_api_bad").await.unwrap();
    let program = office.clerk("ada").await.unwrap().program().await.unwrap();
    let document = serde_json::to_value(control_plane::staff::api::document()).unwrap();
    let ids = [
        ("order", "ord"),
        ("organization", "org"),
        ("instance", "inst"),
        ("hold", "hld"),
        ("cell", "cel"),
        ("operation", "op"),
        ("report", "rep"),
    ];
    let bodies = [
        json!({}),
        json!([]),
        json!(7),
        json!("x"),
        json!({ "reason": 7 }),
        json!({ "nothing": null }),
        json!({ "reason": "x\u{0}" }),
    ];
    let mut calls = 0;
    for (template, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let mut path = template.clone();
            for (name, prefix) in ids {
                path = path.replace(&format!("{{{name}}}"), &format!("{prefix}_01kb0c9w40e8ar2xtk7c0h8v4f"));
            }
            path = path.replace("{size}", "small");
            for body in [None].into_iter().chain(bodies.iter().map(Some)) {
                for headers in [&[][..], &[("if-match", "\"1\"")][..], &[("idempotency-key", "")][..]] {
                    let said = program.call(method.clone(), &path, body, headers).await.unwrap();
                    assert!(!said.status.is_server_error(), "{method} {path} {body:?}: {} {}", said.status, said.body);
                    assert!(!said.body.is_null(), "{method} {path}");
                    if said.status.is_client_error() {
                        let kind = said.headers[header::CONTENT_TYPE].to_str().unwrap();
                        assert_eq!(kind, "application/problem+json", "{method} {path}");
                        assert!(!said.code().is_empty());
                    }
                    calls += 1;
                }
            }
        }
    }
    assert!(calls > 500, "{calls}");
    let nowhere = program.call(Method::GET, "/nowhere", None, &[]).await.unwrap();
    assert_eq!((nowhere.status, nowhere.code()), (StatusCode::NOT_FOUND, "not-found"));
    for path in ["/v1", "/v1/", "/v1/nowhere", "/v1/nowhere/", "/v1/staff", "/v1/staff/", "/v1/staff/nowhere"] {
        for mut browser in [office.browser(), office.control.browser()] {
            for answer in [browser.get(path).await.unwrap(), browser.post(path, &[]).await.unwrap()] {
                let kind = answer.header("content-type").to_owned();
                let told = (answer.status, kind.as_str());
                assert_eq!(told, (StatusCode::NOT_FOUND, "application/problem+json"), "{path}");
            }
        }
    }
    let wrong = program.call(Method::DELETE, "/cells", None, &[]).await.unwrap();
    assert_eq!((wrong.status, wrong.code()), (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed"));
}

#[tokio::test]
async fn the_description_is_served_and_names_every_kind_of_thing() {
    let office = Office::open("staff_api_doc").await.unwrap();
    let served = office.stranger().get("/openapi.json").await.unwrap();
    assert_eq!(served.body["openapi"].as_str().map(|text| &text[..3]), Some("3.1"));
    assert_eq!(served.body["servers"][0]["url"], "/v1/staff");
    let names: Vec<&String> = served.body["components"]["schemas"].as_object().unwrap().keys().collect();
    for name in ["StaffOrder", "StaffHold", "StaffCell", "StaffOperation", "StaffReport", "ProblemBody"] {
        assert!(names.iter().any(|one| *one == name), "{name}: {names:?}");
    }
}
