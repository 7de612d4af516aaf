//! Mails that wait to be sent: written in the transaction of what they tell.

use domain::id::{AccountId, MailId};
use domain::{Email, Locale};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;

use super::{Result, word};

/// The channel on which the sender is woken.
pub const CHANNEL: &str = "mails";

/// A mail to be sent.
#[derive(Debug)]
pub struct New<'a> {
    /// Its id; also the left half of its Message-ID.
    pub id: MailId,
    /// The right half of its Message-ID: our own name.
    pub host: &'a str,
    /// Which mail: `mail-TEMPLATE-subject` and so on in the texts.
    pub template: &'static str,
    /// The language.
    pub locale: Locale,
    /// To whom.
    pub recipient: &'a Email,
    /// The account it is for, if it is for one.
    pub account: Option<AccountId>,
    /// What the template needs, as an object of texts and numbers.
    pub arguments: serde_json::Value,
    /// The secret link in it, sealed; cleared once the mail is out.
    pub sealed: Option<Vec<u8>>,
    /// Now.
    pub at: Timestamp,
}

/// Adds a mail to be sent.
///
/// # Errors
/// When the database refuses.
pub async fn insert(connection: &mut PgConnection, new: New<'_>) -> Result<()> {
    sqlx::query!(
        "WITH written AS (
             INSERT INTO mails (id, message_id, template, locale, recipient, account_id, arguments, sealed, state, run_at, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'queued', $9, $9))
         SELECT pg_notify($10, '')",
        new.id.uuid(),
        format!("{}@{}", new.id, new.host),
        new.template,
        new.locale.as_str(),
        new.recipient.as_str(),
        new.account.map(AccountId::uuid),
        new.arguments,
        new.sealed,
        new.at.to_sqlx(),
        CHANNEL,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A mail that a sender has taken.
#[derive(Debug)]
pub struct Claimed {
    /// Its id.
    pub id: MailId,
    /// Kept over all tries.
    pub message_id: String,
    /// Which mail.
    pub template: String,
    /// The language.
    pub locale: Locale,
    /// To whom.
    pub recipient: String,
    /// What the template needs.
    pub arguments: serde_json::Value,
    /// The secret link in it, sealed.
    pub sealed: Option<Vec<u8>>,
    /// How many tries have been begun, this one included.
    pub attempt: u32,
    /// This claim's number: who writes with an older one is a sender that was thought dead.
    pub fence: i64,
    /// When it was written.
    pub created_at: Timestamp,
}

/// Takes the next mail that is to be sent, until a time. One whose sender has died is taken again after its lease.
///
/// # Errors
/// When the database refuses.
pub async fn claim(connection: &mut PgConnection, now: Timestamp, lease_until: Timestamp) -> Result<Option<Claimed>> {
    let row = sqlx::query!(
        "UPDATE mails SET attempt = attempt + 1, fence = fence + 1, lease_until = $2, run_at = $2
         WHERE id = (SELECT id FROM mails WHERE state = 'queued' AND run_at <= $1 ORDER BY run_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
         RETURNING id, message_id, template, locale, recipient, arguments, sealed, attempt, fence, created_at",
        now.to_sqlx(),
        lease_until.to_sqlx(),
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let id = MailId::from(row.id);
    Ok(Some(Claimed {
        id,
        message_id: row.message_id,
        template: row.template,
        locale: word("mails", id, &row.locale)?,
        recipient: row.recipient,
        arguments: row.arguments,
        sealed: row.sealed,
        attempt: row.attempt.try_into().unwrap_or(u32::MAX),
        fence: row.fence,
        created_at: row.created_at.to_jiff(),
    }))
}

/// What became of a mail.
#[derive(Debug, Clone, Copy)]
pub enum Ending<'a> {
    /// A mail server has it.
    Sent,
    /// It is tried again.
    Later(Timestamp, &'a str),
    /// It never will be.
    Failed(&'a str),
}

/// Writes down what became of a mail. What is secret in it goes when nothing more will happen to it. `false`: another sender
/// has taken it since.
///
/// # Errors
/// When the database refuses.
pub async fn end(
    connection: &mut PgConnection,
    id: MailId,
    fence: i64,
    ending: Ending<'_>,
    now: Timestamp,
) -> Result<bool> {
    let (state, run_at, error) = match ending {
        Ending::Sent => ("sent", now, None),
        Ending::Later(at, error) => ("queued", at, Some(error)),
        Ending::Failed(error) => ("failed", now, Some(error)),
    };
    let done = sqlx::query!(
        "UPDATE mails SET state = $3, run_at = $4, error = $5, lease_until = NULL,
                sealed = CASE WHEN $3 = 'queued' THEN sealed END, sent_at = CASE WHEN $3 = 'sent' THEN $6::timestamptz END
         WHERE id = $1 AND fence = $2 AND state = 'queued'",
        id.uuid(),
        fence,
        state,
        run_at.to_sqlx(),
        error,
        now.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// When the next mail can be sent, if there is one to come.
///
/// # Errors
/// When the database refuses.
pub async fn due(connection: &mut PgConnection, now: Timestamp) -> Result<Option<Timestamp>> {
    let next =
        sqlx::query_scalar!("SELECT min(run_at) FROM mails WHERE state = 'queued' AND run_at > $1", now.to_sqlx())
            .fetch_one(connection)
            .await?;
    Ok(next.map(jiff_sqlx::Timestamp::to_jiff))
}
