//! Permissions to take bundles away.

use domain::id::{AccountId, ExportId, SessionId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;

use super::Result;
use crate::auth::secret::Secret;

/// A permission that is given.
#[derive(Debug)]
pub struct New<'a> {
    /// Its id.
    pub id: uuid::Uuid,
    /// For which bundle.
    pub export: ExportId,
    /// To which browser.
    pub session: SessionId,
    /// For the script that fetches all files.
    pub secret: Option<&'a Secret>,
    /// Now.
    pub at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
}

/// Writes down that a permission is given.
///
/// # Errors
/// When the database refuses.
pub async fn insert(connection: &mut PgConnection, new: &New<'_>) -> Result<()> {
    sqlx::query!(
        "INSERT INTO download_grants (id, export_id, session_id, secret_hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
        new.id,
        new.export.uuid(),
        new.session.uuid(),
        new.secret.map(Secret::hash),
        new.at.to_sqlx(),
        new.expires_at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Until when a browser may take a bundle away, if it may.
///
/// # Errors
/// When the database refuses.
pub async fn of_session(
    connection: &mut PgConnection,
    export: ExportId,
    session: SessionId,
    now: Timestamp,
) -> Result<Option<Timestamp>> {
    let until = sqlx::query_scalar!(
        "SELECT max(expires_at) FROM download_grants WHERE session_id = $1 AND export_id = $2 AND expires_at > $3",
        session.uuid(),
        export.uuid(),
        now.to_sqlx(),
    )
    .fetch_one(connection)
    .await?;
    Ok(until.map(jiff_sqlx::Timestamp::to_jiff))
}

/// Whose permission a script's secret is, if it is one for this bundle and the log-in it was given to has not ended.
///
/// # Errors
/// When the database refuses.
pub async fn of_secret(
    connection: &mut PgConnection,
    export: ExportId,
    secret: &Secret,
    now: Timestamp,
) -> Result<Option<AccountId>> {
    let account = sqlx::query_scalar!(
        "SELECT s.account_id FROM download_grants g JOIN sessions s ON s.id = g.session_id
         WHERE g.secret_hash = $1 AND g.export_id = $2 AND g.expires_at > $3 AND s.revoked_at IS NULL AND s.expires_at > $3",
        secret.hash(),
        export.uuid(),
        now.to_sqlx(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(account.map(AccountId::from))
}
