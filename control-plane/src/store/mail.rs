//! Mails that wait to be sent: written in the transaction of what they tell.

use domain::id::{AccountId, MailId};
use domain::{Email, Locale};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;

use super::Result;

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
        "INSERT INTO mails (id, message_id, template, locale, recipient, account_id, arguments, sealed, state, run_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'queued', $9, $9)",
        new.id.uuid(),
        format!("{}@{}", new.id, new.host),
        new.template,
        new.locale.as_str(),
        new.recipient.as_str(),
        new.account.map(AccountId::uuid),
        new.arguments,
        new.sealed,
        new.at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(())
}
