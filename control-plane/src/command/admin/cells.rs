//! `steppe admin cells`.

use anyhow::{Context as _, anyhow};
use kube::ResourceExt as _;
use names::{Hostname, Size};

use crate::actor::Actor;
use crate::app::cell;
use crate::command::{config, platform, say};
use crate::gateway::cluster::instances;
use crate::platform::Platform;
use crate::store::cell::{Cell, Room};
use crate::{Given, store};

/// The cell of a name.
///
/// # Errors
/// When there is none.
pub async fn named(platform: &Platform, name: &str) -> anyhow::Result<Cell> {
    let mut connection = platform.pool.acquire().await?;
    let found = store::cell::named(&mut connection, name).await?;
    found.ok_or_else(|| anyhow!("there is no cell {name}; see `steppe admin cells list`"))
}

/// Adds a cell; one that is there with the same zone is left as it is.
///
/// # Errors
/// When the name or the zone cannot be, or the cell is there with another zone.
pub async fn add(given: Given, name: &str, zone: &Hostname) -> anyhow::Result<()> {
    let platform = platform(config(given)?, 1)?;
    let found = store::cell::named(&mut *platform.pool.acquire().await?, name).await?;
    if found.is_some_and(|found| found.zone == *zone) {
        return say(&format!("{name} is there already"));
    }
    cell::add(&platform, &Actor::system(), name, zone).await.context("the cell was not added")?;
    let folder = platform.config.cells_dir.join(name);
    say(&format!("{name} is added for servers in {zone}"))?;
    say(&format!("its kubeconfig is read from {}; `steppe doctor` looks whether it answers", folder.display()))
}

/// Lists all cells.
///
/// # Errors
/// When the database refuses.
pub async fn list(given: Given) -> anyhow::Result<()> {
    let platform = platform(config(given)?, 1)?;
    let mut connection = platform.pool.acquire().await?;
    let rooms = store::cell::rooms(&mut connection).await?;
    for cell in store::cell::all(&mut connection).await? {
        let room: Vec<String> = rooms.iter().filter(|room| room.cell == cell.id).map(in_words).collect();
        let open = if cell.open { "open" } else { "closed for new servers" };
        say(&format!("{}: {}, {open}, {}; {}", cell.name, cell.zone, state(&cell), room.join(", ")))?;
    }
    Ok(())
}

fn in_words(room: &Room) -> String {
    match room.is_unlimited() {
        true => format!("{} {} without limit", room.taken, room.size),
        false => format!("{} of {} {}", room.taken, room.places, room.size),
    }
}

fn state(cell: &Cell) -> String {
    match (&cell.refused, cell.unreachable_since, &cell.cluster_uid) {
        (Some((_, message)), _, _) => format!("nothing is written to it ({message})"),
        (None, Some(since), _) => format!("not reached since {since}"),
        (None, None, None) => "not reached yet".to_owned(),
        (None, None, Some(uid)) => format!("cluster {uid}"),
    }
}

/// Changes how much room a cell is granted.
///
/// # Errors
/// When there is no such cell or the figure cannot be.
pub async fn room(given: Given, name: &str, size: Size, places: Option<u32>) -> anyhow::Result<()> {
    let platform = platform(config(given)?, 1)?;
    let found = named(&platform, name).await?;
    let done = cell::set_room(&platform, &Actor::system(), found.id, found.version, size, places).await;
    done.context("the room was not changed")?;
    match places {
        Some(places) => {
            say(&format!("{name} has {places} places for {size} servers; who waits longest is offered them"))
        }
        None => say(&format!("{name} has as many places for {size} servers as it says")),
    }
}

/// Opens a cell for new servers, or closes it.
///
/// # Errors
/// When there is no such cell.
pub async fn open(given: Given, name: &str, open: bool) -> anyhow::Result<()> {
    let platform = platform(config(given)?, 1)?;
    let found = named(&platform, name).await?;
    cell::set_open(&platform, &Actor::system(), found.id, found.version, open).await.context("nothing was changed")?;
    say(&format!("{name} {}", if open { "takes new servers" } else { "takes no new servers" }))
}

/// Lets a cell be written to again that had later wishes than this database.
///
/// # Errors
/// When it cannot be reached, or is not refused for that.
pub async fn trust(given: Given, name: &str) -> anyhow::Result<()> {
    let platform = platform(config(given)?, 2)?;
    let found = named(&platform, name).await?;
    let connection = platform.cells.to(name).await?;
    let there = instances(&*connection.cluster).await.with_context(|| format!("listing the servers of {name}"))?;
    let there: Vec<_> = there.iter().filter_map(|one| Some((one.name_any(), one.spec.revision?))).collect();
    let behind = cell::trust(&platform, &Actor::system(), &found, &there).await;
    let behind = behind.context("nothing was changed: it is not refused because of later wishes")?;
    say(&format!("{name} is written to again; {behind} servers had later wishes, whose numbers were taken over"))
}
