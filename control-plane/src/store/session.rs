//! Browsers in which somebody is logged in.

use domain::id::{AccountId, SessionId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;

use super::Result;
use crate::auth::secret::Secret;

/// A browser in which somebody is logged in.
#[derive(Debug, Clone)]
pub struct Session {
    /// For showing and revoking.
    pub id: SessionId,
    /// Who.
    pub account: AccountId,
    /// The browser, as it says itself.
    pub user_agent: String,
    /// Where it was last seen.
    pub address: String,
    /// Since when.
    pub created_at: Timestamp,
    /// When it was last used, to five minutes.
    pub last_seen_at: Timestamp,
    /// Until when what hurts is allowed without the password.
    pub confirmed_until: Option<Timestamp>,
}

/// A new session.
#[derive(Debug)]
pub struct New<'a> {
    /// For showing and revoking.
    pub id: SessionId,
    /// What the cookie holds.
    pub secret: &'a Secret,
    /// Who.
    pub account: AccountId,
    /// The browser, as it says itself.
    pub user_agent: &'a str,
    /// Where it is.
    pub address: &'a str,
    /// Now.
    pub at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Until when what hurts is allowed without the password.
    pub confirmed_until: Timestamp,
}

/// Adds a session.
///
/// # Errors
/// When the database refuses.
pub async fn insert(connection: &mut PgConnection, new: &New<'_>) -> Result<()> {
    sqlx::query!(
        "INSERT INTO sessions (id, secret_hash, account_id, user_agent, address, created_at, last_seen_at, expires_at, confirmed_until)
         VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8)",
        new.id.uuid(),
        new.secret.hash(),
        new.account.uuid(),
        new.user_agent,
        new.address,
        new.at.to_sqlx(),
        new.expires_at.to_sqlx(),
        new.confirmed_until.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

struct Row {
    id: uuid::Uuid,
    account_id: uuid::Uuid,
    user_agent: String,
    address: String,
    created_at: jiff_sqlx::Timestamp,
    last_seen_at: jiff_sqlx::Timestamp,
    confirmed_until: Option<jiff_sqlx::Timestamp>,
}

impl From<Row> for Session {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            account: row.account_id.into(),
            user_agent: row.user_agent,
            address: row.address,
            created_at: row.created_at.to_jiff(),
            last_seen_at: row.last_seen_at.to_jiff(),
            confirmed_until: row.confirmed_until.map(jiff_sqlx::Timestamp::to_jiff),
        }
    }
}

/// The session that a cookie belongs to, if it is still good.
///
/// # Errors
/// When the database refuses.
pub async fn with_secret(connection: &mut PgConnection, secret: &Secret, now: Timestamp) -> Result<Option<Session>> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, account_id, user_agent, address, created_at, last_seen_at, confirmed_until FROM sessions
         WHERE secret_hash = $1 AND revoked_at IS NULL AND expires_at > $2",
        secret.hash(),
        now.to_sqlx(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(Session::from))
}

/// All sessions of an account that are good, the one used last first.
///
/// # Errors
/// When the database refuses.
pub async fn of_account(connection: &mut PgConnection, account: AccountId, now: Timestamp) -> Result<Vec<Session>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, account_id, user_agent, address, created_at, last_seen_at, confirmed_until FROM sessions
         WHERE account_id = $1 AND revoked_at IS NULL AND expires_at > $2 ORDER BY last_seen_at DESC, id DESC",
        account.uuid(),
        now.to_sqlx(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Session::from).collect())
}

/// Writes down that a session was used, and from where.
///
/// # Errors
/// When the database refuses.
pub async fn seen(connection: &mut PgConnection, id: SessionId, address: &str, at: Timestamp) -> Result<()> {
    sqlx::query!(
        "UPDATE sessions SET last_seen_at = $2, address = $3 WHERE id = $1",
        id.uuid(),
        at.to_sqlx(),
        address,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends a session of an account. Whether there was one to end.
///
/// # Errors
/// When the database refuses.
pub async fn revoke(connection: &mut PgConnection, account: AccountId, id: SessionId, at: Timestamp) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE sessions SET revoked_at = $3 WHERE id = $1 AND account_id = $2 AND revoked_at IS NULL",
        id.uuid(),
        account.uuid(),
        at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends all sessions of an account but one, or all. How many there were.
///
/// # Errors
/// When the database refuses.
pub async fn revoke_others(
    connection: &mut PgConnection,
    account: AccountId,
    keep: Option<SessionId>,
    at: Timestamp,
) -> Result<u64> {
    let done = sqlx::query!(
        "UPDATE sessions SET revoked_at = $3 WHERE account_id = $1 AND ($2::uuid IS NULL OR id <> $2) AND revoked_at IS NULL",
        account.uuid(),
        keep.map(SessionId::uuid),
        at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Writes down that the password was entered again. The cookie's secret is another one from then on: who proves anew who they
/// are gets a new proof (ASVS 5.0 V7.2.4). Whether the session was still there.
///
/// # Errors
/// When the database refuses.
pub async fn confirm(connection: &mut PgConnection, id: SessionId, secret: &Secret, until: Timestamp) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE sessions SET secret_hash = $2, confirmed_until = $3 WHERE id = $1 AND revoked_at IS NULL",
        id.uuid(),
        secret.hash(),
        until.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}
