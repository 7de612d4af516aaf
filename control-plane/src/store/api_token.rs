//! Tokens with which programs act for a person in one organization.

use domain::id::{AccountId, OrganizationId, TokenId};
use domain::scope::Scopes;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;

use super::account::{self, Account};
use super::organization::Membership;
use super::{Error, Result, word};
use crate::auth::secret::Secret;

/// A token. Its secret is nowhere.
#[derive(Debug, Clone)]
pub struct ApiToken {
    /// Its id.
    pub id: TokenId,
    /// Where it acts.
    pub organization: OrganizationId,
    /// Whose rights it has a part of.
    pub account: AccountId,
    /// What they are called.
    pub account_name: String,
    /// What it is for, in their words.
    pub name: String,
    /// Its first characters.
    pub hint: String,
    /// Which part of the rights.
    pub scopes: Scopes,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
    /// When it was last used, to five minutes.
    pub last_used_at: Option<Timestamp>,
}

/// A new token.
#[derive(Debug)]
pub struct New<'a> {
    /// Its id.
    pub id: TokenId,
    /// Where it acts.
    pub organization: OrganizationId,
    /// Whose rights it has a part of.
    pub account: AccountId,
    /// What it is for.
    pub name: &'a str,
    /// Its first characters.
    pub hint: &'a str,
    /// Its secret.
    pub secret: &'a Secret,
    /// Which part of the rights.
    pub scopes: &'a Scopes,
    /// Now.
    pub at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
}

struct Row {
    id: uuid::Uuid,
    organization_id: uuid::Uuid,
    account_id: uuid::Uuid,
    account_name: String,
    name: String,
    hint: String,
    scopes: Vec<String>,
    created_at: jiff_sqlx::Timestamp,
    expires_at: jiff_sqlx::Timestamp,
    last_used_at: Option<jiff_sqlx::Timestamp>,
}

impl TryFrom<Row> for ApiToken {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let id = TokenId::from(row.id);
        let scopes: Result<Scopes> = row.scopes.iter().map(|text| word("api_tokens", id, text)).collect();
        Ok(Self {
            id,
            organization: row.organization_id.into(),
            account: row.account_id.into(),
            account_name: row.account_name,
            name: row.name,
            hint: row.hint,
            scopes: scopes?,
            created_at: row.created_at.to_jiff(),
            expires_at: row.expires_at.to_jiff(),
            last_used_at: row.last_used_at.map(jiff_sqlx::Timestamp::to_jiff),
        })
    }
}

/// Adds a token.
///
/// # Errors
/// With constraint `api_tokens_pkey` when there is one with this id.
pub async fn insert(connection: &mut PgConnection, new: &New<'_>) -> Result<()> {
    let scopes: Vec<String> = new.scopes.iter().map(|scope| scope.as_str().to_owned()).collect();
    sqlx::query!(
        "INSERT INTO api_tokens (id, organization_id, account_id, name, hint, secret_hash, scopes, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        new.id.uuid(),
        new.organization.uuid(),
        new.account.uuid(),
        new.name,
        new.hint,
        new.secret.hash(),
        &scopes,
        new.at.to_sqlx(),
        new.expires_at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The tokens of an organization that were not revoked, of one person or of all, the newest first. Those that have run out
/// are among them, so that people see why a program stopped.
///
/// # Errors
/// When the database refuses.
pub async fn of_organization(
    connection: &mut PgConnection,
    organization: OrganizationId,
    account: Option<AccountId>,
) -> Result<Vec<ApiToken>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT t.id, t.organization_id, t.account_id, a.name AS account_name, t.name, t.hint, t.scopes, t.created_at,
                t.expires_at, t.last_used_at
         FROM api_tokens t JOIN accounts a ON a.id = t.account_id
         WHERE t.organization_id = $1 AND ($2::uuid IS NULL OR t.account_id = $2) AND t.revoked_at IS NULL
         ORDER BY t.created_at DESC, t.id",
        organization.uuid(),
        account.map(AccountId::uuid),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(ApiToken::try_from).collect()
}

/// Who brings a token.
#[derive(Debug)]
pub struct Bearer {
    /// The token.
    pub token: ApiToken,
    /// In whose name.
    pub account: Account,
    /// What they are today where the token acts.
    pub membership: Membership,
}

/// Who brings a secret, if its token is still good and its person still is where it acts. One statement, because each call of
/// the API begins with it.
///
/// # Errors
/// When the database refuses.
pub async fn bearer(connection: &mut PgConnection, secret: &Secret, now: Timestamp) -> Result<Option<Bearer>> {
    let row = sqlx::query!(
        "SELECT t.id, t.organization_id, t.account_id, t.name, t.hint, t.scopes, t.created_at, t.expires_at, t.last_used_at,
                a.name AS account_name, a.email, a.locale, a.email_confirmed_at, a.password_changed_at, a.email_changed_at,
                a.created_at AS account_created_at, m.role, o.name AS organization_name,
                o.personal_of IS NOT NULL AS \"personal!\"
         FROM api_tokens t
         JOIN accounts a ON a.id = t.account_id
         JOIN memberships m ON m.account_id = t.account_id AND m.organization_id = t.organization_id
         JOIN organizations o ON o.id = t.organization_id
         WHERE t.secret_hash = $1 AND t.revoked_at IS NULL AND t.expires_at > $2 AND a.deleted_at IS NULL",
        secret.hash(),
        now.to_sqlx(),
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let account = account::Row {
        id: row.account_id,
        email: row.email,
        name: row.account_name.clone(),
        locale: row.locale,
        email_confirmed_at: row.email_confirmed_at,
        password_changed_at: row.password_changed_at,
        email_changed_at: row.email_changed_at,
        created_at: row.account_created_at,
    };
    let token = Row {
        id: row.id,
        organization_id: row.organization_id,
        account_id: row.account_id,
        account_name: row.account_name,
        name: row.name,
        hint: row.hint,
        scopes: row.scopes,
        created_at: row.created_at,
        expires_at: row.expires_at,
        last_used_at: row.last_used_at,
    };
    let membership = Membership {
        organization: row.organization_id.into(),
        name: row.organization_name,
        personal: row.personal,
        role: word("memberships", TokenId::from(row.id), &row.role)?,
    };
    Ok(Some(Bearer { token: token.try_into()?, account: account.try_into()?, membership }))
}

/// Writes down that a token was used.
///
/// # Errors
/// When the database refuses.
pub async fn used(connection: &mut PgConnection, id: TokenId, at: Timestamp) -> Result<()> {
    sqlx::query!("UPDATE api_tokens SET last_used_at = $2 WHERE id = $1", id.uuid(), at.to_sqlx())
        .execute(connection)
        .await?;
    Ok(())
}

/// Revokes a token of an organization, of one person or of whomever. Its name, if there was one to revoke.
///
/// # Errors
/// When the database refuses.
pub async fn revoke(
    connection: &mut PgConnection,
    organization: OrganizationId,
    account: Option<AccountId>,
    id: TokenId,
    at: Timestamp,
) -> Result<Option<String>> {
    let name = sqlx::query_scalar!(
        "UPDATE api_tokens SET revoked_at = $4
         WHERE id = $1 AND organization_id = $2 AND ($3::uuid IS NULL OR account_id = $3) AND revoked_at IS NULL
         RETURNING name",
        id.uuid(),
        organization.uuid(),
        account.map(AccountId::uuid),
        at.to_sqlx(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(name)
}

/// Revokes all tokens of a person, wherever they act.
///
/// # Errors
/// When the database refuses.
pub async fn revoke_all(connection: &mut PgConnection, account: AccountId, at: Timestamp) -> Result<()> {
    sqlx::query!(
        "UPDATE api_tokens SET revoked_at = $2 WHERE account_id = $1 AND revoked_at IS NULL",
        account.uuid(),
        at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(())
}
