//! Token buckets shared by all replicas.

use domain::limits::{Bucket, Taken};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;

use super::Result;

/// Takes a token from the bucket `key`, which was full if there is none yet. What came in since the last time comes first; a
/// clock that went back refills nothing. One statement, so that two replicas cannot take the same one and nobody waits for a
/// second answer.
///
/// # Errors
/// When the database refuses.
pub async fn take(connection: &mut PgConnection, key: &str, bucket: Bucket, now: Timestamp) -> Result<Taken> {
    let row = sqlx::query!(
        "INSERT INTO rate_limits AS bucket (key, tokens, updated_at, granted) VALUES ($1, $2::float8 - 1, $4, true)
         ON CONFLICT (key) DO UPDATE SET updated_at = $4, (tokens, granted) = (
             SELECT CASE WHEN held >= 1 THEN held - 1 ELSE held END, held >= 1
             FROM (SELECT least($2::float8, greatest(bucket.tokens, 0)
                          + greatest(extract(epoch FROM $4 - bucket.updated_at)::float8, 0) / $3::float8) AS held) AS filled)
         RETURNING tokens, granted",
        key,
        f64::from(bucket.capacity()),
        bucket.refill_seconds(),
        now.to_sqlx(),
    )
    .fetch_one(connection)
    .await?;
    Ok(bucket.taken(row.tokens, row.granted))
}
