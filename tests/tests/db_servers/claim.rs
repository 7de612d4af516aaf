//! The owner's first password.

use control_plane::gateway::cluster::fake::password;
use e2e::control::Control;
use http::StatusCode;
use jiff::SignedDuration;

#[tokio::test]
async fn it_is_shown_once_after_the_password_and_then_nowhere() {
    let control = Control::open("servers_claim").await.unwrap();
    let mut jo = control.person("jo").await.unwrap();
    let server = jo.server(&control, "birds").await.unwrap();
    let (path, secret) = (format!("{server}/login"), password("owner"));

    control.workshop.later(SignedDuration::from_mins(16));
    let answer = jo.browser.get(&path).await.unwrap();
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "the password was entered too long ago");
    let encoded: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
    assert_eq!(answer.location().unwrap(), format!("/password-again?next={encoded}"));
    let answer = jo.browser.post(&path, &[]).await.unwrap();
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(!answer.says(&secret));
    confirm(&control).await;

    let page = jo.browser.get(&path).await.unwrap().expect(StatusCode::OK).unwrap();
    assert!(page.says("Show it now") && !page.says(&secret), "opening a page shows nothing yet");
    let page = jo.browser.post(&path, &[]).await.unwrap().expect(StatusCode::OK).unwrap();
    assert!(page.says(&secret), "{}", page.text());
    assert_eq!(page.header("cache-control"), "no-store");
    let again = jo.browser.post(&path, &[]).await.unwrap().expect(StatusCode::GONE).unwrap();
    assert!(again.says("This was shown once and is gone") && !again.says(&secret));
    assert!(jo.browser.get(&path).await.unwrap().says("It was shown, and is gone."));

    let left = "SELECT count(*) FROM instances WHERE claim_key_sealed IS NOT NULL OR claim_answer IS NOT NULL";
    assert_eq!(control.count(left).await.unwrap(), 0);
    control.settle().await.unwrap();
    let objects: Vec<(String,)> =
        sqlx::query_as("SELECT object_name FROM instances").fetch_all(&control.workshop.platform.pool).await.unwrap();
    let object = control.workshop.cluster.find_instance(&objects[0].0).unwrap();
    assert_eq!((object.spec.owner_claim, object.status.unwrap().owner_claim), (None, None), "nor in the cell");
    assert!(jo.browser.get(&format!("{server}/history")).await.unwrap().says("Was shown the owner’s password"));
    for sql in [
        "SELECT count(*) FROM audit WHERE detail::text LIKE '%password-of-%' OR subject LIKE '%password-of-%'",
        "SELECT count(*) FROM outbox WHERE payload::text LIKE '%password-of-%'",
        "SELECT count(*) FROM mails WHERE arguments::text LIKE '%password-of-%'",
    ] {
        assert_eq!(control.count(sql).await.unwrap(), 0, "{sql}");
    }
}

#[tokio::test]
async fn two_who_ask_at_once_do_not_both_see_it() {
    let control = Control::open("servers_claim_race").await.unwrap();
    let mut jo = control.person("jo").await.unwrap();
    let server = jo.server(&control, "birds").await.unwrap();
    confirm(&control).await;
    let path = format!("{server}/login");
    let mut other = control.browser();
    let log_in = [("email", "jo@mail.example"), ("password", e2e::control::PASSWORD), ("next", "/")];
    other.post("/log-in", &log_in).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
    let (one, two) = tokio::join!(jo.browser.post(&path, &[]), other.post(&path, &[]));
    let mut statuses = [one.unwrap().status, two.unwrap().status];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::OK, StatusCode::GONE]);
}

/// As if everybody had just entered their password.
pub async fn confirm(control: &Control) {
    sqlx::query("UPDATE sessions SET confirmed_until = $1::text::timestamptz + interval '15 minutes'")
        .bind(control.workshop.platform.now().to_string())
        .execute(&control.workshop.platform.pool)
        .await
        .unwrap();
}
