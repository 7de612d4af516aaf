//! Links sent by mail that prove who reads an address. Each works once.

use domain::Email;
use domain::id::AccountId;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;

use super::{Result, word};
use crate::auth::secret::Secret;

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To show that somebody reads the address they signed up with.
    Confirm,
    /// To choose a new password.
    Reset,
    /// To show that somebody reads the address they change to.
    Change,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Reset => "reset",
            Self::Change => "change",
        }
    }
}

/// A link that was found good.
#[derive(Debug, Clone)]
pub struct MailLink {
    /// Whose it is.
    pub account: AccountId,
    /// The address that becomes theirs, with [`Purpose::Change`].
    pub new_email: Option<Email>,
}

/// Adds a link; earlier ones of the same purpose stop working, so that only the newest mail does.
///
/// # Errors
/// When the database refuses.
pub async fn insert(
    connection: &mut PgConnection,
    secret: &Secret,
    purpose: Purpose,
    link: &MailLink,
    at: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "WITH dead AS (
             UPDATE mail_links SET used_at = $5 WHERE account_id = $2 AND purpose = $3 AND used_at IS NULL)
         INSERT INTO mail_links (secret_hash, account_id, purpose, new_email, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        secret.hash(),
        link.account.uuid(),
        purpose.as_str(),
        link.new_email.as_ref().map(Email::as_str),
        at.to_sqlx(),
        expires_at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A link that would work, without using it up.
///
/// # Errors
/// When the database refuses.
pub async fn find(
    connection: &mut PgConnection,
    secret: &Secret,
    purpose: Purpose,
    now: Timestamp,
) -> Result<Option<MailLink>> {
    let row = sqlx::query!(
        "SELECT account_id, new_email FROM mail_links
         WHERE secret_hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3",
        secret.hash(),
        purpose.as_str(),
        now.to_sqlx(),
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| link(row.account_id, row.new_email)).transpose()
}

fn link(account: uuid::Uuid, new_email: Option<String>) -> Result<MailLink> {
    let account = AccountId::from(account);
    let new_email = new_email.map(|text| word("mail_links", account, &text)).transpose()?;
    Ok(MailLink { account, new_email })
}

/// Makes all links of an account that are still good useless: its password or its address is another one now.
///
/// # Errors
/// When the database refuses.
pub async fn kill_all(connection: &mut PgConnection, account: AccountId, at: Timestamp) -> Result<()> {
    sqlx::query!(
        "UPDATE mail_links SET used_at = $2 WHERE account_id = $1 AND used_at IS NULL",
        account.uuid(),
        at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Uses a link up. None when it was used, is too old or never was.
///
/// # Errors
/// When the database refuses.
pub async fn consume(
    connection: &mut PgConnection,
    secret: &Secret,
    purpose: Purpose,
    now: Timestamp,
) -> Result<Option<MailLink>> {
    let row = sqlx::query!(
        "UPDATE mail_links SET used_at = $3 WHERE secret_hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3
         RETURNING account_id, new_email",
        secret.hash(),
        purpose.as_str(),
        now.to_sqlx(),
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| link(row.account_id, row.new_email)).transpose()
}
