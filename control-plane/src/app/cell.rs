//! Cells: added by us, opened and closed for new servers, given room.

use domain::Topic;
use domain::audit::Action;
use domain::id::CellId;
use names::{Hostname, Revision, Size};
use serde_json::{Value, json};

use crate::actor::Actor;
use crate::error::{Code, Problem};
use crate::platform::{Platform, Tx};
use crate::store;
use crate::store::audit::Entry;
use crate::store::cell::{Cell, Refused, UNLIMITED};
use crate::store::outbox::About;

/// How a cell may be called: as its folder below `cells-dir` is.
fn is_name(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.len() <= 40 && name.starts_with(|first: char| first.is_ascii_lowercase()) && name.bytes().all(good)
}

/// Adds a cell. Which cluster it is is learned at first contact.
///
/// # Errors
/// `invalid` when the name or the zone cannot be, or a cell has this name.
pub async fn add(platform: &Platform, actor: &Actor, name: &str, zone: &Hostname) -> Result<CellId, Problem> {
    if !is_name(name) {
        return Err(Problem::field("name", "cell-name"));
    }
    if !platform.config.allows_zone(zone) {
        return Err(Problem::field("zone", "cell-zone"));
    }
    let id = platform.id(CellId::new)?;
    let mut tx = platform.begin().await?;
    match store::cell::insert(&mut tx, id, name, zone, platform.now()).await {
        Err(error) if error.constraint() == Some("cells_name_key") => {
            return Err(Problem::field("name", "cell-taken"));
        }
        other => other?,
    }
    note(platform, &mut tx, actor, name, Action::CellCreate, json!({ "zone": zone })).await?;
    tx.commit().await?;
    Ok(id)
}

async fn lock(tx: &mut Tx, id: CellId, version: i64) -> Result<Cell, Problem> {
    let cell = store::cell::lock(tx, id).await?.ok_or(Problem::new(Code::NotFound))?;
    if cell.version == version { Ok(cell) } else { Err(Problem::new(Code::Stale)) }
}

/// Changes whether new servers are placed in a cell, if nobody was faster: `version` is that of the cell as it was seen.
///
/// # Errors
/// `not-found`; `stale`.
pub async fn set_open(platform: &Platform, actor: &Actor, id: CellId, version: i64, open: bool) -> Result<(), Problem> {
    let mut tx = platform.begin().await?;
    let cell = lock(&mut tx, id, version).await?;
    if cell.open == open {
        return Ok(());
    }
    store::cell::set_open(&mut tx, id, open).await?;
    note(platform, &mut tx, actor, &cell.name, Action::CellOpen, json!({ "open": open })).await?;
    Ok(tx.commit().await?)
}

/// Changes how many servers of a size we grant a cell; without a figure it is as many as the cell says. With more room, those
/// who wait longest are offered places; with less, nobody has to leave. `version` is that of the cell as it was seen.
///
/// # Errors
/// `not-found`; `stale`; `invalid` when there cannot be so many.
pub async fn set_room(
    platform: &Platform,
    actor: &Actor,
    id: CellId,
    version: i64,
    size: Size,
    granted: Option<u32>,
) -> Result<(), Problem> {
    let granted =
        granted.map(i32::try_from).transpose().ok().filter(|granted| granted.is_none_or(|one| one < UNLIMITED));
    let granted = granted.ok_or(Problem::field("places", "cell-places"))?;
    let mut tx = platform.begin().await?;
    let cell = lock(&mut tx, id, version).await?;
    let room = store::cell::rooms(&mut tx).await?.into_iter().find(|room| room.cell == id && room.size == size);
    let before = room.and_then(|room| room.granted);
    if before == granted {
        return Ok(());
    }
    store::cell::set_room(&mut tx, id, size, granted).await?;
    let detail = json!({ "size": size, "before": before, "after": granted });
    note(platform, &mut tx, actor, &cell.name, Action::CellRoom, detail).await?;
    Ok(tx.commit().await?)
}

/// Lets a cell be written to again after somebody has looked: this database was older than it. The numbers of wishes that the
/// cell has are taken over, so that the next wish is a new one; `there` are its servers, by their objects' names. How many were
/// behind.
///
/// # Errors
/// `wrong-state` when the cell is not refused for that.
pub async fn trust(
    platform: &Platform,
    actor: &Actor,
    cell: &Cell,
    there: &[(String, Revision)],
) -> Result<usize, Problem> {
    let mut tx = platform.begin().await?;
    let mut behind = 0;
    for (name, revision) in there {
        behind += usize::from(store::instance::catch_up(&mut tx, cell.id, name, *revision).await?);
    }
    if !store::cell::trust(&mut tx, cell.id, Refused::DatabaseBehind).await? {
        return Err(Problem::new(Code::WrongState));
    }
    store::operation::wake_cell(&mut tx, cell.id, platform.now()).await?;
    note(platform, &mut tx, actor, &cell.name, Action::CellTrust, json!({ "behind": behind })).await?;
    tx.commit().await?;
    Ok(behind)
}

async fn note(
    platform: &Platform,
    tx: &mut Tx,
    actor: &Actor,
    cell: &str,
    action: Action,
    detail: Value,
) -> Result<(), Problem> {
    let now = platform.now();
    store::outbox::write(tx, now, Topic::Cell, About::default(), json!({ "cell": cell, "action": action })).await?;
    let entry = Entry { subject: Some(cell.to_owned()), detail, ..Entry::default() };
    Ok(store::audit::write(tx, now, actor, action, entry).await?)
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn a_cell_is_called_as_its_folder() {
        assert!(is_name("one") && is_name("fsn1-a"));
        for bad in ["", "One", "1st", "../x", "a b", "-a", &"x".repeat(41)] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
