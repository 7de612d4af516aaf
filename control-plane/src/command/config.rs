//! `steppe config`.

use super::{config, say};
use crate::Given;

/// Says what is in force.
///
/// # Errors
/// What is missing or wrong.
pub fn check(given: Given) -> anyhow::Result<()> {
    let config = config(given)?;
    crate::seal::Seal::parse(secrecy::ExposeSecret::expose_secret(&config.key))?;
    let smtp = config.smtp.as_ref().map_or_else(|| "none: no mail is sent".to_owned(), |smtp| smtp.url.to_string());
    for (name, value) in [
        ("url", config.url.to_string()),
        ("listen", config.listen.to_string()),
        ("staff-url", config.staff_url.to_string()),
        ("staff-listen", config.staff_listen.to_string()),
        ("smtp-url", smtp),
        ("mail-from", config.mail_from.to_string()),
        ("cells-dir", config.cells_dir.display().to_string()),
    ] {
        say(&format!("{name} = {value}"))?;
    }
    say("the configuration can be used; `steppe doctor` looks whether everything in it answers")
}
