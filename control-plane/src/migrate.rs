//! Bringing the database to what this program needs.

use sqlx::PgPool;
use sqlx::migrate::{MigrateError, Migrator};

/// The migrations, compiled in.
pub static MIGRATOR: Migrator = sqlx::migrate!("../migrations");

/// The versions of the texts people agree to that this program ships, and since when they are asked for.
const TERMS: [(&str, &str, &str); 2] =
    [("terms", "2026-11", "2026-11-01T00:00:00Z"), ("processing", "2026-11", "2026-11-01T00:00:00Z")];

/// Why the database cannot be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A migration failed; it has left nothing behind.
    #[error("migrating: {0}")]
    Migrate(#[from] MigrateError),
    /// The database refused.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    /// It is older than this program.
    #[error("the database lacks {0} migrations of this version: run `steppe migrate`")]
    Behind(usize),
}

/// Whether the database has all that this version needs. One that has more is fine: migrations survive the old version still
/// running.
///
/// # Errors
/// When it lacks something or cannot be reached.
pub async fn require(pool: &PgPool) -> Result<(), Error> {
    let table =
        sqlx::query_scalar!("SELECT to_regclass('_sqlx_migrations') IS NOT NULL AS \"there!\"").fetch_one(pool).await?;
    let done: Vec<i64> = match table {
        true => sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success").fetch_all(pool).await?,
        false => Vec::new(),
    };
    let behind = MIGRATOR.iter().filter(|migration| !done.contains(&migration.version)).count();
    if behind > 0 { Err(Error::Behind(behind)) } else { Ok(()) }
}

/// Runs what has not been run yet. Two at once wait for each other.
///
/// # Errors
/// See [`Error`].
pub async fn run(pool: &PgPool) -> Result<(), Error> {
    MIGRATOR.run(pool).await?;
    for (kind, version, since) in TERMS {
        sqlx::query!(
            "INSERT INTO terms (kind, version, since) VALUES ($1, $2, $3::text::timestamptz) ON CONFLICT DO NOTHING",
            kind,
            version,
            since,
        )
        .execute(pool)
        .await?;
    }
    Ok(())
}
