//! Answers that were given to requests with an `Idempotency-Key`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;

use super::{Error, Result};

/// An answer that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers that matter.
    pub headers: BTreeMap<String, String>,
    /// Its body.
    pub body: Vec<u8>,
}

/// What there is for a key.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing; the request is ours to answer now.
    New,
    /// The same request is being answered.
    Busy,
    /// Another request had this key.
    Other,
    /// The same request was answered.
    Answered(Answer),
}

/// How long a request may be in the works: a server that died in it left its key behind.
const GIVEN_UP_AFTER: jiff::SignedDuration = jiff::SignedDuration::from_mins(5);

/// Takes a key for a request, or says what there is.
///
/// # Errors
/// When the database refuses.
pub async fn begin(connection: &mut PgConnection, key: &str, request_hash: &[u8], now: Timestamp) -> Result<Found> {
    let taken = sqlx::query!(
        "INSERT INTO idempotency_keys (key, request_hash, created_at) VALUES ($1, $2, $3)
         ON CONFLICT (key) DO UPDATE SET created_at = $3
             WHERE idempotency_keys.status IS NULL AND idempotency_keys.created_at < $4 AND idempotency_keys.request_hash = $2",
        key,
        request_hash,
        now.to_sqlx(),
        (now - GIVEN_UP_AFTER).to_sqlx(),
    )
    .execute(&mut *connection)
    .await?;
    if taken.rows_affected() > 0 {
        return Ok(Found::New);
    }
    let row = sqlx::query!("SELECT request_hash, status, body, headers FROM idempotency_keys WHERE key = $1", key)
        .fetch_optional(connection)
        .await?;
    // It was there and was given back meanwhile: whoever comes again gets it.
    let Some(row) = row else { return Ok(Found::Busy) };
    if row.request_hash != request_hash {
        return Ok(Found::Other);
    }
    let (Some(status), Some(body)) = (row.status, row.body) else {
        return Ok(Found::Busy);
    };
    let corrupt = |why: String| Error::corrupt("idempotency_keys", key, why);
    let status = u16::try_from(status).map_err(|error| corrupt(error.to_string()))?;
    let headers =
        serde_json::from_value(row.headers.unwrap_or_default()).map_err(|error| corrupt(error.to_string()))?;
    Ok(Found::Answered(Answer { status, headers, body }))
}

/// Keeps the answer to a key's request.
///
/// # Errors
/// When the database refuses.
pub async fn answer(connection: &mut PgConnection, key: &str, answer: &Answer) -> Result<()> {
    sqlx::query!(
        "UPDATE idempotency_keys SET status = $2, body = $3, headers = $4 WHERE key = $1",
        key,
        i16::try_from(answer.status).unwrap_or(200),
        answer.body,
        serde_json::to_value(&answer.headers).unwrap_or_default(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Gives a key back: its request may be sent again.
///
/// # Errors
/// When the database refuses.
pub async fn forget(connection: &mut PgConnection, key: &str) -> Result<()> {
    sqlx::query!("DELETE FROM idempotency_keys WHERE key = $1", key).execute(connection).await?;
    Ok(())
}
