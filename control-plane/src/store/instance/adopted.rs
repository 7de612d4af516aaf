//! Servers that were found in a cell.

use domain::id::{CellId, InstanceId, OfferId, OrganizationId};
use domain::{Email, Entitlement};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use names::Revision;
use sqlx::PgConnection;

use crate::store::Result;

/// A server that was found in a cell.
#[derive(Debug)]
pub struct Adopted<'a> {
    /// Its id from now on.
    pub id: InstanceId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// Where it was found.
    pub cell: CellId,
    /// What it counts as having been ordered.
    pub offer: OfferId,
    /// The name of its object there, which it keeps.
    pub object_name: &'a str,
    /// What it is.
    pub spec: &'a crd::InstanceSpec,
    /// Where its owner reads mail.
    pub owner_email: &'a Email,
    /// What money allows.
    pub entitlement: Entitlement,
    /// Whether it has been ready.
    pub ready: bool,
    /// Now.
    pub at: Timestamp,
}

/// Adds a server that was found in a cell.
///
/// # Errors
/// With constraint `instances_object_name_key` when it is known, and `instances_hostname_key` when its name has another one.
pub async fn adopt(connection: &mut PgConnection, new: &Adopted<'_>) -> Result<()> {
    let spec = new.spec;
    sqlx::query!(
        "INSERT INTO instances (id, organization_id, cell_id, offer_id, object_name, hostname, flavour, software_version, size,
                                owner_handle, owner_email, title, description, contact_email, export_recipient, entitlement,
                                revision, ready_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
        new.id.uuid(),
        new.organization.uuid(),
        new.cell.uuid(),
        new.offer.uuid(),
        new.object_name,
        spec.hostname.as_str(),
        spec.flavour.as_str(),
        spec.version.as_str(),
        spec.size.as_str(),
        spec.owner.handle.as_str(),
        new.owner_email.as_str(),
        spec.settings.title,
        spec.settings.description,
        spec.settings.contact_email,
        spec.exports.recipient,
        new.entitlement.as_str(),
        spec.revision.map_or(0, |revision| revision.0),
        new.ready.then(|| new.at.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        new.at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes over the number of a wish that the cell has and this database does not. Whether it was behind.
///
/// # Errors
/// When the database refuses.
pub async fn catch_up(
    connection: &mut PgConnection,
    cell: CellId,
    object_name: &str,
    revision: Revision,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE instances SET revision = $3 WHERE cell_id = $1 AND object_name = $2 AND revision < $3",
        cell.uuid(),
        object_name,
        revision.0,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}
