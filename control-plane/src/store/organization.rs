//! Organizations and who is in them.

use domain::id::{AccountId, OrganizationId};
use domain::{Email, Locale, PersonName, Role};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;

use super::{Result, word};

/// Those on whose behalf servers are ordered.
#[derive(Debug, Clone)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// What it is called.
    pub name: String,
    /// Whether it is an account's own, which cannot be left, handed over or deleted alone.
    pub personal: bool,
    /// Since when there is one.
    pub created_at: Timestamp,
    /// +1 with each change.
    pub version: i64,
}

/// An organization, and what somebody is in it.
#[derive(Debug, Clone)]
pub struct Membership {
    /// Its id.
    pub organization: OrganizationId,
    /// What it is called.
    pub name: String,
    /// Whether it is the account's own, which cannot be left.
    pub personal: bool,
    /// What they are in it.
    pub role: Role,
}

/// Adds an account's own organization, with the account as its owner.
///
/// # Errors
/// When the database refuses.
pub async fn insert_personal(
    connection: &mut PgConnection,
    id: OrganizationId,
    account: AccountId,
    name: &str,
    server_limit: i32,
    at: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "WITH made AS (
             INSERT INTO organizations (id, name, personal_of, server_limit, created_at) VALUES ($1, $2, $3, $4, $5) RETURNING id)
         INSERT INTO memberships (organization_id, account_id, role, created_at) SELECT id, $3, 'owner', $5 FROM made",
        id.uuid(),
        name,
        account.uuid(),
        server_limit,
        at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What an account is a member of: its own first, then by name.
///
/// # Errors
/// When the database refuses.
pub async fn of_account(connection: &mut PgConnection, account: AccountId) -> Result<Vec<Membership>> {
    let rows = sqlx::query!(
        "SELECT o.id, o.name, o.personal_of IS NOT NULL AS \"personal!\", m.role
         FROM memberships m JOIN organizations o ON o.id = m.organization_id
         WHERE m.account_id = $1 ORDER BY o.personal_of IS NULL, lower(o.name), o.id",
        account.uuid(),
    )
    .fetch_all(connection)
    .await?;
    let membership = |(id, name, personal, role): (uuid::Uuid, String, bool, String)| {
        let organization = OrganizationId::from(id);
        let role = word("memberships", format!("{organization} {account}"), &role)?;
        Ok(Membership { organization, name, personal, role })
    };
    rows.into_iter().map(|row| membership((row.id, row.name, row.personal, row.role))).collect()
}

/// How many servers an organization may have: none any more when it was deleted. Its row stays locked until the transaction ends, so that two orders at once
/// cannot both be the last one.
///
/// # Errors
/// When the database refuses.
pub async fn lock_server_limit(connection: &mut PgConnection, id: OrganizationId) -> Result<u32> {
    let limit = sqlx::query_scalar!(
        "SELECT CASE WHEN deleted_at IS NULL THEN server_limit ELSE 0 END AS \"limit!\" FROM organizations
         WHERE id = $1 FOR UPDATE",
        id.uuid(),
    )
    .fetch_one(connection)
    .await?;
    Ok(u32::try_from(limit).unwrap_or(0))
}

/// Somebody who is told what happens to an organization's servers.
#[derive(Debug, Clone)]
pub struct Recipient {
    /// Their account.
    pub account: AccountId,
    /// Where they read mail.
    pub email: Email,
    /// What we call them.
    pub name: String,
    /// The language they read.
    pub locale: Locale,
}

/// The owners of an organization whose address is confirmed.
///
/// # Errors
/// When the database refuses.
pub async fn recipients(connection: &mut PgConnection, id: OrganizationId) -> Result<Vec<Recipient>> {
    let rows = sqlx::query!(
        "SELECT a.id, a.email, a.name, a.locale FROM memberships m JOIN accounts a ON a.id = m.account_id
         WHERE m.organization_id = $1 AND m.role = 'owner' AND a.deleted_at IS NULL AND a.email_confirmed_at IS NOT NULL
         ORDER BY a.id",
        id.uuid(),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let account = AccountId::from(row.id);
            let email = word("accounts", account, &row.email)?;
            Ok(Recipient { account, email, name: row.name, locale: word("accounts", account, &row.locale)? })
        })
        .collect()
}

/// Adds an organization with an owner.
///
/// # Errors
/// With constraint `organizations_pkey` when there is one with this id.
pub async fn insert(
    connection: &mut PgConnection,
    id: OrganizationId,
    owner: AccountId,
    name: &PersonName,
    server_limit: i32,
    at: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "WITH made AS (
             INSERT INTO organizations (id, name, server_limit, created_at) VALUES ($1, $2, $3, $4) RETURNING id)
         INSERT INTO memberships (organization_id, account_id, role, created_at) SELECT id, $5, 'owner', $4 FROM made",
        id.uuid(),
        name.as_str(),
        server_limit,
        at.to_sqlx(),
        owner.uuid(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// An organization that is there.
///
/// # Errors
/// When the database refuses.
pub async fn find(connection: &mut PgConnection, id: OrganizationId) -> Result<Option<Organization>> {
    let row = sqlx::query!(
        "SELECT name, personal_of IS NOT NULL AS \"personal!\", created_at, version FROM organizations
         WHERE id = $1 AND deleted_at IS NULL",
        id.uuid(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Organization {
        id,
        name: row.name,
        personal: row.personal,
        created_at: row.created_at.to_jiff(),
        version: row.version,
    }))
}

/// Locks an organization until the transaction ends, so that changes to who is in it come one after another. Whether it is
/// there.
///
/// # Errors
/// When the database refuses.
pub async fn lock(connection: &mut PgConnection, id: OrganizationId) -> Result<bool> {
    let found = sqlx::query_scalar!(
        "SELECT id FROM organizations WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE",
        id.uuid()
    )
    .fetch_optional(connection)
    .await?;
    Ok(found.is_some())
}

/// Changes what an organization is called.
///
/// # Errors
/// When the database refuses.
pub async fn rename(connection: &mut PgConnection, id: OrganizationId, name: &PersonName) -> Result<()> {
    sqlx::query!("UPDATE organizations SET name = $2, version = version + 1 WHERE id = $1", id.uuid(), name.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

/// How many servers of an organization there are or are being ordered, those that are being closed left out.
///
/// # Errors
/// When the database refuses.
pub async fn servers(connection: &mut PgConnection, id: OrganizationId) -> Result<i64> {
    let count = sqlx::query_scalar!(
        "SELECT (SELECT count(*) FROM instances WHERE organization_id = $1 AND closing_at IS NULL AND purged_at IS NULL)
              + (SELECT count(*) FROM orders
                 WHERE organization_id = $1 AND state IN ('waitlisted', 'offered', 'approval', 'provisioning'))
             AS \"count!\"",
        id.uuid(),
    )
    .fetch_one(connection)
    .await?;
    Ok(count)
}

/// Ends an organization: nobody is in it any more, its invitations and tokens are dead. The name goes where it is a
/// person's.
///
/// # Errors
/// When the database refuses.
pub async fn delete(connection: &mut PgConnection, id: OrganizationId, at: Timestamp) -> Result<()> {
    sqlx::query!(
        "WITH people AS (DELETE FROM memberships WHERE organization_id = $1),
              invited AS (UPDATE invitations SET revoked_at = $2
                          WHERE organization_id = $1 AND accepted_at IS NULL AND revoked_at IS NULL),
              programs AS (UPDATE api_tokens SET revoked_at = $2 WHERE organization_id = $1 AND revoked_at IS NULL)
         UPDATE organizations SET deleted_at = $2, version = version + 1,
                name = CASE WHEN personal_of IS NULL THEN name ELSE '—' END
         WHERE id = $1",
        id.uuid(),
        at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(())
}
