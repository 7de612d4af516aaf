//! Lists are whole: page by page nothing is lost and nothing comes twice, whatever is added meanwhile.

use domain::Role;
use e2e::control::Control;
use e2e::program::Program;
use http::StatusCode;
use jiff::SignedDuration;
use serde_json::{Value, json};

fn ids(list: &Value) -> Vec<String> {
    let all = list["data"].as_array().unwrap().iter();
    all.map(|one| one["id"].as_str().map_or_else(|| one["id"].to_string(), str::to_owned)).collect()
}

/// All ids, read in pages of `limit`; between the first and the second page something happens.
async fn walk(program: &Program, path: &str, limit: usize, mut between: impl AsyncFnMut()) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    loop {
        let after = all.last().map(|id| format!("&starting_after={id}")).unwrap_or_default();
        let page = program.get(&format!("{path}?limit={limit}{after}")).await.unwrap();
        let found = ids(&page);
        assert!(found.len() <= limit, "{path}: {}", found.len());
        let first = all.is_empty();
        all.extend(found);
        if page["has_more"] != json!(true) {
            return all;
        }
        if first {
            between().await;
        }
    }
}

#[tokio::test]
async fn every_list_in_pages_is_the_whole_list() {
    let control = Control::open("api_lists").await.unwrap();
    let jo = control.person("jo").await.unwrap();
    let program = control.program(&jo).await.unwrap();
    let mut servers = Vec::new();
    for label in ["birds", "fish", "newts"] {
        servers.push(program.server(&control, jo.organization, label).await.unwrap());
    }
    for (name, role) in
        [("kim", Role::Admin), ("sam", Role::Moderator), ("pat", Role::Billing), ("alex", Role::Billing)]
    {
        let person = control.person(name).await.unwrap();
        control.join(&person, jo.organization, role).await.unwrap();
    }
    let server = format!("/instances/{}", servers[0]);
    for handle in ["grace", "ada", "mary"] {
        let reply = program.post(&format!("{server}/users"), json!({ "handle": handle })).await.unwrap();
        reply.expect(StatusCode::ACCEPTED).unwrap();
    }
    for _ in 0..3 {
        let reply = program.call("POST", &format!("{server}/exports"), None).await.unwrap();
        reply.expect(StatusCode::ACCEPTED).unwrap();
        control.settle().await.unwrap();
    }
    let organization = format!("/organizations/{}", jo.organization);
    for (path, least) in [
        (format!("{organization}/members"), 5),
        (format!("{organization}/audit"), 9),
        (format!("{organization}/orders"), 3),
        (format!("{organization}/instances"), 3),
        (format!("{organization}/operations"), 9),
        (format!("{server}/user-changes"), 3),
        (format!("{server}/exports"), 3),
        ("/organizations".to_owned(), 1),
    ] {
        let whole = program.get(&format!("{path}?limit=100")).await.unwrap();
        let whole = ids(&whole);
        assert!(whole.len() >= least, "{path}: {whole:?}");
        for limit in [1, 2] {
            assert_eq!(walk(&program, &path, limit, async || {}).await, whole, "{path} by {limit}");
        }
        let last = whole.last().unwrap();
        let after = program.get(&format!("{path}?starting_after={last}")).await.unwrap();
        assert_eq!((ids(&after).len(), &after["has_more"]), (0, &json!(false)), "{path}");
    }
}

#[tokio::test]
async fn what_is_added_meanwhile_moves_nothing() {
    let control = Control::open("api_lists_grow").await.unwrap();
    let jo = control.person("jo").await.unwrap();
    let program = control.program(&jo).await.unwrap();
    let many = "UPDATE organizations SET server_limit = 20";
    sqlx::query(many).execute(&control.workshop.platform.pool).await.unwrap();
    program.server(&control, jo.organization, "birds").await.unwrap();
    program.server(&control, jo.organization, "fish").await.unwrap();
    // Ids are made of the time.
    control.workshop.later(SignedDuration::from_secs(1));
    for list in ["orders", "instances", "operations", "audit"] {
        let path = format!("/organizations/{}/{list}", jo.organization);
        let before = ids(&program.get(&format!("{path}?limit=100")).await.unwrap());
        let seen = walk(&program, &path, 1, async || {
            control.workshop.later(SignedDuration::from_secs(1));
            program.server(&control, jo.organization, &format!("more-{list}")).await.map(drop).unwrap();
        });
        assert_eq!(seen.await, before, "{list}");
        sqlx::query("DELETE FROM rate_limits").execute(&control.workshop.platform.pool).await.unwrap();
    }
}

#[tokio::test]
async fn a_cursor_from_somebody_elses_list_leads_nowhere() {
    let control = Control::open("api_lists_foreign").await.unwrap();
    let (jo, kim) = (control.person("jo").await.unwrap(), control.person("kim").await.unwrap());
    let (mine, theirs) = (control.program(&jo).await.unwrap(), control.program(&kim).await.unwrap());
    let server = mine.server(&control, jo.organization, "birds").await.unwrap();
    let other = theirs.server(&control, kim.organization, "fish").await.unwrap();
    for (program, server) in [(&mine, &server), (&theirs, &other)] {
        program.call("POST", &format!("/instances/{server}/exports"), None).await.unwrap();
    }
    control.settle().await.unwrap();
    let foreign = ids(&theirs.get(&format!("/instances/{other}/exports")).await.unwrap()).remove(0);
    let page = mine.get(&format!("/instances/{server}/exports?starting_after={foreign}")).await.unwrap();
    assert_eq!(ids(&page).len(), 0, "when it was made is not told by how one's own list is cut");
}

#[tokio::test]
async fn what_happened_at_one_moment_is_listed_whole() {
    let control = Control::open("api_lists_moment").await.unwrap();
    let jo = control.person("jo").await.unwrap();
    let program = control.program(&jo).await.unwrap();
    let server = program.server(&control, jo.organization, "birds").await.unwrap();
    let pool = &control.workshop.platform.pool;
    for handle in ["grace", "eve", "ada"] {
        let path = format!("/instances/{server}/users");
        program.post(&path, json!({ "handle": handle })).await.unwrap().expect(StatusCode::ACCEPTED).unwrap();
        let path = format!("/instances/{server}/exports");
        program.call("POST", &path, None).await.unwrap().expect(StatusCode::ACCEPTED).unwrap();
        control.settle().await.unwrap();
        sqlx::query("DELETE FROM rate_limits").execute(pool).await.unwrap();
    }
    let listed = async |list: &str| walk(&program, &format!("/instances/{server}/{list}"), 1, async || {}).await;
    for (list, table) in [("exports", "exports"), ("user-changes", "account_changes")] {
        sqlx::query(sqlx::AssertSqlSafe(format!("UPDATE {table} SET created_at = '2026-12-01T12:00:00Z'")))
            .execute(pool)
            .await
            .unwrap();
        let mut all = listed(list).await;
        assert!(all.len() >= 3, "{list}: {all:?}");
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count, "{list}: none twice");
        // Ids are not the order in which they were made: one that was first seen late has a late one.
        let first = all.first().unwrap().clone();
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "UPDATE {table} SET created_at = '2026-12-01T12:00:01Z' WHERE id = (SELECT id FROM {table} ORDER BY id LIMIT 1)"
        )))
        .execute(pool)
        .await
        .unwrap();
        assert_eq!(listed(list).await.first(), Some(&first), "{list}: the newest first");
    }
}
