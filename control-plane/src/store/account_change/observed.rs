//! What observers write of changes to accounts.

use domain::id::{AccountChangeId, CellId, InstanceId, OrganizationId};
use jiff_sqlx::{Timestamp as Stored, ToSqlx as _};
use sqlx::PgConnection;

use crate::store::Result;
use crate::store::work::Phase;

/// What was seen of a change's object.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Its name.
    pub object_name: String,
    /// Its uid.
    pub uid: String,
    /// A hash of uid, generation and status.
    pub digest: Vec<u8>,
    /// How it goes.
    pub work: crd::WorkStatus,
    /// The new password, sealed to our one-time key.
    pub claim: Option<String>,
}

/// A change that has gone on as far as we can see.
#[derive(Debug, Clone, Copy)]
pub struct Changed {
    /// Which one.
    pub id: AccountChangeId,
    /// On which server.
    pub instance: InstanceId,
    /// Whose that is.
    pub organization: OrganizationId,
    /// Where it stands.
    pub phase: Phase,
}

/// Writes what was seen of one change. None when nothing has changed, or when it is none of ours. A password is kept only
/// while we still hold its key.
///
/// # Errors
/// When the database refuses.
pub async fn observe(connection: &mut PgConnection, cell: CellId, seen: &Seen) -> Result<Option<Changed>> {
    let phase = Phase::from(seen.work.phase);
    let row = sqlx::query!(
        "UPDATE account_changes c SET object_uid = $3, observed_digest = $4, phase = $5, message = $6, work = $7, finished_at = $8,
                claim_answer = CASE WHEN c.claim_key_sealed IS NULL THEN NULL ELSE coalesce(c.claim_answer, $9) END
         FROM instances i
         WHERE c.object_name = $2 AND i.id = c.instance_id AND i.cell_id = $1 AND c.observed_digest IS DISTINCT FROM $4
         RETURNING c.id, c.instance_id, i.organization_id",
        cell.uuid(),
        seen.object_name,
        seen.uid,
        seen.digest,
        phase.as_str(),
        seen.work.message,
        serde_json::to_value(&seen.work).unwrap_or_default(),
        seen.work.finished_at.map(|time| time.to_sqlx()) as Option<Stored>,
        seen.claim,
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
