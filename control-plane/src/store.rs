//! The database: one file a noun, SQL and nothing else. Functions take a connection, so that the caller decides what is one
//! transaction. Rows become the domain's types here; a row that cannot be is loud.

pub mod account;
pub mod account_change;
pub mod actor;
pub mod api_token;
pub mod audit;
pub mod backlog;
pub mod cell;
pub mod download_grant;
pub mod export;
pub mod hold;
pub mod hostname;
pub mod idempotency_key;
pub mod instance;
pub mod invitation;
pub mod mail;
pub mod mail_link;
pub mod membership;
pub mod offer;
pub mod operation;
pub mod order;
pub mod organization;
pub mod outbox;
pub mod rate_limit;
pub mod report;
pub mod retention;
pub mod search;
pub mod session;
pub mod staff;
pub mod terms;
pub mod work;
pub mod worker;

use sqlx::postgres::PgDatabaseError;

/// What goes wrong in the database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused or cannot be reached.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    /// A row that our own code could not have written, or wrote in another version.
    #[error("{table} has a row that cannot be: {row}: {why}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// Its key.
        row: String,
        /// What is wrong with it.
        why: String,
    },
}

/// What a store function returns.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A row that cannot be.
    pub fn corrupt(table: &'static str, row: impl ToString, why: impl ToString) -> Self {
        Self::Corrupt { table, row: row.to_string(), why: why.to_string() }
    }

    /// The constraint that an insert or update would have broken. What a unique index refuses is a fact about the request,
    /// and told where the request is known.
    #[must_use]
    pub fn constraint(&self) -> Option<&str> {
        let Self::Database(sqlx::Error::Database(error)) = self else {
            return None;
        };
        error.try_downcast_ref::<PgDatabaseError>().and_then(PgDatabaseError::constraint)
    }
}

/// Reads a text column as one of the domain's words.
pub(crate) fn word<T: std::str::FromStr>(table: &'static str, row: impl ToString, text: &str) -> Result<T>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error| Error::corrupt(table, row, error))
}
