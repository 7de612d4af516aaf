//! Tokens for programs: shown once, known by their hash, as good as their person and no better.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::routing::get;
use control_plane::auth::caller::Caller;
use control_plane::{Platform, Problem};
use domain::Right;
use domain::id::OrganizationId;
use domain::scope::Scope;
use e2e::desk::{Desk, Person};
use http::Request;
use jiff::SignedDuration;
use std::sync::Arc;
use tower::ServiceExt as _;

use super::organizations::{Troupe, create};

/// Makes a token for somebody; its text.
pub async fn make(person: &Person, path: &str, scopes: &[&str]) -> String {
    let form = format!("{path}/tokens/new");
    let id = person.browser.get(&form).await.unwrap().value("id").unwrap();
    let mut fields = vec![("id", id.as_str()), ("name", "night watch"), ("days", "30")];
    fields.extend(scopes.iter().map(|scope| ("scope", *scope)));
    let made = person.browser.post(&form, &fields).await.unwrap();
    assert_eq!(made.status, 200, "{}", made.body);
    assert_eq!(made.headers["cache-control"], "no-store");
    let text = made.body.split("stp_").nth(1).unwrap();
    format!("stp_{}", text.chars().take_while(char::is_ascii_alphanumeric).collect::<String>())
}

/// A door that asks for a caller as the API does: `/{organization}/{scope}/{right}`.
fn door(desk: &Desk) -> Router {
    async fn ask(
        State(platform): State<Arc<Platform>>,
        Path((organization, scope, right)): Path<(OrganizationId, Scope, Right)>,
        caller: Caller,
    ) -> Result<String, Problem> {
        let member = caller.demand(&platform, organization, scope, right)?;
        Ok(format!("{} {}", member.actor.who, member.actor.name))
    }
    async fn who(caller: Caller) -> String {
        caller.account().email.to_string()
    }
    Router::new()
        .route("/{organization}/{scope}/{right}", get(ask))
        .route("/who", get(who))
        .with_state(desk.platform.clone())
}

async fn call(desk: &Desk, token: &str, path: &str) -> u16 {
    let request = Request::get(path).header("authorization", format!("Bearer {token}")).body(Body::empty()).unwrap();
    door(desk).oneshot(request).await.unwrap().status().as_u16()
}

/// Whether a token is taken at all.
pub async fn works(desk: &Desk, token: &str) -> bool {
    call(desk, token, "/who").await == 200
}

#[tokio::test]
async fn shown_once_and_kept_as_a_hash() {
    let desk = Desk::open("token_once").await.unwrap();
    let ada = desk.person("Ada", "ada@birds.example").await.unwrap();
    let form = format!("{}/tokens/new", ada.own);
    let id = ada.browser.get(&form).await.unwrap().value("id").unwrap();
    let fields = [("id", id.as_str()), ("name", "night watch"), ("days", "7"), ("scope", "exports:write")];
    let (one, other) = tokio::join!(ada.browser.post(&form, &fields), ada.browser.post(&form, &fields));
    let (one, other) = (one.unwrap(), other.unwrap());
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 410], "the same form makes one token, and shows it once");
    let made = if one.status == 200 { one } else { other };
    let text = made.body.split("stp_").nth(1).unwrap();
    let token = format!("stp_{}", &text[..72]);
    assert!(works(&desk, &token).await);
    let list = ada.browser.get(&format!("{}/tokens", ada.own)).await.unwrap();
    assert!(list.body.contains(&token[..12]) && !list.body.contains(&token[..20]), "{}", list.body);
    for table in ["api_tokens", "audit", "mails", "outbox"] {
        let sql = format!("SELECT count(*) FROM {table} t WHERE t::text LIKE '%{}%'", &token[16..60]);
        let found: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&desk.platform.pool).await.unwrap();
        assert_eq!(found, 0, "{table} knows the token");
    }
    assert_eq!(desk.mails(&ada.email).await.unwrap(), ["confirm", "token-created"]);
}

#[tokio::test]
async fn it_does_what_its_scopes_and_its_person_may() {
    let desk = Desk::open("token_scopes").await.unwrap();
    let troupe = Troupe::of(&desk).await;
    let other = create(&troupe.admin, "Elsewhere").await;
    let token = make(&troupe.admin, &troupe.path, &["exports:write", "organization:read"]).await;
    let org = troupe.path.rsplit('/').next().unwrap();
    let elsewhere = other.rsplit('/').next().unwrap();
    for (path, status) in [
        (format!("/{org}/exports:write/export"), 200),
        (format!("/{org}/organization:read/see-audit"), 200),
        // A scope it has not; a right that is not in the scope; one that is in no scope.
        (format!("/{org}/instances:read/see"), 403),
        (format!("/{org}/exports:write/pause"), 403),
        (format!("/{org}/exports:write/download"), 403),
        (format!("/{org}/exports:write/tokens"), 403),
        // Another organization of its person, and one that is not.
        (format!("/{elsewhere}/exports:write/export"), 404),
        (format!("/{}/exports:write/export", troupe.stranger.own.rsplit('/').next().unwrap()), 404),
    ] {
        assert_eq!(call(&desk, &token, &path).await, status, "{path}");
    }
    let abel = troupe.id_of(&desk, &troupe.admin).await;
    let role = format!("{}/members/{abel}/role", troupe.path);
    troupe.owner.browser.post(&role, &[("role", "moderator")]).await.unwrap();
    assert_eq!(call(&desk, &token, &format!("/{org}/exports:write/export")).await, 403, "what its person lost");
    assert_eq!(call(&desk, &token, &format!("/{org}/organization:read/see-audit")).await, 200);
    // Who makes none any more sees and revokes their own, and nobody else's.
    let owners = make(&troupe.owner, &troupe.path, &["instances:read"]).await;
    let list = troupe.admin.browser.get(&format!("{}/tokens", troupe.path)).await.unwrap();
    let mine = list.links(&format!("{}/tokens/tok_", troupe.path));
    assert_eq!(mine.len(), 1);
    let all = troupe.owner.browser.get(&format!("{}/tokens", troupe.path)).await.unwrap();
    let theirs = all.links(&format!("{}/tokens/tok_", troupe.path)).into_iter().find(|path| *path != mine[0]).unwrap();
    assert_eq!(troupe.admin.browser.post(&theirs, &[]).await.unwrap().status, 404);
    assert_eq!(troupe.stranger.browser.post(&mine[0], &[]).await.unwrap().status, 404);
    assert_eq!(troupe.admin.browser.post(&mine[0], &[]).await.unwrap().status, 303);
    assert_eq!((works(&desk, &token).await, works(&desk, &owners).await), (false, true));
}

#[tokio::test]
async fn it_ends_and_says_when_it_was_used() {
    let desk = Desk::open("token_end").await.unwrap();
    let ada = desk.person("Ada", "ada@birds.example").await.unwrap();
    let token = make(&ada, &ada.own, &["instances:read"]).await;
    let used = async || {
        let sql = "SELECT last_used_at::text FROM api_tokens";
        sqlx::query_scalar::<_, Option<String>>(sql).fetch_one(&desk.platform.pool).await.unwrap()
    };
    assert_eq!(used().await, None);
    assert!(works(&desk, &token).await);
    let first = used().await.unwrap();
    desk.clock.advance(SignedDuration::from_mins(4));
    assert!(works(&desk, &token).await);
    assert_eq!(used().await.unwrap(), first, "written at most every five minutes");
    desk.clock.advance(SignedDuration::from_mins(1));
    assert!(works(&desk, &token).await);
    assert_ne!(used().await.unwrap(), first);
    desk.clock.advance(SignedDuration::from_hours(30 * 24));
    assert!(!works(&desk, &token).await);
    let list = desk.log_in(&ada.email).await.unwrap().get(&format!("{}/tokens", ada.own)).await.unwrap();
    assert!(list.text().contains("Expired"), "people see why a program stopped: {}", list.text());
}

#[tokio::test]
async fn each_has_a_share_of_its_own() {
    let desk = Desk::open("token_many").await.unwrap();
    let ada = desk.person("Ada", "ada@birds.example").await.unwrap();
    let (one, other) =
        (make(&ada, &ada.own, &["instances:read"]).await, make(&ada, &ada.own, &["instances:read"]).await);
    let mut last = 0;
    for _ in 0..301 {
        last = call(&desk, &one, "/who").await;
    }
    assert_eq!((last, call(&desk, &other, "/who").await), (429, 200));
}

#[tokio::test]
async fn what_is_no_token_is_nobody() {
    let desk = Desk::open("token_bad").await.unwrap();
    let ada = desk.person("Ada", "ada@birds.example").await.unwrap();
    let token = make(&ada, &ada.own, &["instances:read"]).await;
    for bad in
        ["", "stp_", &token[..75], &token.to_uppercase(), &format!("stp_{}", "0".repeat(72)), &format!("{token} x")]
    {
        assert_eq!(call(&desk, bad, "/who").await, 401, "{bad:?}");
    }
    let browser = desk.log_in(&ada.email).await.unwrap();
    let cookie: Vec<String> = browser.cookies().iter().map(|(name, value)| format!("{name}={value}")).collect();
    let with = async |authorization: Option<&str>| {
        let mut request = Request::get("/who").header("cookie", cookie.join("; "));
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        door(&desk).oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status().as_u16()
    };
    assert_eq!(with(None).await, 200);
    // A header that is wrong is not made up for by a cookie.
    assert_eq!((with(Some("Bearer nonsense")).await, with(Some("Basic eA==")).await), (401, 401));
}
