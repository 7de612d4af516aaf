//! How much room cells have: as they say, and as staff grant.

use std::collections::BTreeMap;

use domain::id::CellId;
use names::Size;
use sqlx::PgConnection;

use super::{CHANNEL, UNLIMITED};
use crate::store::{Result, word};

/// What the cell says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// How many servers of each size fit; a size that is missing has no limit.
    pub room: BTreeMap<Size, u32>,
    /// Why nothing is destroyed in it.
    pub breaker: Option<String>,
}

/// Writes down what a cell says of itself. Whether that changed anything. How many places are taken is our own count and
/// stays.
///
/// # Errors
/// When the database refuses.
pub async fn observe(connection: &mut PgConnection, id: CellId, said: &Said) -> Result<bool> {
    let breaker = sqlx::query!(
        "UPDATE cells SET breaker = $2 WHERE id = $1 AND breaker IS DISTINCT FROM $2",
        id.uuid(),
        said.breaker,
    )
    .execute(&mut *connection)
    .await?;
    let mut changed = breaker.rows_affected() > 0;
    for size in Size::ALL {
        let said = said.room.get(&size).map_or(UNLIMITED, |room| i32::try_from(*room).unwrap_or(UNLIMITED));
        let done = sqlx::query!(
            "INSERT INTO cell_room (cell_id, size, places, said) VALUES ($1, $2, $3, $3)
             ON CONFLICT (cell_id, size) DO UPDATE SET places = coalesce(cell_room.granted, excluded.said), said = excluded.said
             WHERE cell_room.said IS DISTINCT FROM excluded.said
                OR cell_room.places <> coalesce(cell_room.granted, excluded.said)",
            id.uuid(),
            size.as_str(),
            said,
        )
        .execute(&mut *connection)
        .await?;
        changed |= done.rows_affected() > 0;
    }
    if changed {
        sqlx::query!("SELECT pg_notify($1, '')", CHANNEL).execute(connection).await?;
    }
    Ok(changed)
}

/// Room for servers of one size in one cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// The cell.
    pub cell: CellId,
    /// The size.
    pub size: Size,
    /// How many count as fitting: as many as staff grant, or as the cell says.
    pub places: i32,
    /// How many fit, as the cell says; none before it was first seen.
    pub said: Option<i32>,
    /// As many as staff grant, whatever the cell says.
    pub granted: Option<i32>,
    /// How many are taken.
    pub taken: i32,
}

/// How much room there is everywhere.
///
/// # Errors
/// When the database refuses.
pub async fn rooms(connection: &mut PgConnection) -> Result<Vec<Room>> {
    let rows = sqlx::query!("SELECT cell_id, size, places, said, granted, taken FROM cell_room ORDER BY cell_id, size")
        .fetch_all(connection)
        .await?;
    rows.into_iter()
        .map(|row| {
            let size = word("cell_room", format!("{}/{}", row.cell_id, row.size), &row.size)?;
            Ok(Room {
                cell: row.cell_id.into(),
                size,
                places: row.places,
                said: row.said,
                granted: row.granted,
                taken: row.taken,
            })
        })
        .collect()
}

impl Room {
    /// How many places nobody has.
    #[must_use]
    pub fn free(&self) -> i32 {
        (self.places - self.taken).max(0)
    }

    /// Whether there is no limit.
    #[must_use]
    pub const fn is_unlimited(&self) -> bool {
        self.places >= UNLIMITED
    }
}

/// Changes how many servers of a size staff grant a cell; without a figure it is as many as the cell says. Who gives freed
/// places away is woken.
///
/// # Errors
/// When the database refuses.
pub async fn set_room(connection: &mut PgConnection, id: CellId, size: Size, granted: Option<i32>) -> Result<()> {
    sqlx::query!(
        "WITH room AS (
             INSERT INTO cell_room (cell_id, size, places, granted) VALUES ($1, $2, coalesce($3, 0), $3)
             ON CONFLICT (cell_id, size) DO UPDATE SET granted = $3, places = coalesce($3, cell_room.said, cell_room.places)),
              cell AS (UPDATE cells SET version = version + 1 WHERE id = $1)
         SELECT pg_notify($4, '')",
        id.uuid(),
        size.as_str(),
        granted,
        CHANNEL,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Counts a place as taken by a server that is there already, whether there is room for it or not.
///
/// # Errors
/// When the database refuses.
pub async fn count_place(connection: &mut PgConnection, id: CellId, size: Size) -> Result<()> {
    sqlx::query!(
        "INSERT INTO cell_room (cell_id, size, places, taken) VALUES ($1, $2, 0, 1)
         ON CONFLICT (cell_id, size) DO UPDATE SET taken = cell_room.taken + 1",
        id.uuid(),
        size.as_str(),
    )
    .execute(connection)
    .await?;
    Ok(())
}
