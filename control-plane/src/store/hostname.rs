//! Names: each there is or ever was. One that was live is never free again.

use domain::id::{InstanceId, OrderId, OrganizationId};
use domain::order::NameClaim;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use names::Hostname;
use sqlx::PgConnection;

use super::Result;

/// Takes a name for an order, if nobody has it; a hold that is over does not count. `false`: somebody has it.
///
/// # Errors
/// When the database refuses.
pub async fn hold(
    connection: &mut PgConnection,
    name: &Hostname,
    organization: OrganizationId,
    until: Timestamp,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO hostnames (name, state, organization_id, held_until, created_at) VALUES ($1, 'held', $2, $3, $4)
         ON CONFLICT (name) DO UPDATE SET organization_id = $2, order_id = NULL, held_until = $3, created_at = $4
         WHERE hostnames.state = 'held' AND hostnames.held_until <= $4",
        name.as_str(),
        organization.uuid(),
        until.to_sqlx(),
        now.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Ties a held name to the order it is held for.
///
/// # Errors
/// When the database refuses.
pub async fn belongs_to(connection: &mut PgConnection, name: &Hostname, order: OrderId) -> Result<()> {
    sqlx::query!("UPDATE hostnames SET order_id = $2 WHERE name = $1 AND state = 'held'", name.as_str(), order.uuid())
        .execute(connection)
        .await?;
    Ok(())
}

/// Does with an order's name what its state says: held for longer, live, or free. A name that is live or retired stays so.
///
/// # Errors
/// When the database refuses.
pub async fn follow(
    connection: &mut PgConnection,
    name: &Hostname,
    order: OrderId,
    instance: Option<InstanceId>,
    claim: NameClaim,
) -> Result<()> {
    match claim {
        NameClaim::Held { until } => {
            sqlx::query!(
                "UPDATE hostnames SET held_until = $3 WHERE name = $1 AND order_id = $2 AND state = 'held'",
                name.as_str(),
                order.uuid(),
                until.to_sqlx(),
            )
            .execute(connection)
            .await?;
        }
        NameClaim::Live => {
            sqlx::query!(
                "UPDATE hostnames SET state = 'live', held_until = NULL, instance_id = $3 WHERE name = $1 AND order_id = $2 AND state = 'held'",
                name.as_str(),
                order.uuid(),
                instance.map(InstanceId::uuid),
            )
            .execute(connection)
            .await?;
        }
        NameClaim::Free => {
            sqlx::query!(
                "DELETE FROM hostnames WHERE name = $1 AND order_id = $2 AND state = 'held'",
                name.as_str(),
                order.uuid(),
            )
            .execute(connection)
            .await?;
        }
    }
    Ok(())
}

/// Retires the name of a server whose data were destroyed: nobody gets it again.
///
/// # Errors
/// When the database refuses.
pub async fn retire(connection: &mut PgConnection, name: &Hostname) -> Result<()> {
    sqlx::query!("UPDATE hostnames SET state = 'retired', held_until = NULL WHERE name = $1", name.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

/// Whether a name can be had.
///
/// # Errors
/// When the database refuses.
pub async fn is_free(connection: &mut PgConnection, name: &Hostname, now: Timestamp) -> Result<bool> {
    let taken = sqlx::query_scalar!(
        "SELECT EXISTS (SELECT 1 FROM hostnames WHERE name = $1 AND (state <> 'held' OR held_until > $2)) AS \"is!\"",
        name.as_str(),
        now.to_sqlx(),
    )
    .fetch_one(connection)
    .await?;
    Ok(!taken)
}

/// Frees names whose hold is over and whose order does not keep them any more. While a server is being made its name is held
/// however long that takes.
///
/// # Errors
/// When the database refuses.
pub async fn free_due(connection: &mut PgConnection, now: Timestamp, limit: i64) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM hostnames WHERE name IN (
             SELECT h.name FROM hostnames h LEFT JOIN orders o ON o.id = h.order_id
             WHERE h.state = 'held' AND h.held_until <= $1
               AND coalesce(o.state, 'expired') NOT IN ('provisioning', 'waitlisted', 'offered', 'approval', 'failed', 'done')
             LIMIT $2 FOR UPDATE OF h SKIP LOCKED)",
        now.to_sqlx(),
        limit,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Writes down that a name is that of a server that was found in a cell. `false`: it is another's here, or was.
///
/// # Errors
/// When the database refuses.
pub async fn adopt(
    connection: &mut PgConnection,
    name: &Hostname,
    organization: OrganizationId,
    instance: InstanceId,
    at: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO hostnames (name, state, organization_id, instance_id, created_at) VALUES ($1, 'live', $2, $3, $4)
         ON CONFLICT (name) DO UPDATE SET state = 'live', organization_id = $2, order_id = NULL, instance_id = $3, held_until = NULL
         WHERE hostnames.state = 'held' AND hostnames.held_until <= $4",
        name.as_str(),
        organization.uuid(),
        instance.uuid(),
        at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}
