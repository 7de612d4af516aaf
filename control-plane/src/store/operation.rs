//! What is being done: the one queue that work is taken from, and its history.

mod log;
mod queue;
mod row;

use domain::id::{InstanceId, OperationId, OrganizationId};
use domain::operation::{self, Subject};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use names::Revision;
use sqlx::PgConnection;

pub use log::{LINES, Line};
pub use queue::{Lane, Stuck, candidate, due, prune, renew, stuck, wake, wake_cell};

use super::Result;
use crate::actor::Who;
use row::Row;

/// The channel on which workers are woken.
pub const CHANNEL: &str = "operations";

/// An operation.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Its id.
    pub id: OperationId,
    /// What it does, where it stands, how far it is.
    pub course: operation::Operation,
    /// What it is about.
    pub subject: Subject,
    /// Whose server that is.
    pub organization: Option<OrganizationId>,
    /// Who asked: `account:…`, `token:…`, `staff:…`, `system`.
    pub requested_by: String,
    /// Why it waits or failed, a sentence from whom it waits for. What people read first comes from the reason's word.
    pub message: String,
    /// What happened, oldest first.
    pub log: Vec<Line>,
    /// The wish whose observation ends it.
    pub revision: Option<Revision>,
    /// When staff were told that it takes long.
    pub alarmed_at: Option<Timestamp>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When a worker first had it.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// Something to be done.
#[derive(Debug)]
pub struct New {
    /// Its id.
    pub id: OperationId,
    /// What.
    pub kind: operation::Kind,
    /// To what.
    pub subject: Subject,
    /// Whose server that is.
    pub organization: OrganizationId,
    /// Who asks.
    pub requested_by: Who,
    /// Now; it is taken up at once.
    pub at: Timestamp,
}

/// Adds an operation, in the transaction of what it carries out. Workers are woken when that commits.
///
/// # Errors
/// When the database refuses; the server's row must be there.
pub async fn insert(connection: &mut PgConnection, new: &New) -> Result<()> {
    let subject = match new.subject {
        Subject::Instance(_) => None,
        Subject::Export(_, export) => Some(export.uuid()),
        Subject::AccountChange(_, change) => Some(change.uuid()),
    };
    sqlx::query!(
        "WITH written AS (
             INSERT INTO operations (id, kind, organization_id, instance_id, subject_id, concurrency_key, dependency, cell_id,
                                     state, requested_by, run_at, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, (SELECT cell_id FROM instances WHERE id = $4), 'queued', $8, $9, $9))
         SELECT pg_notify($10, '')",
        new.id.uuid(),
        new.kind.as_str(),
        new.organization.uuid(),
        new.subject.instance().uuid(),
        subject,
        new.subject.concurrency_key(),
        new.kind.dependency().as_str(),
        new.requested_by.to_string(),
        new.at.to_sqlx(),
        CHANNEL,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// One operation.
///
/// # Errors
/// When the database refuses.
pub async fn find(connection: &mut PgConnection, id: OperationId) -> Result<Option<Operation>> {
    let row =
        sqlx::query_as!(Row, "SELECT * FROM operations WHERE id = $1", id.uuid()).fetch_optional(connection).await?;
    row.map(Operation::try_from).transpose()
}

/// One operation, locked until the transaction ends: for taking it from one state to another.
///
/// # Errors
/// When the database refuses.
pub async fn lock(connection: &mut PgConnection, id: OperationId) -> Result<Option<Operation>> {
    let row = sqlx::query_as!(Row, "SELECT * FROM operations WHERE id = $1 FOR UPDATE", id.uuid())
        .fetch_optional(connection)
        .await?;
    row.map(Operation::try_from).transpose()
}

/// What is or was done to a server, newest first.
///
/// # Errors
/// When the database refuses.
pub async fn of_instance(connection: &mut PgConnection, instance: InstanceId, limit: i64) -> Result<Vec<Operation>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT * FROM operations WHERE instance_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2",
        instance.uuid(),
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Operation::try_from).collect()
}

/// What is or was done in an organization, newest first, from before `before` on.
///
/// # Errors
/// When the database refuses.
pub async fn of_organization(
    connection: &mut PgConnection,
    organization: OrganizationId,
    before: Option<OperationId>,
    limit: i64,
) -> Result<Vec<Operation>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT * FROM operations WHERE organization_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
        organization.uuid(),
        before.map(OperationId::uuid),
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Operation::try_from).collect()
}

/// All operations for staff, newest first, of some states or all, from before `before` on. `failed` ones are the dead letters.
///
/// # Errors
/// When the database refuses.
pub async fn in_states(
    connection: &mut PgConnection,
    states: Option<&[String]>,
    before: Option<OperationId>,
    limit: i64,
) -> Result<Vec<Operation>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT * FROM operations WHERE ($1::text[] IS NULL OR state = ANY ($1)) AND ($2::uuid IS NULL OR id < $2)
         ORDER BY id DESC LIMIT $3",
        states,
        before.map(OperationId::uuid),
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Operation::try_from).collect()
}

/// Whether something of a kind is still to be done to a server: asked for twice, it is done once.
///
/// # Errors
/// When the database refuses.
pub async fn is_open(connection: &mut PgConnection, instance: InstanceId, kind: operation::Kind) -> Result<bool> {
    let found = sqlx::query_scalar!(
        "SELECT EXISTS (SELECT 1 FROM operations
                        WHERE instance_id = $1 AND kind = $2 AND state IN ('queued', 'running', 'waiting')) AS \"is!\"",
        instance.uuid(),
        kind.as_str(),
    )
    .fetch_one(connection)
    .await?;
    Ok(found)
}

/// Writes where an operation stands now. `fence` is that of the claim on whose strength it was changed; `false` says that
/// another has taken it up since, and nothing was written. Workers are woken when it is to be run again.
///
/// # Errors
/// When the database refuses; with constraint `operations_running` when another one with its key runs.
pub async fn save(connection: &mut PgConnection, operation: &Operation, fence: i64, now: Timestamp) -> Result<bool> {
    let written = row::Written::of(operation, now);
    let done = sqlx::query!(
        "UPDATE operations SET state = $3, step = $4, percent = $5, attempt = $6, reason = $7, message = $8, log = $9,
                revision = $10, cancel_asked = $11, lease_until = $13,
                run_at = CASE WHEN woken AND $3 = 'waiting' THEN $17::timestamptz ELSE $12::timestamptz END,
                woken = woken AND fence = $14, fence = $14,
                started_at = coalesce(started_at, $15), finished_at = $16
         WHERE id = $1 AND fence = $2",
        operation.id.uuid(),
        fence,
        written.state,
        operation.course.step,
        i16::from(operation.course.percent),
        written.attempt,
        written.reason,
        operation.message,
        written.log,
        operation.revision.map(|revision| revision.0),
        operation.course.cancel_asked,
        written.run_at.to_sqlx(),
        written.lease_until.map(|time| time.to_sqlx()),
        operation.course.fence,
        written.started_at.map(|time| time.to_sqlx()),
        written.finished_at.map(|time| time.to_sqlx()),
        now.to_sqlx(),
    )
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() > 0 && written.state == "queued" {
        notify(connection).await?;
    }
    Ok(done.rows_affected() > 0)
}

/// Wakes workers when the transaction commits.
///
/// # Errors
/// When the database refuses.
pub async fn notify(connection: &mut PgConnection) -> Result<()> {
    sqlx::query!("SELECT pg_notify($1, '')", CHANNEL).execute(connection).await?;
    Ok(())
}
