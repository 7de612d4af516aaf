//! Sending mail.

use std::time::{Duration, SystemTime};

use futures::future::BoxFuture;
use jiff::Timestamp;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use secrecy::ExposeSecret as _;

use crate::config::Smtp;

/// How long a mail server may take for each of its answers.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A mail, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its Message-ID, without angle brackets: the same on every try.
    pub message_id: String,
    /// Who it is from.
    pub from: String,
    /// Where answers go.
    pub reply_to: String,
    /// To whom.
    pub to: String,
    /// What it is about.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
    /// When it was written; the same on every try.
    pub at: Timestamp,
}

/// Why a mail was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// Perhaps later.
    #[error("the mail server does not take it now: {0}")]
    Later(String),
    /// Never.
    #[error("the mail server will never take it: {0}")]
    Never(String),
}

/// Sends mail.
pub trait Mailer: Send + Sync + 'static {
    /// Hands a mail to a server. Handed over twice, it has the same Message-ID twice, and receivers can drop the second.
    fn send<'a>(&'a self, letter: &'a Letter) -> BoxFuture<'a, Result<(), MailError>>;
}

/// Sends mail through a mail server.
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl SmtpMailer {
    /// A way to a mail server. `smtp` encrypts when the server offers it, `smtps` always.
    ///
    /// # Errors
    /// When the address names no host.
    pub fn new(smtp: &Smtp) -> anyhow::Result<Self> {
        let host = smtp.url.host_str().ok_or_else(|| anyhow::anyhow!("smtp-url names no host"))?;
        let tls = TlsParameters::new(host.to_owned())?;
        let (tls, port) = match smtp.url.scheme() {
            "smtps" => (Tls::Wrapper(tls), 465),
            _ => (Tls::Opportunistic(tls), 25),
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(smtp.url.port().unwrap_or(port))
            .tls(tls)
            .timeout(Some(TIMEOUT));
        if let Some(password) = &smtp.password {
            let user = smtp.url.username().to_owned();
            transport = transport.credentials(Credentials::new(user, password.expose_secret().to_owned()));
        }
        Ok(Self { transport: transport.build() })
    }

    /// Whether the mail server answers.
    ///
    /// # Errors
    /// What it says, or why it cannot be reached.
    pub async fn test(&self) -> Result<(), MailError> {
        match self.transport.test_connection().await {
            Ok(true) => Ok(()),
            Ok(false) => Err(MailError::Later("it does not answer".to_owned())),
            Err(error) => Err(MailError::Later(chain(&error))),
        }
    }
}

impl Mailer for SmtpMailer {
    fn send<'a>(&'a self, letter: &'a Letter) -> BoxFuture<'a, Result<(), MailError>> {
        Box::pin(async move {
            let message = message(letter)?;
            match self.transport.send(message).await {
                Ok(_) => Ok(()),
                Err(error) if error.is_permanent() => Err(MailError::Never(chain(&error))),
                Err(error) => Err(MailError::Later(chain(&error))),
            }
        })
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// The mail as it goes over the wire.
///
/// # Errors
/// When an address is none.
pub fn message(letter: &Letter) -> Result<Message, MailError> {
    let never = |error: &dyn std::fmt::Display| MailError::Never(error.to_string());
    let mailbox = |address: &str| address.parse::<Mailbox>().map_err(|error| never(&error));
    // Robots must not answer, and must not take this for a newsletter (RFC 3834).
    let automatic = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
    let seconds = u64::try_from(letter.at.as_second()).unwrap_or(0);
    Message::builder()
        .message_id(Some(format!("<{}>", letter.message_id)))
        .date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
        .from(mailbox(&letter.from)?)
        .reply_to(mailbox(&letter.reply_to)?)
        .to(mailbox(&letter.to)?)
        .subject(letter.subject.clone())
        .raw_header(automatic)
        .multipart(MultiPart::alternative_plain_html(letter.text.clone(), letter.html.clone()))
        .map_err(|error| never(&error))
}

/// A mailer that keeps what it is given, for tests.
pub mod fake {
    use std::collections::VecDeque;
    use std::sync::{Mutex, PoisonError};

    use futures::future::BoxFuture;

    use super::{Letter, MailError, Mailer};

    /// A mailer that keeps what it is given, and fails when it is told to.
    #[derive(Debug, Default)]
    pub struct FakeMailer(Mutex<Kept>);

    #[derive(Debug, Default)]
    struct Kept {
        sent: Vec<Letter>,
        faults: VecDeque<(bool, MailError)>,
    }

    impl FakeMailer {
        /// What was handed over, repeats too.
        #[must_use]
        pub fn sent(&self) -> Vec<Letter> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).sent.clone()
        }

        /// Refuses the next mail.
        pub fn refuse(&self, error: MailError) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).faults.push_back((false, error));
        }

        /// Takes the next mail, but the answer is lost.
        pub fn lose_answer(&self) {
            let error = MailError::Later("connection reset".to_owned());
            self.0.lock().unwrap_or_else(PoisonError::into_inner).faults.push_back((true, error));
        }
    }

    impl Mailer for FakeMailer {
        fn send<'a>(&'a self, letter: &'a Letter) -> BoxFuture<'a, Result<(), MailError>> {
            Box::pin(async move {
                let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                let fault = kept.faults.pop_front();
                if fault.as_ref().is_none_or(|(taken, _)| *taken) {
                    kept.sent.push(letter.clone());
                }
                fault.map_or(Ok(()), |(_, error)| Err(error))
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter() -> Letter {
        Letter {
            message_id: "mail_1@steppe.example".to_owned(),
            from: "Steppe <steppe@steppe.example>".to_owned(),
            reply_to: "help@steppe.example".to_owned(),
            to: "jo@birds.example".to_owned(),
            subject: "Dein Server läuft".to_owned(),
            text: "Hallo".to_owned(),
            html: "<p>Hallo</p>".to_owned(),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_repeat_is_the_same_mail() {
        let wire = |letter: &Letter| String::from_utf8(message(letter).unwrap().formatted()).unwrap();
        let (first, second) = (wire(&letter()), wire(&letter()));
        let headers = |wire: &str| {
            wire.lines()
                .filter(|line| line.starts_with("Message-ID") || line.starts_with("Date"))
                .collect::<Vec<_>>()
                .join("|")
        };
        assert_eq!(headers(&first), headers(&second));
        assert!(first.contains("Message-ID: <mail_1@steppe.example>\r\n"), "{first}");
        assert!(first.contains("Auto-Submitted: auto-generated"));
        assert!(first.contains("text/plain") && first.contains("text/html"));
    }

    #[test]
    fn nobody_smuggles_a_header_in() {
        let bad = Letter { to: "a@b.example\r\nBcc: all@x.example".to_owned(), ..letter() };
        assert!(matches!(message(&bad), Err(MailError::Never(_))));
        let subject = Letter { subject: "x\r\nBcc: all@x.example".to_owned(), ..letter() };
        let wire = String::from_utf8(message(&subject).unwrap().formatted()).unwrap();
        assert!(!wire.contains("\r\nBcc:"), "{wire}");
    }
}
