//! Holds: why servers stand still although they are paid.

mod staff;

pub use staff::{Entry, find, list, past};

use domain::id::{HoldId, InstanceId};
use domain::{Hold, HoldKind};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;

use super::{Error, Result, word};
use crate::actor::Who;

const TABLE: &str = "holds";

struct Row {
    id: uuid::Uuid,
    kind: String,
    reason: String,
    since: jiff_sqlx::Timestamp,
    until: Option<jiff_sqlx::Timestamp>,
    lifted_at: Option<jiff_sqlx::Timestamp>,
}

impl TryFrom<Row> for Hold {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let id = HoldId::from(row.id);
        Ok(Self {
            id,
            kind: word::<HoldKind>(TABLE, id, &row.kind)?,
            reason: row.reason,
            since: row.since.to_jiff(),
            until: row.until.map(jiff_sqlx::Timestamp::to_jiff),
            lifted_at: row.lifted_at.map(jiff_sqlx::Timestamp::to_jiff),
        })
    }
}

/// The holds on a server that were not lifted, oldest first. Some of them may have ended by themselves.
///
/// # Errors
/// When the database refuses.
pub async fn of_instance(connection: &mut PgConnection, instance: InstanceId) -> Result<Vec<Hold>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, kind, reason, since, until, lifted_at FROM holds WHERE instance_id = $1 AND lifted_at IS NULL ORDER BY since, id",
        instance.uuid(),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Hold::try_from).collect()
}

/// One hold and the server it is on, locked until the transaction ends.
///
/// # Errors
/// When the database refuses.
pub async fn lock(connection: &mut PgConnection, id: HoldId) -> Result<Option<(InstanceId, Hold)>> {
    let row = sqlx::query!(
        "SELECT id, instance_id, kind, reason, since, until, lifted_at FROM holds WHERE id = $1 FOR UPDATE",
        id.uuid(),
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let instance = row.instance_id.into();
    let row = Row {
        id: row.id,
        kind: row.kind,
        reason: row.reason,
        since: row.since,
        until: row.until,
        lifted_at: row.lifted_at,
    };
    Ok(Some((instance, row.try_into()?)))
}

/// Adds a hold.
///
/// # Errors
/// When the database refuses.
pub async fn insert(connection: &mut PgConnection, instance: InstanceId, hold: &Hold, placed_by: Who) -> Result<()> {
    sqlx::query!(
        "INSERT INTO holds (id, instance_id, kind, reason, placed_by, since, until) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        hold.id.uuid(),
        instance.uuid(),
        hold.kind.as_str(),
        hold.reason,
        placed_by.to_string(),
        hold.since.to_sqlx(),
        hold.until.map(|until| until.to_sqlx()),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Changes what is said about a hold, if the row still has the version that was seen. `false`: somebody was faster.
///
/// # Errors
/// When the database refuses.
pub async fn change(connection: &mut PgConnection, hold: &Hold, version: i64) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE holds SET reason = $3, until = $4, version = version + 1 WHERE id = $1 AND version = $2",
        hold.id.uuid(),
        version,
        hold.reason,
        hold.until.map(|until| until.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Writes down that a hold was lifted.
///
/// # Errors
/// When the database refuses.
pub async fn lift(connection: &mut PgConnection, id: HoldId, lifted_by: Who, at: Timestamp) -> Result<()> {
    sqlx::query!(
        "UPDATE holds SET lifted_by = $2, lifted_at = $3, version = version + 1 WHERE id = $1 AND lifted_at IS NULL",
        id.uuid(),
        lifted_by.to_string(),
        at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The servers with holds that ended by themselves, which are marked as lifted by us.
///
/// # Errors
/// When the database refuses.
pub async fn end_due(connection: &mut PgConnection, now: Timestamp) -> Result<Vec<(HoldId, InstanceId)>> {
    let rows = sqlx::query!(
        "UPDATE holds SET lifted_by = $2, lifted_at = $1 WHERE lifted_at IS NULL AND until <= $1 RETURNING id, instance_id",
        now.to_sqlx(),
        Who::System.to_string(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id.into(), row.instance_id.into())).collect())
}

/// The holds on servers that were not lifted, each with its server. Some of them may have ended by themselves.
///
/// # Errors
/// When the database refuses.
pub async fn of_instances(connection: &mut PgConnection, instances: &[InstanceId]) -> Result<Vec<(InstanceId, Hold)>> {
    let ids: Vec<uuid::Uuid> = instances.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        "SELECT id, instance_id, kind, reason, since, until, lifted_at FROM holds
         WHERE instance_id = ANY ($1) AND lifted_at IS NULL ORDER BY since, id",
        &ids,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let instance = InstanceId::from(row.instance_id);
            let row = Row {
                id: row.id,
                kind: row.kind,
                reason: row.reason,
                since: row.since,
                until: row.until,
                lifted_at: row.lifted_at,
            };
            Ok((instance, row.try_into()?))
        })
        .collect()
}
