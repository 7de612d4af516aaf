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

/// A text that somebody agreed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// `terms` or `processing`.
    pub kind: String,
    /// Which version.
    pub version: String,
    /// When.
    pub at: Timestamp,
}

/// Everything an account agreed to, the newest first.
///
/// # Errors
/// When the database refuses.
pub async fn accepted(connection: &mut PgConnection, account: AccountId) -> Result<Vec<Accepted>> {
    let rows = sqlx::query!(
        "SELECT kind, version, accepted_at FROM accepted_terms WHERE account_id = $1 ORDER BY accepted_at DESC, kind DESC",
        account.uuid(),
    )
    .fetch_all(connection)
    .await?;
    let accepted =
        |(kind, version, at): (String, String, jiff_sqlx::Timestamp)| Accepted { kind, version, at: at.to_jiff() };
    Ok(rows.into_iter().map(|row| accepted((row.kind, row.version, row.accepted_at))).collect())
}

impl Terms {
    /// Whether both are among what somebody agreed to.
    #[must_use]
    pub fn are_among(&self, accepted: &[Accepted]) -> bool {
        let has = |kind: &str, version: &str| accepted.iter().any(|one| one.kind == kind && one.version == version);
        has("terms", &self.terms) && has("processing", &self.processing)
    }
}
