//! What observers write of bundles.

use domain::id::{CellId, ExportId, InstanceId, OrganizationId};
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as Stored, ToSqlx as _};
use sqlx::PgConnection;

use super::{Bundle, Reason};
use crate::store::Result;
use crate::store::work::Phase;

/// What was seen of a bundle's object.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Its name.
    pub object_name: String,
    /// Its uid.
    pub uid: String,
    /// The name of its server's object.
    pub instance_name: String,
    /// A hash of uid, generation and status.
    pub digest: Vec<u8>,
    /// Why it is made.
    pub reason: Reason,
    /// To whose key.
    pub recipient: Option<String>,
    /// How it goes.
    pub work: crd::WorkStatus,
    /// What was made.
    pub bundle: Option<Bundle>,
    /// The bundle's own key, and the recipient it is sealed to.
    pub claim: Option<(String, String)>,
    /// When its objects were removed.
    pub expired_at: Option<Timestamp>,
    /// When its object was made.
    pub created_at: Timestamp,
}

/// A bundle that has changed as far as we can see.
#[derive(Debug, Clone, Copy)]
pub struct Changed {
    /// Which one.
    pub id: ExportId,
    /// Of which server.
    pub instance: InstanceId,
    /// Whose that is.
    pub organization: OrganizationId,
    /// Where it stands.
    pub phase: Phase,
}

/// Makes a row for a bundle that was made without us (every night, or by somebody in the cell). Repeats change nothing.
///
/// # Errors
/// When the database refuses.
pub async fn adopt(connection: &mut PgConnection, cell: CellId, id: ExportId, seen: &Seen) -> Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO exports (id, instance_id, object_name, object_uid, reason, recipient, phase, created_at)
         SELECT $1, i.id, $4, $5, $6, $7, 'pending', $8 FROM instances i WHERE i.cell_id = $2 AND i.object_name = $3
         ON CONFLICT (object_name) DO NOTHING",
        id.uuid(),
        cell.uuid(),
        seen.instance_name,
        seen.object_name,
        seen.uid,
        seen.reason.as_str(),
        seen.recipient,
        seen.created_at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Which of these names have no row yet.
///
/// # Errors
/// When the database refuses.
pub async fn unknown(connection: &mut PgConnection, names: &[String]) -> Result<Vec<String>> {
    let rows = sqlx::query_scalar!(
        "SELECT name AS \"name!\" FROM unnest($1::text[]) AS s (name)
         WHERE NOT EXISTS (SELECT 1 FROM exports WHERE object_name = s.name)",
        names,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows)
}

/// Writes what was seen of one bundle. None when nothing has changed. A key is kept only while the key of ours that it is for
/// waits for it: `claim` is that one, sealed, and what was answered to it. Meanwhile it may have been asked for anew.
///
/// # Errors
/// When the database refuses.
pub async fn observe(
    connection: &mut PgConnection,
    cell: CellId,
    seen: &Seen,
    claim: Option<&(Vec<u8>, String)>,
) -> Result<Option<Changed>> {
    let phase = Phase::from(seen.work.phase);
    let bundle = seen.bundle.as_ref();
    let row = sqlx::query!(
        "UPDATE exports e SET object_uid = $3, observed_digest = $4, phase = $5, message = $6, work = $7, prefix = $8,
                manifest_digest = $9, bytes = $10, parts = $11, stopped_seconds = $12, finished_at = $13, expired_at = $14,
                recipient = coalesce(e.recipient, $15),
                claim_answer = CASE WHEN e.claim_key_sealed IS NULL THEN NULL
                                    WHEN e.claim_key_sealed = $17 THEN $16 ELSE e.claim_answer END
         FROM instances i
         WHERE e.object_name = $2 AND i.id = e.instance_id AND i.cell_id = $1 AND e.observed_digest IS DISTINCT FROM $4
         RETURNING e.id, e.instance_id, i.organization_id",
        cell.uuid(),
        seen.object_name,
        seen.uid,
        seen.digest,
        phase.as_str(),
        seen.work.message,
        serde_json::to_value(&seen.work).unwrap_or_default(),
        bundle.map(|bundle| bundle.prefix.as_str()),
        bundle.map(|bundle| bundle.manifest_digest.as_str()),
        bundle.map(|bundle| i64::try_from(bundle.bytes).unwrap_or(i64::MAX)),
        bundle.map(|bundle| i32::try_from(bundle.parts).unwrap_or(i32::MAX)),
        bundle.map(|bundle| i32::try_from(bundle.stopped_seconds).unwrap_or(i32::MAX)),
        seen.work.finished_at.map(|time| time.to_sqlx()) as Option<Stored>,
        seen.expired_at.map(|time| time.to_sqlx()) as Option<Stored>,
        seen.recipient,
        claim.map(|(_, answer)| answer.as_str()),
        claim.map(|(key, _)| key.as_slice()),
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Changed {
        id: row.id.into(),
        instance: row.instance_id.into(),
        organization: row.organization_id.into(),
        phase,
    }))
}

/// Our one-time key for a bundle's own key, sealed, if we wait for an answer.
///
/// # Errors
/// When the database refuses.
pub async fn awaited_key(connection: &mut PgConnection, object_name: &str) -> Result<Option<Vec<u8>>> {
    let key = sqlx::query_scalar!(
        "SELECT claim_key_sealed FROM exports WHERE object_name = $1 AND claim_answer IS NULL",
        object_name,
    )
    .fetch_optional(connection)
    .await?;
    Ok(key.flatten())
}
