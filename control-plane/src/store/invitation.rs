//! Invitations to an organization, sent by mail. Each works once, for whoever reads that address.

use domain::id::{AccountId, InvitationId, OrganizationId};
use domain::{Email, Role};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;

use super::{Result, word};
use crate::auth::secret::Secret;

/// An invitation that nobody has accepted yet.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// Where to.
    pub organization: OrganizationId,
    /// What that is called.
    pub organization_name: String,
    /// Whom: the reader of this address.
    pub email: Email,
    /// As what.
    pub role: Role,
    /// By whom.
    pub invited_by: AccountId,
    /// What they are called.
    pub inviter: String,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// A new invitation.
#[derive(Debug)]
pub struct New<'a> {
    /// Its id.
    pub id: InvitationId,
    /// Where to.
    pub organization: OrganizationId,
    /// Whom.
    pub email: &'a Email,
    /// As what.
    pub role: Role,
    /// What the mailed link holds.
    pub secret: &'a Secret,
    /// By whom.
    pub invited_by: AccountId,
    /// Now.
    pub at: Timestamp,
    /// When it stops working.
    pub expires_at: Timestamp,
}

struct Row {
    id: uuid::Uuid,
    organization_id: uuid::Uuid,
    organization_name: String,
    email: String,
    role: String,
    invited_by: uuid::Uuid,
    inviter: String,
    expires_at: jiff_sqlx::Timestamp,
}

impl TryFrom<Row> for Invitation {
    type Error = super::Error;

    fn try_from(row: Row) -> Result<Self> {
        let id = InvitationId::from(row.id);
        Ok(Self {
            id,
            organization: row.organization_id.into(),
            organization_name: row.organization_name,
            email: word("invitations", id, &row.email)?,
            role: word("invitations", id, &row.role)?,
            invited_by: row.invited_by.into(),
            inviter: row.inviter,
            expires_at: row.expires_at.to_jiff(),
        })
    }
}

/// Adds an invitation. One to the same address that has run out makes room.
///
/// # Errors
/// With constraint `invitations_open` when there is one that has not.
pub async fn insert(connection: &mut PgConnection, new: &New<'_>) -> Result<()> {
    sqlx::query!(
        "UPDATE invitations SET revoked_at = $3 WHERE organization_id = $1 AND lower(email) = $2
         AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at <= $3",
        new.organization.uuid(),
        new.email.canonical(),
        new.at.to_sqlx(),
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "INSERT INTO invitations (id, organization_id, email, role, secret_hash, invited_by, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        new.id.uuid(),
        new.organization.uuid(),
        new.email.as_str(),
        new.role.as_str(),
        new.secret.hash(),
        new.invited_by.uuid(),
        new.at.to_sqlx(),
        new.expires_at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The open invitations of an organization, the newest first.
///
/// # Errors
/// When the database refuses.
pub async fn open(
    connection: &mut PgConnection,
    organization: OrganizationId,
    now: Timestamp,
) -> Result<Vec<Invitation>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT i.id, i.organization_id, o.name AS organization_name, i.email, i.role, i.invited_by, a.name AS inviter,
                i.expires_at
         FROM invitations i JOIN organizations o ON o.id = i.organization_id JOIN accounts a ON a.id = i.invited_by
         WHERE i.organization_id = $1 AND i.accepted_at IS NULL AND i.revoked_at IS NULL AND i.expires_at > $2
         ORDER BY i.id DESC",
        organization.uuid(),
        now.to_sqlx(),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Invitation::try_from).collect()
}

/// The open invitation that a link belongs to. Whoever changes one holds the lock of its organization.
///
/// # Errors
/// When the database refuses.
pub async fn with_secret(connection: &mut PgConnection, secret: &Secret, now: Timestamp) -> Result<Option<Invitation>> {
    let row = sqlx::query_as!(
        Row,
        "SELECT i.id, i.organization_id, o.name AS organization_name, i.email, i.role, i.invited_by, a.name AS inviter,
                i.expires_at
         FROM invitations i JOIN organizations o ON o.id = i.organization_id JOIN accounts a ON a.id = i.invited_by
         WHERE i.secret_hash = $1 AND i.accepted_at IS NULL AND i.revoked_at IS NULL AND i.expires_at > $2",
        secret.hash(),
        now.to_sqlx(),
    )
    .fetch_optional(connection)
    .await?;
    row.map(Invitation::try_from).transpose()
}

/// Uses an invitation up.
///
/// # Errors
/// When the database refuses.
pub async fn accept(connection: &mut PgConnection, id: InvitationId, at: Timestamp) -> Result<()> {
    sqlx::query!("UPDATE invitations SET accepted_at = $2 WHERE id = $1", id.uuid(), at.to_sqlx())
        .execute(connection)
        .await?;
    Ok(())
}

/// What an open invitation of an organization offers to whom.
///
/// # Errors
/// When the database refuses.
pub async fn find(
    connection: &mut PgConnection,
    organization: OrganizationId,
    id: InvitationId,
) -> Result<Option<(Email, Role)>> {
    let row = sqlx::query!(
        "SELECT email, role FROM invitations
         WHERE id = $1 AND organization_id = $2 AND accepted_at IS NULL AND revoked_at IS NULL",
        id.uuid(),
        organization.uuid(),
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| Ok((word("invitations", id, &row.email)?, word("invitations", id, &row.role)?))).transpose()
}

/// Takes an invitation back.
///
/// # Errors
/// When the database refuses.
pub async fn revoke(connection: &mut PgConnection, id: InvitationId, at: Timestamp) -> Result<()> {
    sqlx::query!("UPDATE invitations SET revoked_at = $2 WHERE id = $1", id.uuid(), at.to_sqlx())
        .execute(connection)
        .await?;
    Ok(())
}
