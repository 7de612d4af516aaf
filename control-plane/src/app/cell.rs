//! Cells: where servers live.

use anyhow::Context as _;
use domain::audit::Action;
use domain::id::CellId;
use names::Hostname;
use serde_json::json;

use crate::actor::Actor;
use crate::platform::Platform;
use crate::store;
use crate::store::audit::Entry;

/// Adds a cell, or finds it there with the same zone. Which cluster it is, and its room, are learned by the worker.
///
/// # Errors
/// When the name says nothing, the zone is the dashboard's own domain, or a cell of that name has another zone.
pub async fn add(platform: &Platform, actor: &Actor, name: &str, zone: &Hostname) -> anyhow::Result<bool> {
    anyhow::ensure!(is_name(name), "{name:?} names no folder: take lower-case letters, digits and hyphens, 40 at most");
    anyhow::ensure!(
        platform.config.allows_zone(zone),
        "servers under {zone} would share a domain with the dashboard at {}: take a zone of another domain",
        platform.config.host()
    );
    let mut tx = platform.begin().await?;
    if let Some(found) = store::cell::all(&mut tx).await?.into_iter().find(|cell| cell.name == name) {
        anyhow::ensure!(found.zone == *zone, "cell {name} is there already, with zone {}", found.zone);
        return Ok(false);
    }
    let id = platform.id(CellId::new)?;
    store::cell::insert(&mut tx, id, name, zone, platform.now()).await?;
    let entry =
        Entry { subject: Some(id.to_string()), detail: json!({ "name": name, "zone": zone }), ..Entry::default() };
    store::audit::write(&mut tx, platform.now(), actor, Action::CellCreate, entry).await?;
    tx.commit().await.context("the cell was not added")?;
    Ok(true)
}

fn is_name(name: &str) -> bool {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=40).contains(&name.len()) && name.chars().all(good) && !name.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_folder() {
        assert!(is_name("one") && is_name("fsn1-a"));
        for bad in ["", "-a", "A", "a/b", "..", "a b", &"a".repeat(41)] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
