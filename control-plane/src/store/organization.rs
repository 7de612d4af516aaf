//! Organizations and who is in them.

use domain::id::{AccountId, OrganizationId};
use domain::{Email, Locale, Role};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;

use super::{Result, word};

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

/// How many servers an organization may have. Its row stays locked until the transaction ends, so that two orders at once
/// cannot both be the last one.
///
/// # Errors
/// When the database refuses.
pub async fn lock_server_limit(connection: &mut PgConnection, id: OrganizationId) -> Result<u32> {
    let limit = sqlx::query_scalar!("SELECT server_limit FROM organizations WHERE id = $1 FOR UPDATE", id.uuid())
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
