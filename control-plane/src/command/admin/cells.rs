//! `steppe admin cells`.

use names::Hostname;

use crate::Given;
use crate::actor::Actor;
use crate::app::cell;
use crate::command::{config, platform, say};

/// Adds a cell; its folder below `cells-dir` holds the way to it.
///
/// # Errors
/// When it cannot be added, or the configuration cannot be used.
pub async fn add(given: Given, name: &str, zone: &Hostname) -> anyhow::Result<()> {
    let platform = platform(config(given)?, 1)?;
    let folder = platform.config.cells_dir.join(name);
    match cell::add(&platform, &Actor::system(), name, zone).await? {
        true => say(&format!("cell {name} is added; the workers go to it by {}/kubeconfig", folder.display())),
        false => say(&format!("cell {name} is there already")),
    }
}
