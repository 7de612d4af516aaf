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

struct Row {
    id: uuid::Uuid,
    email: String,
    name: String,
    locale: String,
    email_confirmed_at: Option<jiff_sqlx::Timestamp>,
    password_changed_at: jiff_sqlx::Timestamp,
    email_changed_at: jiff_sqlx::Timestamp,
    created_at: jiff_sqlx::Timestamp,
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
