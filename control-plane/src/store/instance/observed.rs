//! What observers write of servers.

use domain::id::{CellId, InstanceId, OrganizationId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use names::Revision;
use sqlx::PgConnection;

use super::Instance;
use super::row::Row;
use crate::store::Result;

/// What was seen of a server's object.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Its name.
    pub object_name: String,
    /// Its uid.
    pub uid: String,
    /// A hash of uid, generation and status: when it is the same, nothing has changed.
    pub digest: Vec<u8>,
    /// The last wish that was carried out in full.
    pub revision: Option<Revision>,
    /// The mode in force.
    pub mode: Option<crd::Mode>,
    /// What is true of it.
    pub conditions: serde_json::Value,
    /// Where people open it.
    pub address: Option<String>,
    /// The newest complete bundle.
    pub last_export: Option<(String, Timestamp)>,
    /// The owner's first password, sealed to our one-time key.
    pub claim: Option<String>,
}

/// A server that has changed as far as we can see.
#[derive(Debug, Clone, Copy)]
pub struct Changed {
    /// Which one.
    pub id: InstanceId,
    /// Whose it is.
    pub organization: OrganizationId,
}

/// Writes what was seen of a cell's servers, in one statement. Those of which nothing has changed are left alone and not
/// returned; objects that are none of our rows are passed over. A password is kept only while we still hold its key, and the
/// first answer stays.
///
/// # Errors
/// When the database refuses.
pub async fn observe(connection: &mut PgConnection, cell: CellId, seen: &[Seen]) -> Result<Vec<Changed>> {
    let names: Vec<String> = seen.iter().map(|one| one.object_name.clone()).collect();
    let uids: Vec<String> = seen.iter().map(|one| one.uid.clone()).collect();
    let digests: Vec<Vec<u8>> = seen.iter().map(|one| one.digest.clone()).collect();
    let revisions: Vec<Option<i64>> = seen.iter().map(|one| one.revision.map(|revision| revision.0)).collect();
    let modes: Vec<Option<String>> = seen.iter().map(|one| one.mode.map(|mode| mode.as_str().to_owned())).collect();
    let conditions: Vec<serde_json::Value> = seen.iter().map(|one| one.conditions.clone()).collect();
    let addresses: Vec<Option<String>> = seen.iter().map(|one| one.address.clone()).collect();
    let exports: Vec<Option<String>> =
        seen.iter().map(|one| one.last_export.as_ref().map(|last| last.0.clone())).collect();
    let exported: Vec<Option<jiff_sqlx::Timestamp>> =
        seen.iter().map(|one| one.last_export.as_ref().map(|last| last.1.to_sqlx())).collect();
    let claims: Vec<Option<String>> = seen.iter().map(|one| one.claim.clone()).collect();
    let rows = sqlx::query!(
        "UPDATE instances i SET object_uid = s.uid, observed_digest = s.digest, observed_revision = s.revision,
                observed_mode = s.mode, conditions = s.conditions, address = s.address,
                last_export_digest = coalesce(s.export, i.last_export_digest), last_export_at = coalesce(s.exported, i.last_export_at),
                claim_answer = CASE WHEN i.claim_key_sealed IS NULL THEN NULL ELSE coalesce(i.claim_answer, s.claim) END
         FROM unnest($2::text[], $3::text[], $4::bytea[], $5::bigint[], $6::text[], $7::jsonb[], $8::text[], $9::text[],
                     $10::timestamptz[], $11::text[])
              AS s (name, uid, digest, revision, mode, conditions, address, export, exported, claim)
         WHERE i.cell_id = $1 AND i.object_name = s.name AND i.observed_digest IS DISTINCT FROM s.digest
         RETURNING i.id, i.organization_id",
        cell.uuid(),
        &names,
        &uids,
        &digests,
        &revisions as &[Option<i64>],
        &modes as &[Option<String>],
        &conditions,
        &addresses as &[Option<String>],
        &exports as &[Option<String>],
        &exported as &[Option<jiff_sqlx::Timestamp>],
        &claims as &[Option<String>],
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| Changed { id: row.id.into(), organization: row.organization_id.into() }).collect())
}

/// The number of the last wish of each server in a cell, by the name of its object: a cell whose objects have later ones
/// belongs to a newer database than this one.
///
/// # Errors
/// When the database refuses.
pub async fn revisions(
    connection: &mut PgConnection,
    cell: CellId,
    names: &[String],
) -> Result<Vec<(InstanceId, String, Revision)>> {
    let rows = sqlx::query!(
        "SELECT id, object_name, revision FROM instances WHERE cell_id = $1 AND object_name = ANY ($2)",
        cell.uuid(),
        names,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id.into(), row.object_name, Revision(row.revision))).collect())
}

/// The names of the objects of a cell's servers that were seen there and not purged.
///
/// # Errors
/// When the database refuses.
pub async fn seen_names(connection: &mut PgConnection, cell: CellId) -> Result<Vec<String>> {
    let names = sqlx::query_scalar!(
        "SELECT object_name FROM instances WHERE cell_id = $1 AND object_uid IS NOT NULL AND purged_at IS NULL",
        cell.uuid(),
    )
    .fetch_all(connection)
    .await?;
    Ok(names)
}

/// The server in a cell whose object has a name, locked until the transaction ends.
///
/// # Errors
/// When the database refuses.
pub async fn lock_named(connection: &mut PgConnection, cell: CellId, name: &str) -> Result<Option<Instance>> {
    let row = sqlx::query_as!(
        Row,
        "SELECT * FROM instances WHERE cell_id = $1 AND object_name = $2 FOR UPDATE",
        cell.uuid(),
        name,
    )
    .fetch_optional(connection)
    .await?;
    row.map(Instance::try_from).transpose()
}

/// Forgets what was seen of a server whose object is gone.
///
/// # Errors
/// When the database refuses.
pub async fn vanished(connection: &mut PgConnection, id: InstanceId) -> Result<()> {
    sqlx::query!(
        "UPDATE instances SET object_uid = NULL, observed_digest = NULL, observed_revision = NULL, observed_mode = NULL, conditions = '[]'
         WHERE id = $1",
        id.uuid(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes down that a server's data were destroyed. Whether that is new.
///
/// # Errors
/// When the database refuses.
pub async fn set_purged(connection: &mut PgConnection, id: InstanceId, at: Timestamp) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE instances SET purged_at = $2, claim_key_sealed = NULL, claim_answer = NULL WHERE id = $1 AND purged_at IS NULL",
        id.uuid(),
        at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}
