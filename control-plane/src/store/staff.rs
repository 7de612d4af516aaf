//! Staff: who they are, and the browsers in which they are logged in.

use domain::Email;
use domain::id::{SessionId, StaffId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;

use super::{Result, word};
use crate::auth::secret::Secret;

/// One of us.
#[derive(Debug, Clone)]
pub struct Staff {
    /// Their id.
    pub id: StaffId,
    /// Where mail goes.
    pub email: Email,
    /// What they are called.
    pub name: String,
}

/// What proves that it is them.
#[derive(Clone)]
pub struct Proof {
    /// argon2id, PHC string.
    pub password_hash: String,
    /// The TOTP secret, sealed.
    pub totp_sealed: Vec<u8>,
}

/// Adds somebody.
///
/// # Errors
/// With constraint `staff_email` when the address is taken.
pub async fn insert(connection: &mut PgConnection, staff: &Staff, proof: &Proof, at: Timestamp) -> Result<()> {
    sqlx::query!(
        "INSERT INTO staff (id, email, name, password_hash, totp_sealed, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        staff.id.uuid(),
        staff.email.as_str(),
        staff.name,
        proof.password_hash,
        proof.totp_sealed,
        at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Who has an address and is not disabled, with what proves it.
///
/// # Errors
/// When the database refuses.
pub async fn with_email(connection: &mut PgConnection, email: &Email) -> Result<Option<(Staff, Proof)>> {
    let row = sqlx::query!(
        "SELECT id, email, name, password_hash, totp_sealed FROM staff WHERE lower(email) = $1 AND disabled_at IS NULL",
        email.canonical(),
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let id = StaffId::from(row.id);
    let staff = Staff { id, email: word("staff", id, &row.email)?, name: row.name };
    Ok(Some((staff, Proof { password_hash: row.password_hash, totp_sealed: row.totp_sealed })))
}

/// Uses a time step of the second factor up. `false` says that it or a later one was used before.
///
/// # Errors
/// When the database refuses.
pub async fn use_step(connection: &mut PgConnection, id: StaffId, step: i64) -> Result<bool> {
    let done = sqlx::query!("UPDATE staff SET totp_step = $2 WHERE id = $1 AND totp_step < $2", id.uuid(), step)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Shuts somebody out: their log-in and all their sessions end. Whether there was anybody.
///
/// # Errors
/// When the database refuses.
pub async fn disable(connection: &mut PgConnection, email: &Email, at: Timestamp) -> Result<bool> {
    let done = sqlx::query!(
        "WITH out AS (UPDATE staff SET disabled_at = $2 WHERE lower(email) = $1 AND disabled_at IS NULL RETURNING id),
              ended AS (UPDATE staff_sessions SET revoked_at = $2
                        WHERE staff_id IN (SELECT id FROM out) AND revoked_at IS NULL)
         SELECT count(*) AS \"count!\" FROM out",
        email.canonical(),
        at.to_sqlx(),
    )
    .fetch_one(connection)
    .await?;
    Ok(done.count > 0)
}

/// Where and how long somebody is logged in.
#[derive(Debug)]
pub struct NewSession<'a> {
    /// Names it in tokens and the audit log.
    pub id: SessionId,
    /// What the cookie holds.
    pub secret: &'a Secret,
    /// Who.
    pub staff: StaffId,
    /// The browser, as it says itself.
    pub user_agent: &'a str,
    /// Where it is.
    pub address: &'a str,
    /// Now.
    pub at: Timestamp,
    /// When it ends, whatever is done in it.
    pub expires_at: Timestamp,
}

/// Adds a session.
///
/// # Errors
/// When the database refuses.
pub async fn insert_session(connection: &mut PgConnection, new: &NewSession<'_>) -> Result<()> {
    sqlx::query!(
        "INSERT INTO staff_sessions (id, secret_hash, staff_id, user_agent, address, created_at, last_seen_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6, $7)",
        new.id.uuid(),
        new.secret.hash(),
        new.staff.uuid(),
        new.user_agent,
        new.address,
        new.at.to_sqlx(),
        new.expires_at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// How a session is named.
#[derive(Debug, Clone, Copy)]
pub enum By<'a> {
    /// By the cookie's secret.
    Secret(&'a Secret),
    /// By its id, as in a token that we signed.
    Id(SessionId),
}

/// A session that is still good, and whose. `idle_since`: one that was not used since then is not.
///
/// # Errors
/// When the database refuses.
pub async fn session(
    connection: &mut PgConnection,
    by: By<'_>,
    now: Timestamp,
    idle_since: Timestamp,
) -> Result<Option<(SessionId, Staff)>> {
    let (hash, id) = match by {
        By::Secret(secret) => (Some(secret.hash()), None),
        By::Id(id) => (None, Some(id.uuid())),
    };
    let row = sqlx::query!(
        "UPDATE staff_sessions s SET last_seen_at = $3 FROM staff
         WHERE (s.secret_hash = $1 OR s.id = $2) AND s.revoked_at IS NULL AND s.expires_at > $3 AND s.last_seen_at > $4
           AND staff.id = s.staff_id AND staff.disabled_at IS NULL
         RETURNING s.id AS session_id, staff.id, staff.email, staff.name",
        hash,
        id,
        now.to_sqlx(),
        idle_since.to_sqlx(),
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let id = StaffId::from(row.id);
    Ok(Some((row.session_id.into(), Staff { id, email: word("staff", id, &row.email)?, name: row.name })))
}

/// Ends a session.
///
/// # Errors
/// When the database refuses.
pub async fn end_session(connection: &mut PgConnection, id: SessionId, at: Timestamp) -> Result<()> {
    sqlx::query!(
        "UPDATE staff_sessions SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL",
        id.uuid(),
        at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(())
}
