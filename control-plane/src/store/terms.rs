//! The texts people agree to, by version.

use domain::id::AccountId;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;

use super::{Error, Result};

/// The versions in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Of the terms of service.
    pub terms: String,
    /// Of the data-processing agreement.
    pub processing: String,
}

/// The versions in force now.
///
/// # Errors
/// When there are none: `steppe migrate` puts in those that this program ships.
pub async fn current(connection: &mut PgConnection, now: Timestamp) -> Result<Terms> {
    let rows = sqlx::query!(
        "SELECT DISTINCT ON (kind) kind, version FROM terms WHERE since <= $1 ORDER BY kind, since DESC, version DESC",
        now.to_sqlx(),
    )
    .fetch_all(connection)
    .await?;
    let version = |kind: &str| {
        let found = rows.iter().find(|row| row.kind == kind).map(|row| row.version.clone());
        found.ok_or_else(|| Error::corrupt("terms", kind, "no version is in force"))
    };
    Ok(Terms { terms: version("terms")?, processing: version("processing")? })
}

/// Writes down that somebody agreed to both. Repeats change nothing.
///
/// # Errors
/// When the database refuses.
pub async fn accept(
    connection: &mut PgConnection,
    account: AccountId,
    terms: &Terms,
    address: &str,
    at: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO accepted_terms (account_id, kind, version, accepted_at, address)
         VALUES ($1, 'terms', $2, $4, $5), ($1, 'processing', $3, $4, $5) ON CONFLICT DO NOTHING",
        account.uuid(),
        terms.terms,
        terms.processing,
        at.to_sqlx(),
        address,
    )
    .execute(connection)
    .await?;
    Ok(())
}
