//! Sending mails: those that were written in a transaction, until a mail server has them.

pub mod render;

use std::sync::Arc;

use domain::retry::backoff;
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Wakes;
use super::timer::chance;
use super::wake::pause;
use crate::gateway::mail::{Letter, MailError, Mailer};
use crate::platform::Platform;
use crate::store;
use crate::store::mail::{Claimed, Ending};

/// How many are sent at once.
const AT_ONCE: usize = 4;
/// For how long one mail is tried.
const PATIENCE: SignedDuration = SignedDuration::from_hours(48);
/// How long a sender may take for one mail before another takes it.
const LEASE: SignedDuration = SignedDuration::from_mins(3);

/// Sends mails until `stop`. What is just being sent is sent first.
pub async fn run(platform: Arc<Platform>, mailer: Arc<dyn Mailer>, wakes: Arc<Wakes>, stop: CancellationToken) {
    let mut sending = JoinSet::new();
    while !stop.is_cancelled() {
        while sending.len() < AT_ONCE {
            match claim(&platform).await {
                Ok(Some(mail)) => {
                    let (platform, mailer) = (platform.clone(), mailer.clone());
                    sending.spawn(async move { send(&platform, &*mailer, mail).await });
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(%error, "cannot look for mails");
                    break;
                }
            }
        }
        let next = next_due(&platform).await;
        tokio::select! {
            () = stop.cancelled() => break,
            () = wakes.mails.notified() => {}
            () = tokio::time::sleep(pause(platform.now(), next, chance(&platform))) => {}
            Some(_) = sending.join_next() => {}
        }
    }
    while sending.join_next().await.is_some() {}
}

/// Sends what is due now, one after the other. How many were handed over or given up.
///
/// # Errors
/// When the database refuses.
pub async fn once(platform: &Platform, mailer: &dyn Mailer) -> store::Result<usize> {
    let mut count = 0;
    while let Some(mail) = claim(platform).await? {
        send(platform, mailer, mail).await;
        count += 1;
    }
    Ok(count)
}

async fn claim(platform: &Platform) -> store::Result<Option<Claimed>> {
    let mut connection = platform.pool.acquire().await?;
    let now = platform.now();
    store::mail::claim(&mut connection, now, now + LEASE).await
}

async fn next_due(platform: &Platform) -> Option<Timestamp> {
    let due = async {
        let mut connection = platform.pool.acquire().await?;
        store::mail::due(&mut connection, platform.now()).await
    };
    due.await.unwrap_or_default()
}

async fn send(platform: &Platform, mailer: &dyn Mailer, mail: Claimed) {
    let sent = match letter(platform, &mail) {
        Ok(letter) => mailer.send(&letter).await,
        Err(error) => Err(MailError::Never(format!("{error:#}"))),
    };
    let now = platform.now();
    let (ending, error) = ending(&mail, &sent, now, chance(platform));
    match &ending {
        Ending::Sent => tracing::info!(mail = %mail.id, template = mail.template, "sent"),
        Ending::Later(..) => tracing::warn!(mail = %mail.id, template = mail.template, error, "not sent yet"),
        Ending::Failed(_) => tracing::error!(mail = %mail.id, template = mail.template, error, "never sent"),
    }
    let written = async {
        let mut connection = platform.pool.acquire().await?;
        store::mail::end(&mut connection, mail.id, mail.fence, ending, now).await
    };
    match written.await {
        Ok(true) => {}
        Ok(false) => tracing::warn!(mail = %mail.id, "another sender has taken it"),
        // It is sent again after the lease, with the same Message-ID.
        Err(error) => tracing::warn!(mail = %mail.id, %error, "what became of it could not be written"),
    }
}

/// What becomes of a mail after a try.
fn ending<'a>(mail: &Claimed, sent: &'a Result<(), MailError>, now: Timestamp, chance: u32) -> (Ending<'a>, &'a str) {
    match sent {
        Ok(()) => (Ending::Sent, ""),
        Err(MailError::Never(why)) => (Ending::Failed(why), why),
        Err(MailError::Later(why)) if now.duration_since(mail.created_at) >= PATIENCE => (Ending::Failed(why), why),
        Err(MailError::Later(why)) => (Ending::Later(now + backoff(mail.attempt, chance), why), why),
    }
}

/// The mail as it is sent. It is made anew on each try, from the same row, so that it is the same.
fn letter(platform: &Platform, mail: &Claimed) -> anyhow::Result<Letter> {
    let secret = mail.sealed.as_deref().map(|sealed| platform.seal.open_text(sealed)).transpose()?;
    let rendered = render::render(
        mail.locale,
        &mail.template,
        &mail.arguments,
        secret.as_ref().map(ExposeSecret::expose_secret),
        &render::Sender { url: platform.config.url.as_str(), operator: &platform.config.operator },
    )?;
    Ok(Letter {
        message_id: mail.message_id.clone(),
        from: format!("Steppe <{}>", platform.config.mail_from),
        reply_to: platform.config.support.to_string(),
        to: mail.recipient.clone(),
        subject: rendered.subject,
        text: rendered.text,
        html: rendered.html,
        at: mail.created_at,
    })
}

#[cfg(test)]
mod tests {
    use domain::Locale;

    use super::*;

    fn mail(attempt: u32) -> Claimed {
        Claimed {
            id: uuid::Uuid::from_u128(1).into(),
            message_id: "mail_1@steppe.example".to_owned(),
            template: "confirm".to_owned(),
            locale: Locale::En,
            recipient: "jo@birds.example".to_owned(),
            arguments: serde_json::json!({}),
            sealed: None,
            attempt,
            fence: 1,
            created_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn it_is_tried_for_two_days() {
        let later = Err(MailError::Later("busy".to_owned()));
        let after = |hours| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours);
        assert!(matches!(ending(&mail(1), &later, after(0), 500).0, Ending::Later(at, _) if at > after(0)));
        assert!(matches!(ending(&mail(60), &later, after(47), 500).0, Ending::Later(..)));
        assert!(matches!(ending(&mail(60), &later, after(48), 500).0, Ending::Failed(_)));
        let never = Err(MailError::Never("no such mailbox".to_owned()));
        assert!(matches!(ending(&mail(1), &never, after(0), 500).0, Ending::Failed("no such mailbox")));
    }
}
