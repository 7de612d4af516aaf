//! The mail server: mails are found, read and thrown away, and refused when somebody wants to see a retry.

use lab::cache::Cache;
use lab::mailpit::{Mailpit, Refusal};
use lab::process::Identity;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

async fn start() -> Mailpit {
    Mailpit::start(&Cache::open(None).unwrap()).await.unwrap()
}

const BODY: &str = "MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n\
--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nOpen https://steppe.test/confirm/42\r\n\
--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Open <a href=\"https://steppe.test/confirm/42\">this</a></p>\r\n\
--b--\r\n";

/// Sends a mail by hand. Returns the last answer: that to the recipient when it is a refusal, else that to the mail.
async fn send(mailpit: &Mailpit, to: &str, subject: &str) -> String {
    let mut stream = BufReader::new(TcpStream::connect(mailpit.smtp()).await.unwrap());
    let head = format!(
        "From: Steppe <noreply@steppe.test>\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <m1@steppe.test>\r\n"
    );
    let said = [
        String::new(),
        "HELO steppe.test\r\n".into(),
        "MAIL FROM:<noreply@steppe.test>\r\n".into(),
        format!("RCPT TO:<{to}>\r\n"),
        "DATA\r\n".into(),
        format!("{head}{BODY}\r\n.\r\n"),
    ];
    let mut answer = String::new();
    for words in said {
        stream.write_all(words.as_bytes()).await.unwrap();
        answer.clear();
        stream.read_line(&mut answer).await.unwrap();
        if answer.starts_with(['4', '5']) {
            break;
        }
    }
    answer
}

#[tokio::test]
async fn a_mail_is_found_read_and_thrown_away() {
    let mailpit = start().await;
    for (to, subject) in [("ada@x.test", "Confirm"), ("nada@x.test", "Confirm"), ("ada@x.test", "Bestätigen")] {
        let answer = send(&mailpit, to, subject).await;
        assert!(answer.starts_with("250"), "{answer}");
    }
    let mail = mailpit.arrives("ada@x.test", "Confirm").await.unwrap();
    assert_eq!((mail.message_id.as_str(), mail.from.address.as_str()), ("m1@steppe.test", "noreply@steppe.test"));
    assert!(mail.text.contains("https://steppe.test/confirm/42") && mail.html.contains("<a href="), "{mail:?}");
    assert!(mailpit.raw(&mail.id).await.unwrap().contains("multipart/alternative"));
    let page = reqwest::get(mailpit.page(&mail.id)).await.unwrap().text().await.unwrap();
    assert!(page.contains("https://steppe.test/confirm/42"), "{page}");

    let all = mailpit.mails("ada@x.test", "").await.unwrap();
    assert_eq!(all.iter().map(|mail| mail.subject.as_str()).collect::<Vec<_>>(), ["Bestätigen", "Confirm"]);
    mailpit.forget("ada@x.test").await.unwrap();
    mailpit.forget("ada@x.test").await.unwrap();
    assert!(mailpit.mails("ada@x.test", "").await.unwrap().is_empty());
    assert_eq!(mailpit.search("").await.unwrap().len(), 1, "only the other's mail is left");
}

#[tokio::test]
async fn mails_are_refused_until_told_otherwise() {
    let mailpit = start().await;
    for code in [451, 550] {
        mailpit.refuse(Some(Refusal { code, percent: 100 })).await.unwrap();
        let answer = send(&mailpit, "ada@x.test", "Confirm").await;
        assert!(answer.starts_with(&code.to_string()), "{answer}");
    }
    assert!(mailpit.search("").await.unwrap().is_empty());
    mailpit.refuse(None).await.unwrap();
    assert!(send(&mailpit, "ada@x.test", "Confirm").await.starts_with("250"));
    mailpit.arrives("ada@x.test", "").await.unwrap();
}

#[tokio::test]
async fn a_mail_server_ends_with_its_handle() {
    let mailpit = start().await;
    let process = mailpit.process().unwrap();
    let identity = Identity::of(i32::try_from(process).unwrap()).unwrap();
    drop(mailpit);
    assert!(!identity.lives());
}
