//! Workers that run.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;

use super::Result;

/// A worker.
#[derive(Debug, Clone)]
pub struct Worker {
    /// Its name.
    pub name: String,
    /// The version of its program.
    pub version: String,
    /// Since when it runs.
    pub started_at: Timestamp,
    /// When it last said so.
    pub seen_at: Timestamp,
}

/// Writes down that a worker is there.
///
/// # Errors
/// When the database refuses.
pub async fn present(connection: &mut PgConnection, name: &str, version: &str, at: Timestamp) -> Result<()> {
    sqlx::query!(
        "INSERT INTO workers (name, version, started_at, seen_at) VALUES ($1, $2, $3, $3)
         ON CONFLICT (name) DO UPDATE SET version = $2, seen_at = $3",
        name,
        version,
        at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// All workers that were there lately, by name.
///
/// # Errors
/// When the database refuses.
pub async fn all(connection: &mut PgConnection) -> Result<Vec<Worker>> {
    let rows = sqlx::query!("SELECT name, version, started_at, seen_at FROM workers ORDER BY name")
        .fetch_all(connection)
        .await?;
    let workers = rows.into_iter().map(|row| Worker {
        name: row.name,
        version: row.version,
        started_at: row.started_at.to_jiff(),
        seen_at: row.seen_at.to_jiff(),
    });
    Ok(workers.collect())
}
