//! Holds as staff see them: on which server, by whom, and those that are over.

use domain::Hold;
use domain::id::{HoldId, InstanceId};
use sqlx::PgConnection;

use super::Row;
use crate::store::Result;

/// A hold with what staff ask about it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The hold.
    pub hold: Hold,
    /// The server.
    pub instance: InstanceId,
    /// Its public name.
    pub hostname: String,
    /// Who placed it: `account:…`, `staff:…`, `system`.
    pub placed_by: String,
    /// Who lifted it.
    pub lifted_by: Option<String>,
    /// +1 with each change.
    pub version: i64,
}

struct Joined {
    id: uuid::Uuid,
    kind: String,
    reason: String,
    since: jiff_sqlx::Timestamp,
    until: Option<jiff_sqlx::Timestamp>,
    lifted_at: Option<jiff_sqlx::Timestamp>,
    instance_id: uuid::Uuid,
    hostname: String,
    placed_by: String,
    lifted_by: Option<String>,
    version: i64,
}

impl TryFrom<Joined> for Entry {
    type Error = crate::store::Error;

    fn try_from(row: Joined) -> Result<Self> {
        let hold = Row {
            id: row.id,
            kind: row.kind,
            reason: row.reason,
            since: row.since,
            until: row.until,
            lifted_at: row.lifted_at,
        };
        Ok(Self {
            hold: hold.try_into()?,
            instance: row.instance_id.into(),
            hostname: row.hostname,
            placed_by: row.placed_by,
            lifted_by: row.lifted_by,
            version: row.version,
        })
    }
}

/// The holds that were not lifted, newest first, from before `before` on.
///
/// # Errors
/// When the database refuses.
pub async fn list(connection: &mut PgConnection, before: Option<HoldId>, limit: i64) -> Result<Vec<Entry>> {
    let rows = sqlx::query_as!(
        Joined,
        "SELECT h.id, h.kind, h.reason, h.since, h.until, h.lifted_at, h.instance_id, i.hostname, h.placed_by, h.lifted_by,
                h.version
         FROM holds h JOIN instances i ON i.id = h.instance_id
         WHERE h.lifted_at IS NULL AND ($1::uuid IS NULL OR h.id < $1) ORDER BY h.id DESC LIMIT $2",
        before.map(HoldId::uuid),
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Entry::try_from).collect()
}

/// All holds that there ever were on a server, newest first.
///
/// # Errors
/// When the database refuses.
pub async fn past(connection: &mut PgConnection, instance: InstanceId, limit: i64) -> Result<Vec<Entry>> {
    let rows = sqlx::query_as!(
        Joined,
        "SELECT h.id, h.kind, h.reason, h.since, h.until, h.lifted_at, h.instance_id, i.hostname, h.placed_by, h.lifted_by,
                h.version
         FROM holds h JOIN instances i ON i.id = h.instance_id WHERE h.instance_id = $1 ORDER BY h.id DESC LIMIT $2",
        instance.uuid(),
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Entry::try_from).collect()
}

/// One hold.
///
/// # Errors
/// When the database refuses.
pub async fn find(connection: &mut PgConnection, id: HoldId) -> Result<Option<Entry>> {
    let row = sqlx::query_as!(
        Joined,
        "SELECT h.id, h.kind, h.reason, h.since, h.until, h.lifted_at, h.instance_id, i.hostname, h.placed_by, h.lifted_by,
                h.version
         FROM holds h JOIN instances i ON i.id = h.instance_id WHERE h.id = $1",
        id.uuid(),
    )
    .fetch_optional(connection)
    .await?;
    row.map(Entry::try_from).transpose()
}
