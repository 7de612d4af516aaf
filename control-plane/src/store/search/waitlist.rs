//! Who waits for a place, in the order in which they get one.

use domain::id::{OrderId, OrganizationId};
use jiff::Timestamp;
use names::Size;
use sqlx::PgConnection;

use crate::store::{Error, Result, word};

/// An order that waits.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// The order.
    pub order: OrderId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// What they are called.
    pub organization_name: String,
    /// How large the server will be.
    pub size: Size,
    /// Its public name.
    pub hostname: String,
    /// Since when it waits.
    pub since: Timestamp,
    /// At which place, among those who wait for this size; 1 is the next.
    pub position: i64,
}

/// All that wait, by size and place.
///
/// # Errors
/// When the database refuses.
pub async fn waitlist(connection: &mut PgConnection, limit: i64) -> Result<Vec<Waiting>> {
    let rows = sqlx::query!(
        "SELECT r.id, r.organization_id, o.name, r.size, r.hostname, r.waiting_since,
                row_number() OVER (PARTITION BY r.size ORDER BY r.waiting_since, r.id) AS \"position!\"
         FROM orders r JOIN organizations o ON o.id = r.organization_id
         WHERE r.state = 'waitlisted' ORDER BY r.size DESC, r.waiting_since, r.id LIMIT $1",
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let order = OrderId::from(row.id);
            let since =
                row.waiting_since.ok_or_else(|| Error::corrupt("orders", order, "waitlisted without waiting_since"))?;
            Ok(Waiting {
                order,
                organization: row.organization_id.into(),
                organization_name: row.name,
                size: word("orders", order, &row.size)?,
                hostname: row.hostname,
                since: since.to_jiff(),
                position: row.position,
            })
        })
        .collect()
}
