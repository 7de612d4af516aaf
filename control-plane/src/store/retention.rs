//! How long rows are kept: what is old is removed, some at a time, so that nobody waits for it.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;

use super::Result;

/// How many rows one statement removes at most.
pub const LIMIT: i64 = 1000;

/// Removes facts from before a time that every reader has read.
///
/// # Errors
/// When the database refuses.
pub async fn outbox(connection: &mut PgConnection, before: Timestamp) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM outbox WHERE seq IN (
             SELECT seq FROM outbox
             WHERE created_at < $1 AND NOT EXISTS (SELECT 1 FROM outbox_readers r WHERE r.seq < outbox.seq)
             ORDER BY seq LIMIT $2)",
        before.to_sqlx(),
        LIMIT,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Removes sessions, of customers and of staff, that ended before a time, and permissions to download that did.
///
/// # Errors
/// When the database refuses.
pub async fn sessions(connection: &mut PgConnection, before: Timestamp) -> Result<u64> {
    sqlx::query!("DELETE FROM download_grants WHERE expires_at < $1", before.to_sqlx())
        .execute(&mut *connection)
        .await?;
    let theirs = sqlx::query!(
        "DELETE FROM sessions WHERE id IN (
             SELECT id FROM sessions s WHERE (expires_at < $1 OR revoked_at < $1)
               AND NOT EXISTS (SELECT 1 FROM download_grants g WHERE g.session_id = s.id) LIMIT $2)",
        before.to_sqlx(),
        LIMIT,
    )
    .execute(&mut *connection)
    .await?;
    let ours = sqlx::query!("DELETE FROM staff_sessions WHERE expires_at < $1 OR revoked_at < $1", before.to_sqlx())
        .execute(connection)
        .await?;
    Ok(theirs.rows_affected() + ours.rows_affected())
}

/// Removes links in mails that stopped working before a time.
///
/// # Errors
/// When the database refuses.
pub async fn mail_links(connection: &mut PgConnection, before: Timestamp) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM mail_links WHERE secret_hash IN (SELECT secret_hash FROM mail_links WHERE expires_at < $1 LIMIT $2)",
        before.to_sqlx(),
        LIMIT,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Removes buckets that were not used since a time: they are full again.
///
/// # Errors
/// When the database refuses.
pub async fn rate_limits(connection: &mut PgConnection, before: Timestamp) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM rate_limits WHERE key IN (SELECT key FROM rate_limits WHERE updated_at < $1 LIMIT $2)",
        before.to_sqlx(),
        LIMIT,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Removes answers that are kept for repeats of requests from before a time.
///
/// # Errors
/// When the database refuses.
pub async fn idempotency_keys(connection: &mut PgConnection, before: Timestamp) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM idempotency_keys WHERE key IN (SELECT key FROM idempotency_keys WHERE created_at < $1 LIMIT $2)",
        before.to_sqlx(),
        LIMIT,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Removes mails from before a time that were sent or given up.
///
/// # Errors
/// When the database refuses.
pub async fn mails(connection: &mut PgConnection, before: Timestamp) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM mails WHERE id IN (SELECT id FROM mails WHERE state <> 'queued' AND created_at < $1 LIMIT $2)",
        before.to_sqlx(),
        LIMIT,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Forgets workers that were not heard of since a time.
///
/// # Errors
/// When the database refuses.
pub async fn workers(connection: &mut PgConnection, before: Timestamp) -> Result<u64> {
    let done = sqlx::query!("DELETE FROM workers WHERE seen_at < $1", before.to_sqlx()).execute(connection).await?;
    Ok(done.rows_affected())
}

/// Ends invitations that nobody accepted in time, so that the same person can be invited again.
///
/// # Errors
/// When the database refuses.
pub async fn invitations(connection: &mut PgConnection, now: Timestamp) -> Result<u64> {
    let done = sqlx::query!(
        "UPDATE invitations SET revoked_at = expires_at WHERE expires_at <= $1 AND accepted_at IS NULL AND revoked_at IS NULL",
        now.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
