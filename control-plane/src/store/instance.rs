//! Servers.

mod adopted;
mod many;
mod observed;
mod row;

use domain::closing::Closing;
use domain::id::{CellId, InstanceId, OfferId, OrderId, OrganizationId};
use domain::{Email, Entitlement, Mode};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use names::{Flavour, Handle, Hostname, Revision, Size, Version};
use sqlx::PgConnection;

pub use adopted::{Adopted, adopt, catch_up};
pub use many::with_ids;
pub use observed::{Changed, Seen, lock_named, observe, revisions, seen_names, set_purged, vanished};

use super::Result;
use row::Row;

/// A server.
#[derive(Debug, Clone)]
pub struct Instance {
    /// Its id.
    pub id: InstanceId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// Where it lives.
    pub cell: CellId,
    /// What was ordered.
    pub offer: OfferId,
    /// The order it came from; none when it was adopted.
    pub order: Option<OrderId>,
    /// The name of its object in the cell.
    pub object_name: names::InstanceId,
    /// Its public name.
    pub hostname: Hostname,
    /// Which software it runs.
    pub flavour: Flavour,
    /// Which version of it.
    pub software_version: Version,
    /// How much room it has.
    pub size: Size,
    /// The account its owner has there.
    pub owner_handle: Handle,
    /// Where its owner reads mail.
    pub owner_email: Email,
    /// The title that visitors read, as far as it was set from here.
    pub title: Option<String>,
    /// A sentence or two about it, as far as they were set from here.
    pub description: Option<String>,
    /// Where visitors can write to, as far as that was set from here.
    pub contact_email: Option<Email>,
    /// The owner's age recipient, to which its bundles are encrypted.
    pub export_recipient: Option<String>,
    /// What money allows.
    pub entitlement: Entitlement,
    /// Set while it is being closed, and after.
    pub closing: Option<Closing>,
    /// When its data was destroyed.
    pub purged_at: Option<Timestamp>,
    /// The number of the last wish.
    pub revision: Revision,
    /// What was seen of it last.
    pub observed: Observed,
    /// When it was ready for the first time.
    pub ready_at: Option<Timestamp>,
    /// Our one-time key for the owner's first password, sealed; gone once that was shown.
    pub claim_key_sealed: Option<Vec<u8>>,
    /// The owner's first password, sealed to that key.
    pub claim_answer: Option<String>,
    /// Since when there is a row.
    pub created_at: Timestamp,
    /// +1 with each change by people: for `ETag`s.
    pub version: i64,
}

/// What was seen of a server in its cell.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// The uid of its object; none before it was first seen.
    pub uid: Option<String>,
    /// The last wish that was carried out in full.
    pub revision: Option<Revision>,
    /// The mode in force.
    pub mode: Option<Mode>,
    /// What is true of it.
    pub conditions: Vec<crd::Condition>,
    /// Where people open it.
    pub address: Option<String>,
    /// The newest complete bundle: its manifest's digest and when that was written.
    pub last_export: Option<(String, Timestamp)>,
}

impl Observed {
    /// Whether a condition is there and true.
    #[must_use]
    pub fn is(&self, condition: &str) -> bool {
        crd::condition::is_true(&self.conditions, condition)
    }

    /// A condition.
    #[must_use]
    pub fn condition(&self, type_: &str) -> Option<&crd::Condition> {
        self.conditions.iter().find(|condition| condition.type_ == type_)
    }
}

/// A new server.
#[derive(Debug)]
pub struct New<'a> {
    /// Its id; its object in the cell is named after it.
    pub id: InstanceId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// Where it will live.
    pub cell: CellId,
    /// What was ordered.
    pub offer: OfferId,
    /// The order.
    pub order: Option<OrderId>,
    /// Its public name.
    pub hostname: &'a Hostname,
    /// Which software it runs.
    pub flavour: Flavour,
    /// Which version of it.
    pub software_version: &'a Version,
    /// How much room it has.
    pub size: Size,
    /// The account its owner has there.
    pub owner_handle: &'a Handle,
    /// Where its owner reads mail.
    pub owner_email: &'a Email,
    /// What money allows.
    pub entitlement: Entitlement,
    /// Our one-time key for the owner's first password, sealed to the platform's.
    pub claim_key_sealed: Option<&'a [u8]>,
    /// Now.
    pub at: Timestamp,
}

/// Adds a server.
///
/// # Errors
/// With constraint `instances_hostname_key` when its name has one.
pub async fn insert(connection: &mut PgConnection, new: &New<'_>) -> Result<()> {
    sqlx::query!(
        "INSERT INTO instances (id, organization_id, cell_id, offer_id, order_id, object_name, hostname, flavour,
                                software_version, size, owner_handle, owner_email, entitlement, claim_key_sealed, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        new.id.uuid(),
        new.organization.uuid(),
        new.cell.uuid(),
        new.offer.uuid(),
        new.order.map(OrderId::uuid),
        new.id.object_name().to_string(),
        new.hostname.as_str(),
        new.flavour.as_str(),
        new.software_version.as_str(),
        new.size.as_str(),
        new.owner_handle.as_str(),
        new.owner_email.as_str(),
        new.entitlement.as_str(),
        new.claim_key_sealed,
        new.at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A server.
///
/// # Errors
/// When the database refuses.
pub async fn find(connection: &mut PgConnection, id: InstanceId) -> Result<Option<Instance>> {
    let row =
        sqlx::query_as!(Row, "SELECT * FROM instances WHERE id = $1", id.uuid()).fetch_optional(connection).await?;
    row.map(Instance::try_from).transpose()
}

/// A server, locked until the transaction ends.
///
/// # Errors
/// When the database refuses.
pub async fn lock(connection: &mut PgConnection, id: InstanceId) -> Result<Option<Instance>> {
    let row = sqlx::query_as!(Row, "SELECT * FROM instances WHERE id = $1 FOR UPDATE", id.uuid())
        .fetch_optional(connection)
        .await?;
    row.map(Instance::try_from).transpose()
}

/// The server with a public name.
///
/// # Errors
/// When the database refuses.
pub async fn with_hostname(connection: &mut PgConnection, hostname: &Hostname) -> Result<Option<Instance>> {
    let row = sqlx::query_as!(Row, "SELECT * FROM instances WHERE hostname = $1", hostname.as_str())
        .fetch_optional(connection)
        .await?;
    row.map(Instance::try_from).transpose()
}

/// The servers of an organization, newest first, from before `before` on. Purged ones are not among them.
///
/// # Errors
/// When the database refuses.
pub async fn of_organization(
    connection: &mut PgConnection,
    organization: OrganizationId,
    before: Option<InstanceId>,
    limit: i64,
) -> Result<Vec<Instance>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT * FROM instances
         WHERE organization_id = $1 AND purged_at IS NULL AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
        organization.uuid(),
        before.map(InstanceId::uuid),
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Instance::try_from).collect()
}

/// All servers for staff, newest first, from before `before` on, in one cell or all.
///
/// # Errors
/// When the database refuses.
pub async fn list(
    connection: &mut PgConnection,
    cell: Option<CellId>,
    before: Option<InstanceId>,
    limit: i64,
) -> Result<Vec<Instance>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT * FROM instances WHERE ($1::uuid IS NULL OR cell_id = $1) AND ($2::uuid IS NULL OR id < $2)
         ORDER BY id DESC LIMIT $3",
        cell.map(CellId::uuid),
        before.map(InstanceId::uuid),
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Instance::try_from).collect()
}

/// How many servers an organization has that are not closed.
///
/// # Errors
/// When the database refuses.
pub async fn count_open(connection: &mut PgConnection, organization: OrganizationId) -> Result<i64> {
    let count = sqlx::query_scalar!(
        "SELECT count(*) AS \"count!\" FROM instances WHERE organization_id = $1 AND closing_at IS NULL AND purged_at IS NULL",
        organization.uuid(),
    )
    .fetch_one(connection)
    .await?;
    Ok(count)
}

/// What people may set of a server.
#[derive(Debug, Clone)]
pub struct Settings<'a> {
    /// The title that visitors read.
    pub title: Option<&'a str>,
    /// A sentence or two about it.
    pub description: Option<&'a str>,
    /// Where visitors can write to.
    pub contact_email: Option<&'a Email>,
    /// The age recipient for its bundles.
    pub export_recipient: Option<&'a str>,
}

/// Changes what people may set, if the row still has the version they saw. `false`: somebody was faster.
///
/// # Errors
/// When the database refuses.
pub async fn set(connection: &mut PgConnection, id: InstanceId, version: i64, settings: &Settings<'_>) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE instances SET title = $3, export_recipient = $4, description = $5, contact_email = $6, version = version + 1
         WHERE id = $1 AND version = $2",
        id.uuid(),
        version,
        settings.title,
        settings.export_recipient,
        settings.description,
        settings.contact_email.map(Email::as_str),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Writes down that a server is being closed, or that this was taken back.
///
/// # Errors
/// When the database refuses.
pub async fn set_closing(connection: &mut PgConnection, id: InstanceId, closing: Option<Closing>) -> Result<()> {
    sqlx::query!(
        "UPDATE instances SET closing_at = $2, purge_after = $3, version = version + 1 WHERE id = $1",
        id.uuid(),
        closing.map(|closing| closing.at.to_sqlx()),
        closing.map(|closing| closing.purge_after.to_sqlx()),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes down what money allows.
///
/// # Errors
/// When the database refuses.
pub async fn set_entitlement(connection: &mut PgConnection, id: InstanceId, entitlement: Entitlement) -> Result<()> {
    sqlx::query!(
        "UPDATE instances SET entitlement = $2, version = version + 1 WHERE id = $1",
        id.uuid(),
        entitlement.as_str(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Corrects where the owner reads mail.
///
/// # Errors
/// When the database refuses.
pub async fn set_owner_email(connection: &mut PgConnection, id: InstanceId, email: &Email) -> Result<()> {
    sqlx::query!(
        "UPDATE instances SET owner_email = $2, version = version + 1 WHERE id = $1",
        id.uuid(),
        email.as_str(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets the owner's first password: it was shown. What was there, if anything.
///
/// # Errors
/// When the database refuses.
pub async fn take_claim(connection: &mut PgConnection, id: InstanceId) -> Result<Option<(Vec<u8>, String)>> {
    let row = sqlx::query!(
        "WITH held AS (SELECT id, claim_key_sealed, claim_answer FROM instances WHERE id = $1 FOR UPDATE)
         UPDATE instances i SET claim_key_sealed = NULL, claim_answer = NULL FROM held
         WHERE i.id = held.id AND held.claim_key_sealed IS NOT NULL AND held.claim_answer IS NOT NULL
         RETURNING held.claim_key_sealed, held.claim_answer",
        id.uuid(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.and_then(|row| row.claim_key_sealed.zip(row.claim_answer)))
}

/// Takes the next number for a wish. Numbers are not given back: one that was not written is skipped.
///
/// # Errors
/// When the database refuses.
pub async fn next_revision(connection: &mut PgConnection, id: InstanceId) -> Result<Revision> {
    let revision =
        sqlx::query_scalar!("UPDATE instances SET revision = revision + 1 WHERE id = $1 RETURNING revision", id.uuid())
            .fetch_one(connection)
            .await?;
    Ok(Revision(revision))
}

/// Writes down that a server was ready for the first time. Whether it was the first time.
///
/// # Errors
/// When the database refuses.
pub async fn set_ready(connection: &mut PgConnection, id: InstanceId, at: Timestamp) -> Result<bool> {
    let done =
        sqlx::query!("UPDATE instances SET ready_at = $2 WHERE id = $1 AND ready_at IS NULL", id.uuid(), at.to_sqlx(),)
            .execute(connection)
            .await?;
    Ok(done.rows_affected() > 0)
}
