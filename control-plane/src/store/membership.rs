//! Who is in an organization.

use domain::id::{AccountId, OrganizationId};
use domain::{Email, PersonName, Role};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;

use super::{Result, word};

/// Somebody in an organization.
#[derive(Debug, Clone)]
pub struct Person {
    /// Who.
    pub account: AccountId,
    /// What we call them.
    pub name: PersonName,
    /// Their address.
    pub email: Email,
    /// What they are in it.
    pub role: Role,
    /// Since when.
    pub since: Timestamp,
}

const TABLE: &str = "memberships";

/// Everybody in an organization, the owner first.
///
/// # Errors
/// When the database refuses.
pub async fn of_organization(connection: &mut PgConnection, organization: OrganizationId) -> Result<Vec<Person>> {
    let rows = sqlx::query!(
        "SELECT a.id, a.name, a.email, m.role, m.created_at FROM memberships m JOIN accounts a ON a.id = m.account_id
         WHERE m.organization_id = $1 AND a.deleted_at IS NULL
         ORDER BY array_position(ARRAY['owner', 'admin', 'moderator', 'billing'], m.role), lower(a.name), a.id",
        organization.uuid(),
    )
    .fetch_all(connection)
    .await?;
    let mut people = Vec::with_capacity(rows.len());
    for row in rows {
        let account = AccountId::from(row.id);
        people.push(Person {
            account,
            name: word("accounts", account, &row.name)?,
            email: word("accounts", account, &row.email)?,
            role: word(TABLE, account, &row.role)?,
            since: row.created_at.to_jiff(),
        });
    }
    Ok(people)
}

/// What somebody is in an organization; none when they are not in it.
///
/// # Errors
/// When the database refuses.
pub async fn role(
    connection: &mut PgConnection,
    organization: OrganizationId,
    account: AccountId,
) -> Result<Option<Role>> {
    let found = sqlx::query_scalar!(
        "SELECT role FROM memberships WHERE organization_id = $1 AND account_id = $2",
        organization.uuid(),
        account.uuid(),
    )
    .fetch_optional(connection)
    .await?;
    found.map(|text| word(TABLE, account, &text)).transpose()
}

/// Whether the person with an address is in an organization.
///
/// # Errors
/// When the database refuses.
pub async fn has_email(connection: &mut PgConnection, organization: OrganizationId, email: &Email) -> Result<bool> {
    let found = sqlx::query_scalar!(
        "SELECT 1 AS \"one!\" FROM memberships m JOIN accounts a ON a.id = m.account_id
         WHERE m.organization_id = $1 AND lower(a.email) = $2 AND a.deleted_at IS NULL",
        organization.uuid(),
        email.canonical(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(found.is_some())
}

/// Adds somebody. Whether they were not in it before.
///
/// # Errors
/// When the database refuses.
pub async fn insert(
    connection: &mut PgConnection,
    organization: OrganizationId,
    account: AccountId,
    role: Role,
    at: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO memberships (organization_id, account_id, role, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
        organization.uuid(),
        account.uuid(),
        role.as_str(),
        at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Changes what somebody is.
///
/// # Errors
/// When the database refuses.
pub async fn set_role(
    connection: &mut PgConnection,
    organization: OrganizationId,
    account: AccountId,
    role: Role,
) -> Result<()> {
    sqlx::query!(
        "UPDATE memberships SET role = $3 WHERE organization_id = $1 AND account_id = $2",
        organization.uuid(),
        account.uuid(),
        role.as_str(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes somebody out, and with them the tokens that acted in their name there.
///
/// # Errors
/// When the database refuses.
pub async fn remove(
    connection: &mut PgConnection,
    organization: OrganizationId,
    account: AccountId,
    at: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "WITH programs AS (
             UPDATE api_tokens SET revoked_at = $3 WHERE organization_id = $1 AND account_id = $2 AND revoked_at IS NULL)
         DELETE FROM memberships WHERE organization_id = $1 AND account_id = $2",
        organization.uuid(),
        account.uuid(),
        at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(())
}
