//! The audit log of all, by whatever is known of a line.

use domain::audit::Action;
use domain::id::{InstanceId, OrganizationId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;

use super::anywhere;
use crate::store::Result;
use crate::store::audit::{Line, Row};

/// What is known of the lines that are wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Who: the whole of `account:…`, or a part of a name.
    pub actor: Option<String>,
    /// What was done.
    pub action: Option<Action>,
    /// In which organization.
    pub organization: Option<OrganizationId>,
    /// To which server.
    pub instance: Option<InstanceId>,
    /// A part of what else it was done to, or of a host's name.
    pub subject: Option<String>,
    /// Not before.
    pub since: Option<Timestamp>,
}

/// Lines of the log, newest first, from before `before` on.
///
/// # Errors
/// When the database refuses.
pub async fn audit(
    connection: &mut PgConnection,
    wanted: &Wanted,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Line>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT seq, at, actor, actor_name, instance_id, action, subject, reason, detail, address FROM audit
         WHERE ($1::text IS NULL OR actor = $1 OR lower(actor_name) LIKE $2)
           AND ($3::text IS NULL OR action = $3)
           AND ($4::uuid IS NULL OR organization_id = $4)
           AND ($5::uuid IS NULL OR instance_id = $5)
           AND ($6::text IS NULL OR lower(subject) LIKE $6
                OR instance_id IN (SELECT id FROM instances WHERE hostname LIKE $6))
           AND ($7::timestamptz IS NULL OR at >= $7)
           AND ($8::bigint IS NULL OR seq < $8)
         ORDER BY seq DESC LIMIT $9",
        wanted.actor,
        anywhere(wanted.actor.as_deref()),
        wanted.action.map(Action::as_str),
        wanted.organization.map(OrganizationId::uuid),
        wanted.instance.map(InstanceId::uuid),
        anywhere(wanted.subject.as_deref()),
        wanted.since.map(|since| since.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        before,
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Line::try_from).collect()
}
