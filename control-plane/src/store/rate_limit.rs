//! Token buckets shared by all replicas.

use domain::limits::{Bucket, Taken};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;

use super::Result;

/// Takes a token from the bucket `key`. The row is locked, so that two replicas cannot take the same one.
///
/// # Errors
/// When the database refuses.
pub async fn take(connection: &mut PgConnection, key: &str, bucket: Bucket, now: Timestamp) -> Result<Taken> {
    // One statement, which locks the row that is there: between two of them it could be pruned.
    let row = sqlx::query!(
        "INSERT INTO rate_limits (key, tokens, updated_at) VALUES ($1, $2, $3)
         ON CONFLICT (key) DO UPDATE SET key = excluded.key RETURNING tokens, updated_at",
        key,
        f64::from(bucket.capacity()),
        now.to_sqlx(),
    )
    .fetch_one(&mut *connection)
    .await?;
    let taken = bucket.take(row.tokens, row.updated_at.to_jiff(), now);
    sqlx::query!(
        "UPDATE rate_limits SET tokens = $2, updated_at = $3 WHERE key = $1",
        key,
        taken.tokens,
        now.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(taken)
}
