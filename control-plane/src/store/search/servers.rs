//! Servers, and what is done to them, across all customers.

use domain::id::{InstanceId, OperationId};
use sqlx::PgConnection;

use super::anywhere;
use crate::store::Result;
use crate::store::instance::Instance;
use crate::store::operation::Operation;

/// The ids of servers whose name has a text in it, or of a cell, newest first, from before `before` on.
///
/// # Errors
/// When the database refuses.
pub async fn instances(
    connection: &mut PgConnection,
    text: Option<&str>,
    cell: Option<&str>,
    before: Option<InstanceId>,
    limit: i64,
) -> Result<Vec<InstanceId>> {
    let rows = sqlx::query_scalar!(
        "SELECT i.id FROM instances i JOIN cells c ON c.id = i.cell_id
         WHERE ($1::text IS NULL OR i.hostname LIKE $1) AND ($2::text IS NULL OR c.name = $2) AND ($3::uuid IS NULL OR i.id < $3)
         ORDER BY i.id DESC LIMIT $4",
        anywhere(text),
        cell,
        before.map(InstanceId::uuid),
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(InstanceId::from).collect())
}

/// Servers by their ids, newest first.
///
/// # Errors
/// When the database refuses.
pub async fn with_ids(connection: &mut PgConnection, ids: &[InstanceId]) -> Result<Vec<Instance>> {
    crate::store::instance::with_ids(connection, ids).await
}

/// How many servers there are that are not closed.
///
/// # Errors
/// When the database refuses.
pub async fn count_servers(connection: &mut PgConnection) -> Result<i64> {
    let count = sqlx::query_scalar!(
        "SELECT count(*) AS \"count!\" FROM instances WHERE closing_at IS NULL AND purged_at IS NULL"
    )
    .fetch_one(connection)
    .await?;
    Ok(count)
}

/// Operations, newest first, from before `before` on: all, those of one state, or those that are `open`.
///
/// # Errors
/// When the database refuses.
pub async fn operations(
    connection: &mut PgConnection,
    state: Option<&str>,
    before: Option<OperationId>,
    limit: i64,
) -> Result<Vec<Operation>> {
    let states: Option<Vec<String>> = state.map(|state| match state {
        "open" => ["queued", "running", "waiting"].map(str::to_owned).to_vec(),
        one => vec![one.to_owned()],
    });
    crate::store::operation::in_states(connection, states.as_deref(), before, limit).await
}
