//! `steppe openapi`.

use crate::api;
use crate::command::say;

/// Prints the description of the API.
///
/// # Errors
/// When standard output is closed.
pub fn print() -> anyhow::Result<()> {
    say(api::text()?.trim_end())
}
