//! The ordered log of facts that live pages and everything else that follows read.

use domain::Topic;
use domain::id::{InstanceId, OperationId, OrganizationId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;

use super::Result;

/// The channel on which readers are woken.
pub const CHANNEL: &str = "outbox";

/// What a fact is about.
#[derive(Debug, Clone, Copy, Default)]
pub struct About {
    /// The organization.
    pub organization: Option<OrganizationId>,
    /// The server.
    pub instance: Option<InstanceId>,
    /// The operation.
    pub operation: Option<OperationId>,
}

/// Writes a fact, in the transaction of what it tells. Readers are woken when that commits.
///
/// # Errors
/// When the database refuses.
pub async fn write(
    connection: &mut PgConnection,
    at: Timestamp,
    topic: Topic,
    about: About,
    payload: serde_json::Value,
) -> Result<()> {
    sqlx::query!(
        "WITH written AS (
             INSERT INTO outbox (topic, organization_id, instance_id, operation_id, payload, created_at)
             VALUES ($1, $2, $3, $4, $5, $6))
         SELECT pg_notify($7, '')",
        topic.as_str(),
        about.organization.map(OrganizationId::uuid),
        about.instance.map(InstanceId::uuid),
        about.operation.map(OperationId::uuid),
        payload,
        at.to_sqlx(),
        CHANNEL,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A fact, as readers get it.
#[derive(Debug, Clone)]
pub struct Fact {
    /// Its place in the log.
    pub seq: i64,
    /// What happened; a word of [`Topic`].
    pub topic: String,
    /// What it is about.
    pub about: About,
    /// More about it.
    pub payload: serde_json::Value,
    /// When.
    pub at: Timestamp,
}

/// The next facts after `seq`, oldest first, for one organization or all. Stops before the oldest transaction that is still
/// open, because that one may yet write a fact with a lower number.
///
/// # Errors
/// When the database refuses.
pub async fn after(
    connection: &mut PgConnection,
    seq: i64,
    organization: Option<OrganizationId>,
    limit: i64,
) -> Result<Vec<Fact>> {
    let rows = sqlx::query!(
        "SELECT seq, topic, organization_id, instance_id, operation_id, payload, created_at FROM outbox
         WHERE seq > $1 AND ($2::uuid IS NULL OR organization_id = $2) AND xid < pg_snapshot_xmin(pg_current_snapshot())
         ORDER BY seq LIMIT $3",
        seq,
        organization.map(OrganizationId::uuid),
        limit,
    )
    .fetch_all(connection)
    .await?;
    let facts = rows.into_iter().map(|row| Fact {
        seq: row.seq,
        topic: row.topic,
        about: About {
            organization: row.organization_id.map(OrganizationId::from),
            instance: row.instance_id.map(InstanceId::from),
            operation: row.operation_id.map(OperationId::from),
        },
        payload: row.payload,
        at: row.created_at.to_jiff(),
    });
    Ok(facts.collect())
}

/// The last place in the log, for a reader that begins now.
///
/// # Errors
/// When the database refuses.
pub async fn last(connection: &mut PgConnection) -> Result<i64> {
    let row = sqlx::query_scalar!("SELECT max(seq) FROM outbox").fetch_one(connection).await?;
    Ok(row.unwrap_or(0))
}
