//! What workers ask of the queue.

use domain::id::{CellId, InstanceId, OperationId};
use domain::operation::{Dependency, Kind};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;

use super::row::Row;
use super::{CHANNEL, Operation};
use crate::store::{Result, word};

/// Which foreign system an operation uses: a share of the workers is kept for each, so that one that is slow stops no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lane {
    /// What kind of system.
    pub dependency: Dependency,
    /// In which cell.
    pub cell: Option<CellId>,
}

impl std::fmt::Display for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let cell = self.cell.map(|cell| cell.uuid().to_string()).unwrap_or_default();
        write!(f, "{}/{cell}", self.dependency)
    }
}

/// The next operation that may be taken up now, locked until the transaction ends, and its lane. What another worker is just
/// taking is passed over, as is what runs beside another with its key, and what belongs to a lane without a free place.
///
/// # Errors
/// When the database refuses.
pub async fn candidate(
    connection: &mut PgConnection,
    full: &[Lane],
    now: Timestamp,
) -> Result<Option<(Operation, Lane)>> {
    let full: Vec<String> = full.iter().map(Lane::to_string).collect();
    let row = sqlx::query_as!(
        Row,
        "SELECT o.* FROM operations o
         WHERE o.state IN ('queued', 'running', 'waiting') AND o.run_at <= $1
           AND o.dependency || '/' || coalesce(o.cell_id::text, '') <> ALL ($2)
           AND NOT EXISTS (SELECT 1 FROM operations other
                           WHERE other.state = 'running' AND other.concurrency_key = o.concurrency_key AND other.id <> o.id)
         ORDER BY o.run_at, o.id
         LIMIT 1 FOR UPDATE OF o SKIP LOCKED",
        now.to_sqlx(),
        &full,
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let cell = row.cell_id.map(CellId::from);
    let operation = Operation::try_from(row)?;
    let lane = Lane { dependency: operation.course.kind.dependency(), cell };
    Ok(Some((operation, lane)))
}

/// Keeps a lease for longer. `false`: it is not this worker's any more.
///
/// # Errors
/// When the database refuses.
pub async fn renew(connection: &mut PgConnection, id: OperationId, fence: i64, until: Timestamp) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE operations SET lease_until = $3, run_at = $3 WHERE id = $1 AND fence = $2 AND state = 'running'",
        id.uuid(),
        fence,
        until.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// When the next operation can be taken up, if there is one to come.
///
/// # Errors
/// When the database refuses.
pub async fn due(connection: &mut PgConnection, now: Timestamp) -> Result<Option<Timestamp>> {
    let next = sqlx::query_scalar!(
        "SELECT min(run_at) FROM operations WHERE state IN ('queued', 'running', 'waiting') AND run_at > $1",
        now.to_sqlx(),
    )
    .fetch_one(connection)
    .await?;
    Ok(next.map(jiff_sqlx::Timestamp::to_jiff))
}

/// Lets what waits for news of these servers look again now, and what is just being looked at once more.
///
/// # Errors
/// When the database refuses.
pub async fn wake(connection: &mut PgConnection, instances: &[InstanceId], now: Timestamp) -> Result<u64> {
    let instances: Vec<uuid::Uuid> = instances.iter().map(|id| id.uuid()).collect();
    let woken = sqlx::query_scalar!(
        "WITH woken AS (
             UPDATE operations SET woken = true, run_at = CASE WHEN state = 'waiting' THEN $2 ELSE run_at END
             WHERE instance_id = ANY ($1) AND state IN ('waiting', 'running') RETURNING 1),
         told AS (SELECT pg_notify($3, '') FROM woken LIMIT 1)
         SELECT (SELECT count(*) FROM woken) + 0 * (SELECT count(*) FROM told) AS \"count!\"",
        &instances,
        now.to_sqlx(),
        CHANNEL,
    )
    .fetch_one(connection)
    .await?;
    Ok(u64::try_from(woken).unwrap_or(0))
}

/// Lets all that waits for a cell look again now: it can be reached again.
///
/// # Errors
/// When the database refuses.
pub async fn wake_cell(connection: &mut PgConnection, cell: CellId, now: Timestamp) -> Result<()> {
    sqlx::query!(
        "WITH woken AS (UPDATE operations SET run_at = $2 WHERE cell_id = $1 AND state = 'waiting' AND run_at > $2)
         SELECT pg_notify($3, '')",
        cell.uuid(),
        now.to_sqlx(),
        CHANNEL,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Something that takes long.
#[derive(Debug, Clone)]
pub struct Stuck {
    /// Which operation.
    pub id: OperationId,
    /// What it does.
    pub kind: Kind,
    /// To which server.
    pub hostname: Option<String>,
    /// Why it waits.
    pub reason: String,
    /// The same as a sentence.
    pub message: String,
}

/// Notes that staff are told of what was asked for before `before` and has not ended, and returns it. Each is returned once.
///
/// # Errors
/// When the database refuses.
pub async fn stuck(connection: &mut PgConnection, before: Timestamp, now: Timestamp) -> Result<Vec<Stuck>> {
    let rows = sqlx::query!(
        "UPDATE operations o SET alarmed_at = $2
         WHERE o.state IN ('queued', 'running', 'waiting') AND o.created_at <= $1 AND o.alarmed_at IS NULL
         RETURNING o.id, o.kind, o.reason, o.message, (SELECT hostname FROM instances i WHERE i.id = o.instance_id) AS hostname",
        before.to_sqlx(),
        now.to_sqlx(),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let id = OperationId::from(row.id);
            let kind = word("operations", id, &row.kind)?;
            Ok(Stuck { id, kind, hostname: row.hostname, reason: row.reason, message: row.message })
        })
        .collect()
}

/// Removes what ended well before a time, some at a time. Failed ones stay until somebody has dealt with them.
///
/// # Errors
/// When the database refuses.
pub async fn prune(connection: &mut PgConnection, before: Timestamp, limit: i64) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM operations WHERE id IN (
             SELECT id FROM operations WHERE state IN ('succeeded', 'cancelled') AND finished_at < $1 LIMIT $2)",
        before.to_sqlx(),
        limit,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
