//! What staff look for: organizations, servers and lines of the audit log, across all customers.

mod audit;
mod servers;
mod waitlist;

use std::collections::HashMap;

use domain::id::OrganizationId;
use domain::{Email, Role};
use jiff::Timestamp;
use sqlx::PgConnection;

pub use audit::{Wanted, audit};
pub use servers::{count_servers, instances, operations, with_ids};
pub use waitlist::{Waiting, waitlist};

use super::{Result, word};

/// An organization as staff see it.
#[derive(Debug, Clone)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// What it is called.
    pub name: String,
    /// Whether it is an account's own.
    pub personal: bool,
    /// How many servers it may have.
    pub server_limit: i32,
    /// How many servers it has that are not closed.
    pub servers: i64,
    /// How many orders of it are open.
    pub orders: i64,
    /// Since when there is one.
    pub created_at: Timestamp,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// +1 with each change.
    pub version: i64,
}

struct Row {
    id: uuid::Uuid,
    name: String,
    personal: bool,
    server_limit: i32,
    servers: i64,
    orders: i64,
    created_at: jiff_sqlx::Timestamp,
    deleted_at: Option<jiff_sqlx::Timestamp>,
    version: i64,
}

impl From<Row> for Organization {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            name: row.name,
            personal: row.personal,
            server_limit: row.server_limit,
            servers: row.servers,
            orders: row.orders,
            created_at: row.created_at.to_jiff(),
            deleted_at: row.deleted_at.map(jiff_sqlx::Timestamp::to_jiff),
            version: row.version,
        }
    }
}

/// A text as it is looked for anywhere in another: nothing in it is a pattern.
fn anywhere(text: Option<&str>) -> Option<String> {
    let text = text.map(str::trim).filter(|text| !text.is_empty())?;
    let plain = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    Some(format!("%{}%", plain.to_lowercase()))
}

/// Organizations whose name, or the address of somebody in them, has a text in it; newest first, from before `before` on.
///
/// # Errors
/// When the database refuses.
pub async fn organizations(
    connection: &mut PgConnection,
    text: Option<&str>,
    before: Option<OrganizationId>,
    limit: i64,
) -> Result<Vec<Organization>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT o.id, o.name, o.personal_of IS NOT NULL AS \"personal!\", o.server_limit,
                (SELECT count(*) FROM instances i WHERE i.organization_id = o.id AND i.closing_at IS NULL AND i.purged_at IS NULL)
                    AS \"servers!\",
                (SELECT count(*) FROM orders r WHERE r.organization_id = o.id
                    AND r.state IN ('waitlisted', 'offered', 'approval', 'provisioning', 'failed')) AS \"orders!\",
                o.created_at, o.deleted_at, o.version
         FROM organizations o
         WHERE ($1::text IS NULL OR lower(o.name) LIKE $1
                OR EXISTS (SELECT 1 FROM memberships m JOIN accounts a ON a.id = m.account_id
                           WHERE m.organization_id = o.id AND lower(a.email) LIKE $1))
           AND ($2::uuid IS NULL OR o.id < $2)
         ORDER BY o.id DESC LIMIT $3",
        anywhere(text),
        before.map(OrganizationId::uuid),
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Organization::from).collect())
}

/// One organization, deleted or not.
///
/// # Errors
/// When the database refuses.
pub async fn organization(connection: &mut PgConnection, id: OrganizationId) -> Result<Option<Organization>> {
    let row = sqlx::query_as!(
        Row,
        "SELECT o.id, o.name, o.personal_of IS NOT NULL AS \"personal!\", o.server_limit,
                (SELECT count(*) FROM instances i WHERE i.organization_id = o.id AND i.closing_at IS NULL AND i.purged_at IS NULL)
                    AS \"servers!\",
                (SELECT count(*) FROM orders r WHERE r.organization_id = o.id
                    AND r.state IN ('waitlisted', 'offered', 'approval', 'provisioning', 'failed')) AS \"orders!\",
                o.created_at, o.deleted_at, o.version
         FROM organizations o WHERE o.id = $1",
        id.uuid(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(Organization::from))
}

/// What organizations are called, by their ids.
///
/// # Errors
/// When the database refuses.
pub async fn names(connection: &mut PgConnection, ids: &[OrganizationId]) -> Result<HashMap<OrganizationId, String>> {
    let ids: Vec<uuid::Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let rows =
        sqlx::query!("SELECT id, name FROM organizations WHERE id = ANY ($1)", &ids).fetch_all(connection).await?;
    Ok(rows.into_iter().map(|row| (row.id.into(), row.name)).collect())
}

/// Changes how many servers an organization may have, if the row still has the version that was seen. `false`: somebody was
/// faster.
///
/// # Errors
/// When the database refuses.
pub async fn set_server_limit(
    connection: &mut PgConnection,
    id: OrganizationId,
    version: i64,
    limit: i32,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE organizations SET server_limit = $3, version = version + 1 WHERE id = $1 AND version = $2 AND deleted_at IS NULL",
        id.uuid(),
        version,
        limit,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Somebody in an organization, as staff see them.
#[derive(Debug, Clone)]
pub struct Person {
    /// What they are called.
    pub name: String,
    /// Where they read mail.
    pub email: Email,
    /// Whether that is confirmed.
    pub confirmed: bool,
    /// What they are there.
    pub role: Role,
}

/// Who is in an organization.
///
/// # Errors
/// When the database refuses.
pub async fn people(connection: &mut PgConnection, id: OrganizationId) -> Result<Vec<Person>> {
    let rows = sqlx::query!(
        "SELECT a.id, a.name, a.email, a.email_confirmed_at IS NOT NULL AS \"confirmed!\", m.role
         FROM memberships m JOIN accounts a ON a.id = m.account_id WHERE m.organization_id = $1 ORDER BY m.created_at, a.id",
        id.uuid(),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let email = word("accounts", row.id, &row.email)?;
            Ok(Person { name: row.name, email, confirmed: row.confirmed, role: word("memberships", id, &row.role)? })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_looked_for_is_a_pattern() {
        assert_eq!(anywhere(Some(" Birds ")).as_deref(), Some("%birds%"));
        assert_eq!(anywhere(Some("50%_\\")).as_deref(), Some("%50\\%\\_\\\\%"));
        assert_eq!(anywhere(Some("  ")), None);
    }
}
