//! `steppe migrate`.

use anyhow::Context as _;
use secrecy::ExposeSecret as _;

use super::say;
use crate::{Given, migrate, platform};

/// Brings the database up to date.
///
/// # Errors
/// When it cannot be reached or a migration fails, which leaves nothing behind.
pub async fn run(given: Given) -> anyhow::Result<()> {
    let url = given.database()?;
    let pool = platform::pool(url.expose_secret(), 1).context("database-url")?;
    migrate::run(&pool).await?;
    say("the database is up to date; start `steppe server` and `steppe worker`")
}
