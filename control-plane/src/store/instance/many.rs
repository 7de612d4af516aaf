//! Several servers at once.

use domain::id::InstanceId;
use sqlx::PgConnection;

use super::Instance;
use super::row::Row;
use crate::store::Result;

/// Servers by their ids, newest first.
///
/// # Errors
/// When the database refuses.
pub async fn with_ids(connection: &mut PgConnection, ids: &[InstanceId]) -> Result<Vec<Instance>> {
    let ids: Vec<uuid::Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query_as!(Row, "SELECT * FROM instances WHERE id = ANY ($1) ORDER BY id DESC", &ids)
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(Instance::try_from).collect()
}
