//! Orders: wishes for servers, from the click to the server.

mod row;

use domain::id::{AccountId, CellId, InstanceId, OfferId, OrderId, OrganizationId};
use domain::order::Order as State;
use domain::{Email, Money};
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as Stored, ToSqlx as _};
use names::{Handle, Hostname, Size};
use sqlx::PgConnection;

use self::row::{Row, Written};
use super::Result;

/// An order.
#[derive(Debug, Clone)]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// For whom.
    pub organization: OrganizationId,
    /// Who placed it.
    pub account: AccountId,
    /// What was ordered.
    pub offer: OfferId,
    /// How large the server will be.
    pub size: Size,
    /// Its public name.
    pub hostname: Hostname,
    /// The account its owner will have there.
    pub owner_handle: Handle,
    /// Where its owner reads mail.
    pub owner_email: Email,
    /// The price that was confirmed.
    pub price: Money,
    /// The terms that were agreed to.
    pub terms_version: String,
    /// The data-processing agreement that was agreed to.
    pub processing_version: String,
    /// Where it stands.
    pub state: State,
    /// The cell in which it has a place.
    pub cell: Option<CellId>,
    /// The server it became.
    pub instance: Option<InstanceId>,
    /// When it was placed.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// +1 with each change.
    pub version: i64,
}

/// Adds an order.
///
/// # Errors
/// When the database refuses.
pub async fn insert(connection: &mut PgConnection, new: &Order) -> Result<()> {
    let written = Written::of(&new.state);
    sqlx::query!(
        "INSERT INTO orders (id, organization_id, account_id, offer_id, hostname, owner_handle, owner_email, price_minor, currency,
                             terms_version, processing_version, state, reason, waiting_since, until, cell_id, instance_id,
                             created_at, updated_at, size)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18, $19)",
        new.id.uuid(),
        new.organization.uuid(),
        new.account.uuid(),
        new.offer.uuid(),
        new.hostname.as_str(),
        new.owner_handle.as_str(),
        new.owner_email.as_str(),
        new.price.minor,
        new.price.code(),
        new.terms_version,
        new.processing_version,
        new.state.as_str(),
        written.reason,
        written.waiting_since.map(|time| time.to_sqlx()) as Option<Stored>,
        written.until.map(|time| time.to_sqlx()) as Option<Stored>,
        new.cell.map(CellId::uuid),
        new.instance.map(InstanceId::uuid),
        new.created_at.to_sqlx(),
        new.size.as_str(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes where an order stands now. Its row must be locked ([`lock`], [`due`], [`waiting`]).
///
/// # Errors
/// When the database refuses.
pub async fn save(connection: &mut PgConnection, order: &Order, now: Timestamp) -> Result<()> {
    let written = Written::of(&order.state);
    sqlx::query!(
        "UPDATE orders SET state = $2, reason = $3, waiting_since = $4, until = $5, cell_id = $6, instance_id = $7, updated_at = $8,
                version = version + 1 WHERE id = $1",
        order.id.uuid(),
        order.state.as_str(),
        written.reason,
        written.waiting_since.map(|time| time.to_sqlx()) as Option<Stored>,
        written.until.map(|time| time.to_sqlx()) as Option<Stored>,
        order.cell.map(CellId::uuid),
        order.instance.map(InstanceId::uuid),
        now.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Corrects where the owner reads mail.
///
/// # Errors
/// When the database refuses.
pub async fn set_owner_email(connection: &mut PgConnection, id: OrderId, email: &Email, now: Timestamp) -> Result<()> {
    sqlx::query!(
        "UPDATE orders SET owner_email = $2, updated_at = $3, version = version + 1 WHERE id = $1",
        id.uuid(),
        email.as_str(),
        now.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// One order.
///
/// # Errors
/// When the database refuses.
pub async fn find(connection: &mut PgConnection, id: OrderId) -> Result<Option<Order>> {
    let row = sqlx::query_as!(Row, "SELECT * FROM orders WHERE id = $1", id.uuid(),).fetch_optional(connection).await?;
    row.map(Order::try_from).transpose()
}

/// Several orders, in no order.
///
/// # Errors
/// When the database refuses.
pub async fn with_ids(connection: &mut PgConnection, ids: &[OrderId]) -> Result<Vec<Order>> {
    let ids: Vec<uuid::Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query_as!(Row, "SELECT * FROM orders WHERE id = ANY ($1)", &ids).fetch_all(connection).await?;
    rows.into_iter().map(Order::try_from).collect()
}

/// The orders of an organization that have no server yet: those that may become one, and those that ended since `since`
/// without. Newest first.
///
/// # Errors
/// When the database refuses.
pub async fn without_server(
    connection: &mut PgConnection,
    organization: OrganizationId,
    since: Timestamp,
) -> Result<Vec<Order>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT * FROM orders WHERE organization_id = $1 AND instance_id IS NULL
            AND (state IN ('waitlisted', 'offered', 'approval', 'provisioning', 'failed')
                 OR (state IN ('declined', 'expired') AND updated_at > $2))
         ORDER BY id DESC LIMIT 100",
        organization.uuid(),
        since.to_sqlx(),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Order::try_from).collect()
}

/// One order, locked until the transaction ends.
///
/// # Errors
/// When the database refuses.
pub async fn lock(connection: &mut PgConnection, id: OrderId) -> Result<Option<Order>> {
    let row = sqlx::query_as!(Row, "SELECT * FROM orders WHERE id = $1 FOR UPDATE", id.uuid(),)
        .fetch_optional(connection)
        .await?;
    row.map(Order::try_from).transpose()
}

/// The orders of an organization, newest first, from before `before` on.
///
/// # Errors
/// When the database refuses.
pub async fn of_organization(
    connection: &mut PgConnection,
    organization: OrganizationId,
    before: Option<OrderId>,
    limit: i64,
) -> Result<Vec<Order>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT * FROM orders WHERE organization_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
        organization.uuid(),
        before.map(OrderId::uuid),
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Order::try_from).collect()
}

/// All orders for staff, newest first, of one state or all, from before `before` on.
///
/// # Errors
/// When the database refuses.
pub async fn list(
    connection: &mut PgConnection,
    state: Option<&str>,
    before: Option<OrderId>,
    limit: i64,
) -> Result<Vec<Order>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT * FROM orders WHERE ($1::text IS NULL OR state = $1) AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
        state,
        before.map(OrderId::uuid),
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Order::try_from).collect()
}

/// How many orders of an organization are open, which count against its limit together with its servers.
///
/// # Errors
/// When the database refuses.
pub async fn count_open(connection: &mut PgConnection, organization: OrganizationId) -> Result<i64> {
    let count = sqlx::query_scalar!(
        "SELECT count(*) AS \"count!\" FROM orders
         WHERE organization_id = $1 AND instance_id IS NULL AND state IN ('waitlisted', 'offered', 'approval', 'provisioning', 'failed')",
        organization.uuid(),
    )
    .fetch_one(connection)
    .await?;
    Ok(count)
}

/// The orders whose time is over at `now` or that have waited since `waiting_since` or longer; what another worker is just
/// ending is passed over. Locked until the transaction ends.
///
/// # Errors
/// When the database refuses.
pub async fn due(
    connection: &mut PgConnection,
    now: Timestamp,
    waiting_since: Timestamp,
    limit: i64,
) -> Result<Vec<Order>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT * FROM orders WHERE (state IN ('offered', 'approval', 'failed') AND until <= $1)
            OR (state = 'waitlisted' AND waiting_since <= $2)
         ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED",
        now.to_sqlx(),
        waiting_since.to_sqlx(),
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Order::try_from).collect()
}

/// The first orders in the waitlist for a size, in their order. Locked until the transaction ends.
///
/// # Errors
/// When the database refuses.
pub async fn waiting(connection: &mut PgConnection, size: Size, limit: i64) -> Result<Vec<Order>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT * FROM orders WHERE state = 'waitlisted' AND size = $1 ORDER BY waiting_since, id LIMIT $2 FOR UPDATE",
        size.as_str(),
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Order::try_from).collect()
}

/// How many orders for its size wait before one, itself included. None when it does not wait.
///
/// # Errors
/// When the database refuses.
pub async fn position(connection: &mut PgConnection, id: OrderId) -> Result<Option<i64>> {
    let position = sqlx::query_scalar!(
        "SELECT (SELECT count(*) FROM orders other
                 WHERE other.state = 'waitlisted' AND other.size = o.size
                   AND (other.waiting_since, other.id) <= (o.waiting_since, o.id))
         FROM orders o WHERE o.id = $1 AND o.state = 'waitlisted'",
        id.uuid(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(position.flatten())
}

/// Whether anybody waits for a server of a size: nobody overtakes them.
///
/// # Errors
/// When the database refuses.
pub async fn is_waited_for(connection: &mut PgConnection, size: Size) -> Result<bool> {
    let found = sqlx::query_scalar!(
        "SELECT EXISTS (SELECT 1 FROM orders WHERE state = 'waitlisted' AND size = $1) AS \"is!\"",
        size.as_str(),
    )
    .fetch_one(connection)
    .await?;
    Ok(found)
}
