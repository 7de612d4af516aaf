//! Bundles: made, taken away by their owner alone, in pieces, and with a script.

use bundle::format::Digest;
use control_plane::gateway::cluster::fake::password;
use e2e::control::{Control, Person};
use e2e::parcel::{PART, files, part};
use http::StatusCode;
use jiff::SignedDuration;

use crate::claim::confirm;

/// A server with a complete bundle whose files are in the store; the page of the bundle.
async fn bundled(name: &str) -> (Control, Person, String) {
    let control = Control::open(name).await.unwrap();
    let mut jo = control.person("jo").await.unwrap();
    let server = jo.server(&control, "birds").await.unwrap();
    let export = jo.browser.post(&format!("{server}/exports"), &[]).await.unwrap();
    let export = export.expect(StatusCode::SEE_OTHER).unwrap().location().unwrap();
    assert!(jo.browser.get(&export).await.unwrap().says("It is being made."));
    control.settle().await.unwrap();
    let prefix: String = sqlx::query_scalar("SELECT prefix FROM exports WHERE prefix IS NOT NULL")
        .fetch_one(&control.workshop.platform.pool)
        .await
        .unwrap();
    for (name, content) in files() {
        control.workshop.objects.put(&format!("{prefix}{name}"), content);
    }
    confirm(&control).await;
    (control, jo, export)
}

#[tokio::test]
async fn a_bundle_is_taken_away_whole_or_from_where_it_broke_off() {
    let (control, mut jo, export) = bundled("servers_download").await;
    let file = format!("{export}/files/{PART}");
    let answer = jo.browser.get(&file).await.unwrap();
    assert_eq!((answer.status, answer.location().unwrap()), (StatusCode::SEE_OTHER, export.clone()), "not yet allowed");
    jo.browser.post(&format!("{export}/download"), &[]).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
    let page = jo.browser.get(&export).await.unwrap();
    for (name, _) in files() {
        assert!(page.says(&format!("{export}/files/{name}")), "{name}");
    }
    for (name, content) in files() {
        let answer = jo.browser.get(&format!("{export}/files/{name}")).await.unwrap().expect(StatusCode::OK).unwrap();
        assert_eq!(answer.body, content, "{name}");
        assert_eq!(answer.header("content-length"), content.len().to_string());
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let whole = part();
    for (range, status, from, to) in [
        ("bytes=0-", 206, 0, 1000),
        ("bytes=400-", 206, 400, 1000),
        ("bytes=400-499", 206, 400, 500),
        ("bytes=-10", 206, 990, 1000),
        ("bytes=990-5000", 206, 990, 1000),
        ("bytes=0-1,5-6", 200, 0, 1000),
        ("nonsense", 200, 0, 1000),
    ] {
        let headers = [("range", range), ("accept-encoding", "gzip")];
        let answer = jo.browser.get_with(&file, &headers).await.unwrap();
        assert_eq!((answer.status.as_u16(), &answer.body[..]), (status, &whole[from..to]), "{range}");
        let told = if status == 206 { format!("bytes {from}-{}/1000", to - 1) } else { String::new() };
        assert_eq!((answer.header("content-range"), answer.header("content-encoding")), (told.as_str(), ""), "{range}");
    }
    let beyond = jo.browser.get_with(&file, &[("range", "bytes=1000-")]).await.unwrap();
    assert_eq!((beyond.status.as_u16(), beyond.header("content-range")), (416, "bytes */1000"));
    let tag = jo.browser.get(&file).await.unwrap().header("etag").to_owned();
    let same = jo.browser.get_with(&file, &[("range", "bytes=5-"), ("if-range", &tag)]).await.unwrap();
    let other = jo.browser.get_with(&file, &[("range", "bytes=5-"), ("if-range", "\"other\"")]).await.unwrap();
    assert_eq!((same.status.as_u16(), other.status.as_u16()), (206, 200), "two versions are not glued together");
    for name in ["..%2Fx", "%2e%2e/manifest.json", "missing", ".hidden", "a/b/c/d"] {
        let answer = jo.browser.get(&format!("{export}/files/{name}")).await.unwrap();
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{name}");
    }
    let told = control.workshop.mails().await.unwrap();
    assert_eq!(told.iter().filter(|mail| mail.subject.contains("taken away")).count(), 1, "once, not for each file");
    let written = "SELECT count(*) FROM audit WHERE action = 'export.download'";
    assert_eq!(control.count(written).await.unwrap(), 1);
}

#[tokio::test]
async fn a_permission_is_bound_to_the_log_in_it_was_given_to_and_ends() {
    let (control, mut jo, export) = bundled("servers_grant").await;
    let file = format!("{export}/files/manifest.json");
    control.workshop.later(SignedDuration::from_mins(16));
    let answer = jo.browser.post(&format!("{export}/download"), &[]).await.unwrap();
    assert!(answer.location().unwrap().starts_with("/password-again?next="), "the password comes first");
    confirm(&control).await;
    jo.browser.post(&format!("{export}/download"), &[]).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
    let mut other = control.browser();
    let log_in = [("email", "jo@mail.example"), ("password", e2e::control::PASSWORD), ("next", "/")];
    other.post("/log-in", &log_in).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
    assert_eq!(other.get(&file).await.unwrap().status, StatusCode::SEE_OTHER, "another log-in has no permission");
    // A long download goes on after the time for which the password counts, ...
    control.workshop.later(SignedDuration::from_hours(23));
    jo.browser.get(&file).await.unwrap().expect(StatusCode::OK).unwrap();
    // ... but not after a day.
    control.workshop.later(SignedDuration::from_hours(1));
    assert_eq!(jo.browser.get(&file).await.unwrap().status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn after_a_change_of_the_password_nothing_leaves_for_a_day() {
    let (control, mut jo, export) = bundled("servers_pause_rule").await;
    jo.browser.post(&format!("{export}/download"), &[]).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
    let script = jo.browser.post(&format!("{export}/script"), &[]).await.unwrap();
    let secret = format!("Bearer {}", script.between("SECRET='", "'").unwrap());
    control.workshop.later(SignedDuration::from_mins(1));
    sqlx::query("UPDATE accounts SET password_changed_at = $1::text::timestamptz")
        .bind(control.workshop.platform.now().to_string())
        .execute(&control.workshop.platform.pool)
        .await
        .unwrap();
    let file = format!("{export}/files/manifest.json");
    for path in ["download", "script", "key"] {
        let answer = jo.browser.post(&format!("{export}/{path}"), &[]).await.unwrap();
        assert!(answer.status == StatusCode::FORBIDDEN && answer.says("Downloads are paused for a day"), "{path}");
    }
    assert_eq!(
        jo.browser.get(&file).await.unwrap().status,
        StatusCode::FORBIDDEN,
        "permissions from before are no way round"
    );
    let answer = control.browser().get_with(&file, &[("authorization", &secret)]).await.unwrap();
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    control.workshop.later(SignedDuration::from_hours(24));
    confirm(&control).await;
    jo.browser.post(&format!("{export}/download"), &[]).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
    jo.browser.get(&file).await.unwrap().expect(StatusCode::OK).unwrap();
}

#[tokio::test]
async fn a_script_fetches_everything_until_its_log_in_ends() {
    let (control, mut jo, export) = bundled("servers_script").await;
    let script = jo.browser.post(&format!("{export}/script"), &[]).await.unwrap().expect(StatusCode::OK).unwrap();
    assert!(script.header("content-disposition").contains(".sh\""));
    for (name, content) in files() {
        assert!(script.says(&format!("{} {name}\n", content.len())), "{name}");
    }
    assert!(script.says(&format!("{}  {PART}\n", Digest::of(part()))));
    assert!(script.says(&format!("SOURCE='https://steppe.example{export}/files'")));
    let secret = script.between("SECRET='", "'").unwrap();
    let (mut curl, file) = (control.browser(), format!("{export}/files/{PART}"));
    let with = |secret: &str| format!("Bearer {secret}");
    let headers = [("authorization", with(&secret)), ("range", "bytes=400-".to_owned())];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(curl.get_with(&file, &headers).await.unwrap().body, part()[400..]);
    for wrong in ["nonsense", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        let answer = curl.get_with(&file, &[("authorization", &with(wrong))]).await.unwrap();
        assert!(answer.status.is_client_error(), "a script must not take a page for a file: {}", answer.status);
    }
    jo.browser.post("/log-out", &[]).await.unwrap();
    assert_eq!(curl.get_with(&file, &headers).await.unwrap().status, StatusCode::FORBIDDEN);
    assert_eq!(control.count("SELECT count(*) FROM download_grants WHERE secret_hash IS NULL").await.unwrap(), 0);
}

#[tokio::test]
async fn a_bundles_own_key_is_asked_for_and_shown_once() {
    let (control, mut jo, export) = bundled("servers_key").await;
    let object = export.rsplit("exp_").next().unwrap().to_owned();
    let key = password(&format!("e-{object}"));
    jo.browser.post(&format!("{export}/key"), &[]).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
    assert!(jo.browser.get(&export).await.unwrap().says("The key is on its way here."));
    control.settle().await.unwrap();
    let page = jo.browser.get(&export).await.unwrap();
    assert!(page.says("The key is here.") && !page.says(&key));
    assert!(jo.browser.post(&format!("{export}/key/show"), &[]).await.unwrap().says(&key));
    let again = jo.browser.post(&format!("{export}/key/show"), &[]).await.unwrap();
    assert_eq!(again.status, StatusCode::GONE);
    assert!(jo.browser.get(&export).await.unwrap().says("Ask for the key"), "it can be asked for again");
}

#[tokio::test]
async fn ones_own_key_is_taken_from_the_next_bundle_on() {
    let (control, mut jo, export) = bundled("servers_recipient").await;
    let server = export.split("/exports").next().unwrap().to_owned();
    let path = format!("{server}/exports");
    let version = jo.browser.get(&path).await.unwrap().input("version").unwrap();
    for wrong in ["age1nonsense", "AGE-SECRET-KEY-1QQQQ", "ssh-ed25519 AAAA"] {
        let sent = [("recipient", wrong), ("version", version.as_str())];
        let answer = jo.browser.post(&format!("{path}/recipient"), &sent).await.unwrap();
        assert!(answer.status == StatusCode::UNPROCESSABLE_ENTITY && answer.says("begins with age1"), "{wrong}");
    }
    let recipient = age::x25519::Identity::generate().to_public().to_string();
    let sent = [("recipient", recipient.as_str()), ("version", version.as_str())];
    jo.browser.post(&format!("{path}/recipient"), &sent).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
    control.settle().await.unwrap();
    let next = jo.browser.post(&path, &[]).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap().location().unwrap();
    control.settle().await.unwrap();
    let made = control.workshop.cluster.exports();
    assert!(made.iter().any(|one| one.spec.recipient.as_deref() == Some(recipient.as_str())));
    confirm(&control).await;
    let page = jo.browser.get(&next).await.unwrap();
    assert!(page.says("encrypted to your own key") && page.says(&recipient));
    assert_eq!(jo.browser.post(&format!("{next}/key"), &[]).await.unwrap().status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_paused_or_closed_server_can_be_taken_away() {
    let (control, mut jo, export) = bundled("servers_modes").await;
    let server = export.split("/exports").next().unwrap().to_owned();
    jo.browser.post(&format!("{server}/pause"), &[]).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
    control.settle().await.unwrap();
    let next = jo.browser.post(&format!("{server}/exports"), &[]).await.unwrap();
    next.expect(StatusCode::SEE_OTHER).unwrap();
    control.settle().await.unwrap();
    sqlx::query("UPDATE instances SET purged_at = now(), closing_at = now(), purge_after = now()")
        .execute(&control.workshop.platform.pool)
        .await
        .unwrap();
    confirm(&control).await;
    assert!(jo.browser.get(&server).await.unwrap().says("have been destroyed"));
    jo.browser.post(&format!("{export}/download"), &[]).await.unwrap().expect(StatusCode::SEE_OTHER).unwrap();
    jo.browser.get(&format!("{export}/files/{PART}")).await.unwrap().expect(StatusCode::OK).unwrap();
}
