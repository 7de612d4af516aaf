//! Cells, and how much room they have.

mod room;

use domain::id::CellId;
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as Stored, ToSqlx as _};
use names::{Hostname, Size};
use sqlx::PgConnection;

pub use room::{Room, Said, count_place, observe, rooms, set_room};

use super::{Error, Result, word};

const TABLE: &str = "cells";

/// The channel on which those are woken who give freed places away.
pub const CHANNEL: &str = "places";

/// Places of a size that the cell does not limit: more than any cell can have.
pub const UNLIMITED: i32 = 1_000_000;

/// Why nothing is written to a cell until a person has looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Its address leads to another cluster than at first contact.
    WrongCluster,
    /// Its objects have later numbers than our rows: this database is older than the cluster.
    DatabaseBehind,
}

impl Refused {
    /// The stable word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WrongCluster => "wrong-cluster",
            Self::DatabaseBehind => "database-behind",
        }
    }
}

/// A cell.
#[derive(Debug, Clone)]
pub struct Cell {
    /// Its id.
    pub id: CellId,
    /// Its name: that of its folder below `cells-dir`.
    pub name: String,
    /// Which cluster it was at first contact.
    pub cluster_uid: Option<String>,
    /// The zone whose names servers in it get.
    pub zone: Hostname,
    /// Whether new servers are placed there.
    pub open: bool,
    /// Since when it has not been reached.
    pub unreachable_since: Option<Timestamp>,
    /// Why nothing is written to it, and the same as a sentence.
    pub refused: Option<(Refused, String)>,
    /// Why nothing is destroyed in it.
    pub breaker: Option<String>,
    /// When it was last heard of something new.
    pub seen_at: Option<Timestamp>,
    /// +1 with each change by people.
    pub version: i64,
}

#[derive(Debug)]
struct Row {
    id: uuid::Uuid,
    name: String,
    cluster_uid: Option<String>,
    zone: String,
    open: bool,
    unreachable_since: Option<Stored>,
    refused: Option<String>,
    refused_message: Option<String>,
    breaker: Option<String>,
    seen_at: Option<Stored>,
    #[expect(dead_code, reason = "all columns are read; nobody asks for this one yet")]
    created_at: Stored,
    version: i64,
}

impl TryFrom<Row> for Cell {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let id = CellId::from(row.id);
        let refused = match row.refused.as_deref() {
            None => None,
            Some("wrong-cluster") => Some(Refused::WrongCluster),
            Some("database-behind") => Some(Refused::DatabaseBehind),
            Some(other) => return Err(Error::corrupt(TABLE, id, format!("nothing is refused for {other}"))),
        };
        Ok(Self {
            id,
            cluster_uid: row.cluster_uid,
            zone: word(TABLE, id, &row.zone)?,
            open: row.open,
            unreachable_since: row.unreachable_since.map(Stored::to_jiff),
            refused: refused.map(|refused| (refused, row.refused_message.unwrap_or_default())),
            breaker: row.breaker,
            seen_at: row.seen_at.map(Stored::to_jiff),
            version: row.version,
            name: row.name,
        })
    }
}

/// Adds a cell. Its cluster is learned at first contact.
///
/// # Errors
/// With constraint `cells_name_key` when there is one of that name.
pub async fn insert(
    connection: &mut PgConnection,
    id: CellId,
    name: &str,
    zone: &Hostname,
    at: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO cells (id, name, zone, created_at) VALUES ($1, $2, $3, $4)",
        id.uuid(),
        name,
        zone.as_str(),
        at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// All cells, by name.
///
/// # Errors
/// When the database refuses.
pub async fn all(connection: &mut PgConnection) -> Result<Vec<Cell>> {
    let rows = sqlx::query_as!(Row, "SELECT * FROM cells ORDER BY name").fetch_all(connection).await?;
    rows.into_iter().map(Cell::try_from).collect()
}

/// One cell.
///
/// # Errors
/// When the database refuses.
pub async fn find(connection: &mut PgConnection, id: CellId) -> Result<Option<Cell>> {
    let row = sqlx::query_as!(Row, "SELECT * FROM cells WHERE id = $1", id.uuid()).fetch_optional(connection).await?;
    row.map(Cell::try_from).transpose()
}

/// A cell, locked until the transaction ends: for changes by people.
///
/// # Errors
/// When the database refuses.
pub async fn lock(connection: &mut PgConnection, id: CellId) -> Result<Option<Cell>> {
    let row = sqlx::query_as!(Row, "SELECT * FROM cells WHERE id = $1 FOR NO KEY UPDATE", id.uuid())
        .fetch_optional(connection)
        .await?;
    row.map(Cell::try_from).transpose()
}

/// The cell of a name.
///
/// # Errors
/// When the database refuses.
pub async fn named(connection: &mut PgConnection, name: &str) -> Result<Option<Cell>> {
    let row = sqlx::query_as!(Row, "SELECT * FROM cells WHERE name = $1", name).fetch_optional(connection).await?;
    row.map(Cell::try_from).transpose()
}

/// Changes whether new servers are placed there.
///
/// # Errors
/// When the database refuses.
pub async fn set_open(connection: &mut PgConnection, id: CellId, open: bool) -> Result<()> {
    sqlx::query!(
        "WITH changed AS (UPDATE cells SET open = $2, version = version + 1 WHERE id = $1) SELECT pg_notify($3, '')",
        id.uuid(),
        open,
        CHANNEL,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes down which cluster a cell is, at first contact only. Whether this was the first.
///
/// # Errors
/// With constraint `cells_cluster` when another cell is that cluster.
pub async fn learn_cluster(connection: &mut PgConnection, id: CellId, uid: &str) -> Result<bool> {
    let done = sqlx::query!("UPDATE cells SET cluster_uid = $2 WHERE id = $1 AND cluster_uid IS NULL", id.uuid(), uid)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Writes down that nothing is written to a cell, and why. Whether that is new.
///
/// # Errors
/// When the database refuses.
pub async fn refuse(connection: &mut PgConnection, id: CellId, refused: Refused, message: &str) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE cells SET refused = $2, refused_message = $3 WHERE id = $1 AND refused IS DISTINCT FROM $2",
        id.uuid(),
        refused.as_str(),
        message,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Takes that back: a person has looked, or the right cluster answers again. Whether there was something to take back.
///
/// # Errors
/// When the database refuses.
pub async fn trust(connection: &mut PgConnection, id: CellId, refused: Refused) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE cells SET refused = NULL, refused_message = NULL WHERE id = $1 AND refused = $2",
        id.uuid(),
        refused.as_str(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Writes down that a cell cannot be reached. Whether that is new.
///
/// # Errors
/// When the database refuses.
pub async fn lost(connection: &mut PgConnection, id: CellId, at: Timestamp) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE cells SET unreachable_since = $2 WHERE id = $1 AND unreachable_since IS NULL",
        id.uuid(),
        at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Writes down that a cell was reached. Whether it had been lost.
///
/// # Errors
/// When the database refuses.
pub async fn reached(connection: &mut PgConnection, id: CellId, at: Timestamp) -> Result<bool> {
    let done = sqlx::query_scalar!(
        "WITH before AS (SELECT id, unreachable_since FROM cells WHERE id = $1 FOR UPDATE)
         UPDATE cells SET unreachable_since = NULL, seen_at = $2 FROM before WHERE cells.id = before.id
         RETURNING before.unreachable_since IS NOT NULL AS \"lost!\"",
        id.uuid(),
        at.to_sqlx(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(done.unwrap_or(false))
}

/// How often a place is looked for again when somebody else took the last one of the emptiest cell meanwhile.
const TRIES: u8 = 3;

/// Takes a place for a server of a size in an open cell; the emptiest one first, one that cannot be reached last. The row
/// stays locked until the transaction ends, so that no place is given twice. None: there is no room.
///
/// # Errors
/// When the database refuses.
pub async fn take_place(connection: &mut PgConnection, size: Size, zone: Option<&Hostname>) -> Result<Option<CellId>> {
    for _ in 0..TRIES {
        let cell = sqlx::query_scalar!(
            "WITH free AS (
                 SELECT r.cell_id FROM cell_room r JOIN cells c ON c.id = r.cell_id
                 WHERE r.size = $1 AND r.taken < r.places AND c.open AND c.refused IS NULL AND ($2::text IS NULL OR c.zone = $2)
                 ORDER BY c.unreachable_since IS NOT NULL, r.places - r.taken DESC, c.name LIMIT 1 FOR UPDATE OF r)
             UPDATE cell_room r SET taken = r.taken + 1 FROM free
             WHERE r.cell_id = free.cell_id AND r.size = $1 RETURNING r.cell_id",
            size.as_str(),
            zone.map(Hostname::as_str),
        )
        .fetch_optional(&mut *connection)
        .await?;
        if cell.is_some() {
            return Ok(cell.map(CellId::from));
        }
    }
    Ok(None)
}

/// Gives a place back.
///
/// # Errors
/// When the database refuses.
pub async fn free_place(connection: &mut PgConnection, cell: CellId, size: Size) -> Result<()> {
    sqlx::query!(
        "WITH freed AS (UPDATE cell_room SET taken = taken - 1 WHERE cell_id = $1 AND size = $2 AND taken > 0)
         SELECT pg_notify($3, '')",
        cell.uuid(),
        size.as_str(),
        CHANNEL,
    )
    .execute(connection)
    .await?;
    Ok(())
}
