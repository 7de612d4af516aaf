//! The account: password, sessions, name and language, and its end.

use e2e::desk::{Desk, PASSWORD};
use jiff::SignedDuration;

const NEW: &str = "seven curlews over mud";

#[tokio::test]
async fn the_password_is_changed_by_whoever_knows_it_and_others_are_logged_out() {
    let desk = Desk::open("password").await.unwrap();
    let ada = desk.person("Ada", "ada@birds.example").await.unwrap();
    let elsewhere = desk.log_in(&ada.email).await.unwrap();
    let change = async |current: &str, password: &str| {
        ada.browser.post("/account/password", &[("current", current), ("password", password)]).await.unwrap()
    };
    let wrong = change("not the password at all", NEW).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("href=\"#current\"") && wrong.body.contains("aria-invalid=\"true\""), "{}", wrong.body);
    assert_eq!(change(PASSWORD, "ada@birds.example1").await.status, 422);
    assert_eq!(elsewhere.get("/account").await.unwrap().status, 200);
    assert_eq!(change(PASSWORD, NEW).await.location.as_deref(), Some("/account?told=password-changed"));
    assert_eq!(elsewhere.get("/account").await.unwrap().status, 303);
    assert_eq!(ada.browser.get("/account").await.unwrap().status, 200);
    // The same form once more: the old password is not the one any more.
    assert_eq!(change(PASSWORD, NEW).await.status, 422);
}

#[tokio::test]
async fn of_two_password_changes_at_once_one_wins() {
    let desk = Desk::open("password_race").await.unwrap();
    let ada = desk.person("Ada", "ada@birds.example").await.unwrap();
    let change = async |password: &str| {
        let fields = [("current", PASSWORD), ("password", password)];
        ada.browser.post("/account/password", &fields).await.unwrap().status
    };
    let mut statuses: [u16; 2] = tokio::join!(change(NEW), change("nine sandpipers at dusk")).into();
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 422]);
}

#[tokio::test]
async fn what_hurts_asks_for_the_password_and_leads_back() {
    let desk = Desk::open("again").await.unwrap();
    let ada = desk.person("Ada", "ada@birds.example").await.unwrap();
    assert_eq!(ada.browser.get("/account/delete").await.unwrap().status, 200);
    desk.clock.advance(SignedDuration::from_mins(16));
    let asked = ada.browser.get("/account/delete").await.unwrap();
    assert_eq!(asked.location.as_deref(), Some("/password-again?next=%2Faccount%2Fdelete"));
    let sent = ada.browser.post_from("/account/delete", "/account/delete", &[("sure", "yes")]).await.unwrap();
    assert_eq!(
        sent.location.as_deref(),
        Some("/password-again?next=%2Faccount%2Fdelete"),
        "a form leads back to its page"
    );
    let before = ada.browser.cookies();
    let wrong = ada.browser.post("/password-again", &[("password", NEW), ("next", "/account/delete")]).await.unwrap();
    assert_eq!(wrong.status, 422);
    let right = [("password", PASSWORD), ("next", "/account/delete")];
    let done = ada.browser.post("/password-again", &right).await.unwrap();
    assert_eq!(done.location.as_deref(), Some("/account/delete"));
    assert_ne!(ada.browser.cookies(), before, "whoever proves anew who they are gets a new proof");
    assert_eq!(ada.browser.get("/account/delete").await.unwrap().status, 200);
    let away = [("password", PASSWORD), ("next", "//evil.example")];
    assert_eq!(ada.browser.post("/password-again", &away).await.unwrap().location.as_deref(), Some("/"));
}

#[tokio::test]
async fn the_password_cannot_be_guessed_by_a_stolen_session() {
    let desk = Desk::open("again_often").await.unwrap();
    let ada = desk.person("Ada", "ada@birds.example").await.unwrap();
    let mut statuses = Vec::new();
    for guess in 0..11 {
        let fields = [("password", &*format!("a guess of a heron {guess}")), ("next", "/")];
        statuses.push(ada.browser.post("/password-again", &fields).await.unwrap());
    }
    assert!(statuses[..9].iter().all(|answer| answer.status == 422));
    let last = statuses.last().unwrap();
    assert_eq!(last.status, 429, "{}", last.body);
}

#[tokio::test]
async fn sessions_are_seen_and_ended() {
    let desk = Desk::open("sessions").await.unwrap();
    let ada = desk.person("Ada", "ada@birds.example").await.unwrap();
    let eve = desk.person("Eve", "eve@birds.example").await.unwrap();
    let (second, third) = (desk.log_in(&ada.email).await.unwrap(), desk.log_in(&ada.email).await.unwrap());
    let ends = ada.browser.get("/account").await.unwrap().links("/account/sessions/ses_");
    assert_eq!(ends.len(), 2, "all but this one");
    // Somebody else's session is not found, and nothing is said about it.
    for end in &ends {
        assert_eq!(eve.browser.post(end, &[]).await.unwrap().status, 303);
    }
    let alive = async || {
        let mut alive = 0;
        for browser in [&second, &third] {
            alive += usize::from(browser.get("/account").await.unwrap().status == 200);
        }
        alive
    };
    assert_eq!(alive().await, 2);
    assert_eq!(ada.browser.post(&ends[0], &[]).await.unwrap().status, 303);
    assert_eq!(alive().await, 1);
    ada.browser.post("/account/sessions/end-others", &[]).await.unwrap();
    assert_eq!((alive().await, ada.browser.get("/account").await.unwrap().status), (0, 200));
    assert_eq!(eve.browser.get("/account").await.unwrap().status, 200);
}

#[tokio::test]
async fn the_language_is_the_visitors_or_the_members() {
    let desk = Desk::open("language").await.unwrap();
    let ada = desk.person("Ada", "ada@birds.example").await.unwrap();
    let visitor = desk.browser();
    let german = |body: &str| body.contains("<html lang=\"de\">");
    assert!(!german(&visitor.get("/").await.unwrap().body));
    let back = visitor.post("/language", &[("locale", "de"), ("next", "/log-in?next=%2Faccount")]).await.unwrap();
    assert_eq!(back.location.as_deref(), Some("/log-in?next=%2Faccount"));
    assert!(german(&visitor.get("/").await.unwrap().body));
    assert_eq!(visitor.post("/language", &[("locale", "tlh")]).await.unwrap().status, 422);
    ada.browser.post("/language", &[("locale", "de"), ("next", "/account")]).await.unwrap();
    assert!(german(&ada.browser.get("/account").await.unwrap().body));
    assert!(german(&ada.browser.get("/nowhere").await.unwrap().body), "what goes wrong is said in their language");
    assert!(german(&desk.log_in(&ada.email).await.unwrap().get("/").await.unwrap().body), "in every browser of theirs");
}

#[tokio::test]
async fn terms_that_changed_are_agreed_to() {
    let desk = Desk::open("terms").await.unwrap();
    let ada = desk.person("Ada", "ada@birds.example").await.unwrap();
    let page = ada.browser.get("/account").await.unwrap();
    assert!(!page.body.contains("action=\"/account/terms\""));
    let sql = "INSERT INTO terms VALUES ('terms', '2026-12', '2026-12-01T00:00:00Z')";
    sqlx::query(sql).execute(&desk.platform.pool).await.unwrap();
    let page = ada.browser.get("/account").await.unwrap();
    let (terms, processing) = (page.value("terms").unwrap(), page.value("processing").unwrap());
    assert_eq!(terms, "2026-12");
    let old = [("terms", "2026-11"), ("processing", processing.as_str())];
    assert_eq!(ada.browser.post("/account/terms", &old).await.unwrap().status, 422);
    let fields = [("terms", terms.as_str()), ("processing", processing.as_str())];
    assert_eq!(
        ada.browser.post("/account/terms", &fields).await.unwrap().location.as_deref(),
        Some("/account?told=agreed")
    );
    assert!(!ada.browser.get("/account").await.unwrap().body.contains("action=\"/account/terms\""));
}

#[tokio::test]
async fn a_sign_up_with_terms_that_changed_meanwhile_shows_the_new_ones() {
    let desk = Desk::open("terms_late").await.unwrap();
    let fields = [
        ("email", "ada@birds.example"),
        ("name", "Ada"),
        ("password", PASSWORD),
        ("agree", "yes"),
        ("terms", "2025-01"),
        ("processing", "2026-11"),
    ];
    let answer = desk.browser().post("/sign-up", &fields).await.unwrap();
    assert_eq!((answer.status, answer.value("terms").unwrap().as_str()), (422, "2026-11"));
    assert_eq!(desk.count("SELECT count(*) FROM accounts").await.unwrap(), 0);
}

#[tokio::test]
async fn a_deleted_account_leaves_nothing_but_what_was_done() {
    let desk = Desk::open("delete").await.unwrap();
    let ada = desk.person("Ada Lovelace", "ada@birds.example").await.unwrap();
    let grace = desk.person("Grace", "grace@birds.example").await.unwrap();
    desk.join(&grace, &grace.own, &ada, "admin").await.unwrap();
    assert_eq!(ada.browser.post("/account/delete", &[]).await.unwrap().status, 422, "not without being sure");
    let done = ada.browser.post("/account/delete", &[("sure", "yes")]).await.unwrap();
    assert_eq!(done.location.as_deref(), Some("/?told=deleted"));
    assert!(ada.browser.cookies().is_empty());
    assert!(desk.log_in(&ada.email).await.is_err());
    assert_eq!(desk.mails(&ada.email).await.unwrap().last().unwrap(), "account-deleted");
    let left = "SELECT count(*) FROM accounts a WHERE a::text ILIKE '%ada%' OR a::text ILIKE '%lovelace%'";
    assert_eq!(desk.count(left).await.unwrap(), 0);
    assert_eq!(desk.count("SELECT count(*) FROM organizations WHERE name ILIKE '%ada%'").await.unwrap(), 0);
    assert_eq!(desk.count("SELECT count(*) FROM accounts WHERE password_hash IS NULL").await.unwrap(), 1);
    let said = "SELECT count(*) FROM audit WHERE actor_name = 'Ada Lovelace' AND action = 'account.delete'";
    assert_eq!(desk.count(said).await.unwrap(), 1);
    let page = grace.browser.get(&format!("{}/log", grace.own)).await.unwrap();
    assert!(page.text().contains("Ada Lovelace Left"), "{}", page.text());
    // The address is free again.
    desk.person("Ada", "ada@birds.example").await.unwrap();
}

#[tokio::test]
async fn an_account_with_servers_or_shared_organizations_stays() {
    let desk = Desk::open("delete_not").await.unwrap();
    let ada = desk.person("Ada", "ada@birds.example").await.unwrap();
    let form = ada.browser.get("/organizations").await.unwrap();
    let id = form.value("id").unwrap();
    ada.browser.post("/organizations", &[("id", &id), ("name", "The Fens")]).await.unwrap();
    let refused = ada.browser.post("/account/delete", &[("sure", "yes")]).await.unwrap();
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("The Fens is yours."), "{}", refused.text());
    ada.browser.post(&format!("/organizations/{id}/delete"), &[("sure", "yes")]).await.unwrap();
    super::organizations::server_of(&desk, &ada).await;
    let refused = ada.browser.post("/account/delete", &[("sure", "yes")]).await.unwrap();
    assert_eq!(refused.status, 409);
    assert!(refused.text().contains("There are servers left"), "{}", refused.text());
    assert!(ada.browser.get("/account/delete").await.unwrap().text().contains("There are servers left"));
    assert_eq!(desk.count("SELECT count(*) FROM accounts WHERE deleted_at IS NULL").await.unwrap(), 1);
}
