//! People.

use domain::id::AccountId;
use domain::{Email, Locale, PersonName};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;

use super::{Error, Result, word};

/// A person with a log-in.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Where mail goes.
    pub email: Email,
    /// What we call them.
    pub name: PersonName,
    /// The language they read.
    pub locale: Locale,
    /// When they showed that they read that address.
    pub email_confirmed_at: Option<Timestamp>,
    /// When the password was last changed.
    pub password_changed_at: Timestamp,
    /// When the address was last changed.
    pub email_changed_at: Timestamp,
    /// Since when there is an account.
    pub created_at: Timestamp,
}

/// An account as it is read.
pub(super) struct Row {
    pub(super) id: uuid::Uuid,
    pub(super) email: String,
    pub(super) name: String,
    pub(super) locale: String,
    pub(super) email_confirmed_at: Option<jiff_sqlx::Timestamp>,
    pub(super) password_changed_at: jiff_sqlx::Timestamp,
    pub(super) email_changed_at: jiff_sqlx::Timestamp,
    pub(super) created_at: jiff_sqlx::Timestamp,
}

const TABLE: &str = "accounts";

impl TryFrom<Row> for Account {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let id = AccountId::from(row.id);
        Ok(Self {
            id,
            email: word(TABLE, id, &row.email)?,
            name: word(TABLE, id, &row.name)?,
            locale: word(TABLE, id, &row.locale)?,
            email_confirmed_at: row.email_confirmed_at.map(jiff_sqlx::Timestamp::to_jiff),
            password_changed_at: row.password_changed_at.to_jiff(),
            email_changed_at: row.email_changed_at.to_jiff(),
            created_at: row.created_at.to_jiff(),
        })
    }
}

/// A new account.
#[derive(Debug)]
pub struct New<'a> {
    /// Its id.
    pub id: AccountId,
    /// Where mail goes.
    pub email: &'a Email,
    /// What we call them.
    pub name: &'a PersonName,
    /// The language they read.
    pub locale: Locale,
    /// argon2id, PHC string.
    pub password_hash: &'a str,
    /// Now.
    pub at: Timestamp,
}

/// Adds an account.
///
/// # Errors
/// With constraint `accounts_email` when the address has one.
pub async fn insert(connection: &mut PgConnection, new: &New<'_>) -> Result<()> {
    sqlx::query!(
        "INSERT INTO accounts (id, email, name, locale, password_hash, password_changed_at, email_changed_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6, $6)",
        new.id.uuid(),
        new.email.as_str(),
        new.name.as_str(),
        new.locale.as_str(),
        new.password_hash,
        new.at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// An account that is there.
///
/// # Errors
/// When the database refuses.
pub async fn find(connection: &mut PgConnection, id: AccountId) -> Result<Option<Account>> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, email, name, locale, email_confirmed_at, password_changed_at, email_changed_at, created_at
         FROM accounts WHERE id = $1 AND deleted_at IS NULL",
        id.uuid(),
    )
    .fetch_optional(connection)
    .await?;
    row.map(Account::try_from).transpose()
}

/// The account with an address.
///
/// # Errors
/// When the database refuses.
pub async fn with_email(connection: &mut PgConnection, email: &Email) -> Result<Option<Account>> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, email, name, locale, email_confirmed_at, password_changed_at, email_changed_at, created_at
         FROM accounts WHERE lower(email) = $1 AND deleted_at IS NULL",
        email.canonical(),
    )
    .fetch_optional(connection)
    .await?;
    row.map(Account::try_from).transpose()
}

/// The account with an address, and the hash of its password: in one statement, as for an address without one.
///
/// # Errors
/// When the database refuses.
pub async fn with_login(connection: &mut PgConnection, email: &Email) -> Result<Option<(Account, Option<String>)>> {
    let row = sqlx::query!(
        "SELECT id, email, name, locale, email_confirmed_at, password_changed_at, email_changed_at, created_at, password_hash
         FROM accounts WHERE lower(email) = $1 AND deleted_at IS NULL",
        email.canonical(),
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let account = Row {
        id: row.id,
        email: row.email,
        name: row.name,
        locale: row.locale,
        email_confirmed_at: row.email_confirmed_at,
        password_changed_at: row.password_changed_at,
        email_changed_at: row.email_changed_at,
        created_at: row.created_at,
    };
    Ok(Some((account.try_into()?, row.password_hash)))
}

/// The hash of an account's password.
///
/// # Errors
/// When the database refuses.
pub async fn password_hash(connection: &mut PgConnection, id: AccountId) -> Result<Option<String>> {
    let found =
        sqlx::query_scalar!("SELECT password_hash FROM accounts WHERE id = $1 AND deleted_at IS NULL", id.uuid())
            .fetch_optional(connection)
            .await?;
    Ok(found.flatten())
}

/// Writes down that somebody reads the account's address. Repeats change nothing.
///
/// # Errors
/// When the database refuses.
pub async fn confirm(connection: &mut PgConnection, id: AccountId, at: Timestamp) -> Result<()> {
    sqlx::query!(
        "UPDATE accounts SET email_confirmed_at = coalesce(email_confirmed_at, $2) WHERE id = $1",
        id.uuid(),
        at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Changes how somebody is called and what they read.
///
/// # Errors
/// When the database refuses.
pub async fn set_profile(
    connection: &mut PgConnection,
    id: AccountId,
    name: &PersonName,
    locale: Locale,
) -> Result<()> {
    sqlx::query!(
        "UPDATE accounts SET name = $2, locale = $3 WHERE id = $1 AND deleted_at IS NULL",
        id.uuid(),
        name.as_str(),
        locale.as_str(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Replaces the password `from`, or whichever there is. Whether it was still that one: of two changes at once, one is told
/// that it came too late.
///
/// # Errors
/// When the database refuses.
pub async fn set_password(
    connection: &mut PgConnection,
    id: AccountId,
    from: Option<&str>,
    to: &str,
    at: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE accounts SET password_hash = $3, password_changed_at = $4
         WHERE id = $1 AND deleted_at IS NULL AND ($2::text IS NULL OR password_hash = $2)",
        id.uuid(),
        from,
        to,
        at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Gives an account another address, which its owner has shown to read.
///
/// # Errors
/// With constraint `accounts_email` when another account has it.
pub async fn set_email(connection: &mut PgConnection, id: AccountId, email: &Email, at: Timestamp) -> Result<()> {
    sqlx::query!(
        "UPDATE accounts SET email = $2, email_changed_at = $3, email_confirmed_at = $3 WHERE id = $1 AND deleted_at IS NULL",
        id.uuid(),
        email.as_str(),
        at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Locks an account until the transaction ends; rows that refer to it can still be made. Whether it is there.
///
/// # Errors
/// When the database refuses.
pub async fn lock(connection: &mut PgConnection, id: AccountId) -> Result<bool> {
    let found = sqlx::query_scalar!(
        "SELECT id FROM accounts WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE",
        id.uuid()
    )
    .fetch_optional(connection)
    .await?;
    Ok(found.is_some())
}

/// Takes everything from an account that says whose it was. The row stays, because others name it.
///
/// # Errors
/// When the database refuses.
pub async fn anonymise(connection: &mut PgConnection, id: AccountId, at: Timestamp) -> Result<()> {
    sqlx::query!(
        "WITH agreed AS (UPDATE accepted_terms SET address = '' WHERE account_id = $1),
              links AS (DELETE FROM mail_links WHERE account_id = $1),
              browsers AS (DELETE FROM sessions WHERE account_id = $1)
         UPDATE accounts SET email = $2, name = '—', password_hash = NULL, email_confirmed_at = NULL, deleted_at = $3
         WHERE id = $1",
        id.uuid(),
        format!("{id}@deleted.invalid"),
        at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(())
}
