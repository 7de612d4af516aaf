//! Who did what to whom. Rows are only ever added; the database refuses anything else.

use domain::audit::Action;
use domain::id::{InstanceId, OrganizationId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;

use super::{Result, word};
use crate::actor::Actor;

/// One thing that was done.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    /// In which organization.
    pub organization: Option<OrganizationId>,
    /// To which server.
    pub instance: Option<InstanceId>,
    /// To what else: an id, an address, a name.
    pub subject: Option<String>,
    /// Why, in the words of who did it.
    pub reason: Option<String>,
    /// Values before and after. No secrets.
    pub detail: serde_json::Value,
}

/// Writes a line, in the transaction of what it tells.
///
/// # Errors
/// When the database refuses.
pub async fn write(
    connection: &mut PgConnection,
    at: Timestamp,
    actor: &Actor,
    action: Action,
    entry: Entry,
) -> Result<()> {
    let detail = if entry.detail.is_null() { serde_json::json!({}) } else { entry.detail };
    sqlx::query!(
        "INSERT INTO audit (at, actor, actor_name, organization_id, instance_id, action, subject, reason, detail, address, request_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        at.to_sqlx(),
        actor.who.to_string(),
        actor.name,
        entry.organization.map(OrganizationId::uuid),
        entry.instance.map(InstanceId::uuid),
        action.as_str(),
        entry.subject,
        entry.reason,
        detail,
        actor.address.map(|address| address.to_string()),
        actor.request_id,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A line as it is read.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its place in the log: lines after it are newer.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Who: `account:…`, `token:…`, `staff:…`, `system`.
    pub actor: String,
    /// Who, for people, as they were called then.
    pub actor_name: String,
    /// To which server.
    pub instance: Option<InstanceId>,
    /// What was done.
    pub action: Action,
    /// To what else.
    pub subject: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Values before and after.
    pub detail: serde_json::Value,
    /// From where.
    pub address: Option<String>,
}

pub(super) struct Row {
    pub(super) seq: i64,
    pub(super) at: jiff_sqlx::Timestamp,
    pub(super) actor: String,
    pub(super) actor_name: String,
    pub(super) instance_id: Option<uuid::Uuid>,
    pub(super) action: String,
    pub(super) subject: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) detail: serde_json::Value,
    pub(super) address: Option<String>,
}

impl TryFrom<Row> for Line {
    type Error = super::Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            seq: row.seq,
            at: row.at.to_jiff(),
            actor: row.actor,
            actor_name: row.actor_name,
            instance: row.instance_id.map(InstanceId::from),
            action: word("audit", row.seq, &row.action)?,
            subject: row.subject,
            reason: row.reason,
            detail: row.detail,
            address: row.address,
        })
    }
}

/// What was done to a server, newest first, from before `before` on.
///
/// # Errors
/// When the database refuses.
pub async fn of_instance(
    connection: &mut PgConnection,
    instance: InstanceId,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Line>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT seq, at, actor, actor_name, instance_id, action, subject, reason, detail, address FROM audit
         WHERE instance_id = $1 AND ($2::bigint IS NULL OR seq < $2) ORDER BY seq DESC LIMIT $3",
        instance.uuid(),
        before,
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Line::try_from).collect()
}

/// What was done in an organization, newest first, from before `before` on.
///
/// # Errors
/// When the database refuses.
pub async fn of_organization(
    connection: &mut PgConnection,
    organization: OrganizationId,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Line>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT seq, at, actor, actor_name, instance_id, action, subject, reason, detail, address FROM audit
         WHERE organization_id = $1 AND ($2::bigint IS NULL OR seq < $2) ORDER BY seq DESC LIMIT $3",
        organization.uuid(),
        before,
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Line::try_from).collect()
}
