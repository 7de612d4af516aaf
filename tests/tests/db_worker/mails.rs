//! Mails: sent until they are taken, the same ones on each try, and without secrets left behind.

use control_plane::app::mail::{Letter, send};
use control_plane::gateway::mail::MailError;
use control_plane::store;
use control_plane::worker::mail;
use domain::Locale;
use e2e::workshop::Workshop;
use jiff::SignedDuration;
use serde_json::json;

const SECRET: &str = "https://steppe.example/confirm?link=canary";

async fn write(workshop: &Workshop) {
    let mut tx = workshop.begin().await.unwrap();
    let letter = Letter {
        template: "confirm",
        locale: Locale::De,
        to: &"jo@mail.example".parse().unwrap(),
        account: None,
        arguments: json!({ "name": "Jo" }),
        secret_link: Some(SECRET.to_owned()),
    };
    send(&workshop.platform, &mut tx, letter).await.unwrap();
    tx.commit().await.unwrap();
}

async fn row(workshop: &Workshop) -> (String, i32, bool, Option<String>) {
    let sql = "SELECT state, attempt, sealed IS NOT NULL, error FROM mails";
    sqlx::query_as(sql).fetch_one(&workshop.platform.pool).await.unwrap()
}

#[tokio::test]
async fn a_mail_that_is_tried_again_keeps_its_message_id_and_loses_its_secret_in_the_end() {
    let workshop = Workshop::open("mail_retry").await.unwrap();
    write(&workshop).await;
    workshop.mailer.refuse(MailError::Later("greylisted".to_owned()));
    workshop.mailer.lose_answer();
    assert_eq!(workshop.mails().await.unwrap().len(), 0);
    assert_eq!(row(&workshop).await, ("queued".to_owned(), 1, true, Some("greylisted".to_owned())));
    assert_eq!(workshop.mails().await.unwrap().len(), 0, "not before its time");
    workshop.later(SignedDuration::from_secs(10));
    workshop.mails().await.unwrap();
    workshop.later(SignedDuration::from_mins(1));
    let sent = workshop.mails().await.unwrap();
    assert_eq!(sent.len(), 2, "the first was taken, but its answer was lost");
    assert_eq!(sent[0], sent[1], "Message-ID and all");
    assert!(sent[0].text.contains(SECRET) && sent[0].html.contains(SECRET));
    assert_eq!(sent[0].subject, "Bitte bestätige deine Adresse");
    assert_eq!(row(&workshop).await, ("sent".to_owned(), 3, false, None));
}

#[tokio::test]
async fn a_mail_is_given_up_after_two_days_and_at_once_when_its_address_is_none() {
    let workshop = Workshop::open("mail_give_up").await.unwrap();
    write(&workshop).await;
    for _ in 0..200 {
        workshop.mailer.refuse(MailError::Later("down".to_owned()));
    }
    while row(&workshop).await.0 == "queued" {
        workshop.mails().await.unwrap();
        workshop.later(SignedDuration::from_mins(40));
    }
    let (state, attempts, sealed, _) = row(&workshop).await;
    assert_eq!((state.as_str(), sealed), ("failed", false));
    assert!(attempts > 20, "{attempts}");

    sqlx::query("DELETE FROM mails").execute(&workshop.platform.pool).await.unwrap();
    let workshop = Workshop::open("mail_never").await.unwrap();
    write(&workshop).await;
    workshop.mailer.refuse(MailError::Never("550 no such mailbox".to_owned()));
    workshop.mails().await.unwrap();
    assert_eq!(row(&workshop).await, ("failed".to_owned(), 1, false, Some("550 no such mailbox".to_owned())));
}

#[tokio::test]
async fn what_a_killed_sender_had_is_sent_by_another_and_the_dead_one_writes_nothing() {
    let workshop = Workshop::open("mail_killed").await.unwrap();
    write(&workshop).await;
    let mut connection = workshop.platform.pool.acquire().await.unwrap();
    let now = workshop.platform.now();
    let lease = now + SignedDuration::from_mins(3);
    let dead = store::mail::claim(&mut connection, now, lease).await.unwrap().unwrap();
    assert_eq!(workshop.mails().await.unwrap().len(), 0);
    workshop.later(SignedDuration::from_mins(3));
    assert_eq!(workshop.mails().await.unwrap().len(), 1);
    let late = store::mail::Ending::Failed("never");
    assert!(!store::mail::end(&mut connection, dead.id, dead.fence, late, now).await.unwrap());
    assert_eq!(row(&workshop).await.0, "sent");
    let sent = mail::once(&workshop.platform, &*workshop.mailer).await.unwrap();
    assert_eq!(sent, 0);
}
