//! `steppe admin offers`.

use std::path::Path;

use anyhow::Context as _;

use crate::Given;
use crate::actor::Actor;
use crate::app::offer;
use crate::command::{config, platform, say};

/// Makes what can be ordered what is in a file, or what comes by standard input when that is called `-`.
///
/// # Errors
/// When the file or the configuration cannot be used, or the database refuses.
pub async fn sync(given: Given, file: &Path) -> anyhow::Result<()> {
    // By name it could not be opened in a container: there it belongs to root.
    let text =
        if file == Path::new("-") { std::io::read_to_string(std::io::stdin()) } else { std::fs::read_to_string(file) };
    let text = text.with_context(|| format!("reading {}", file.display()))?;
    let wanted = offer::parse(&text).with_context(|| file.display().to_string())?;
    let platform = platform(config(given)?, 1)?;
    let synced = offer::sync(&platform, &Actor::system(), wanted).await?;
    if synced.is_nothing() {
        return say("all offers are as the file wants them");
    }
    for (what, slugs) in [
        ("added", &synced.added),
        ("new version", &synced.revised),
        ("other software version", &synced.moved),
        ("retired", &synced.retired),
    ] {
        for slug in slugs {
            say(&format!("{slug}: {what}"))?;
        }
    }
    Ok(())
}
