//! Bundles: the record of each that was asked for or found in a cell.

mod observed;

use domain::id::{ExportId, InstanceId, OperationId};
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as Stored, ToSqlx as _};
use sqlx::PgConnection;

pub use observed::{Changed, Seen, adopt, awaited_key, observe, unknown};

use super::work::{Phase, work};
use super::{Error, Result};

const TABLE: &str = "exports";

/// Why a bundle is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Somebody asked for it.
    Requested,
    /// It was night.
    Nightly,
    /// The server closes.
    Final,
}

impl Reason {
    /// The stable word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Nightly => "nightly",
            Self::Final => "final",
        }
    }

    fn parse(row: ExportId, text: &str) -> Result<Self> {
        match text {
            "requested" => Ok(Self::Requested),
            "nightly" => Ok(Self::Nightly),
            "final" => Ok(Self::Final),
            other => Err(Error::corrupt(TABLE, row, format!("no reason is called {other}"))),
        }
    }
}

impl From<crd::ExportReason> for Reason {
    fn from(reason: crd::ExportReason) -> Self {
        match reason {
            crd::ExportReason::Requested => Self::Requested,
            crd::ExportReason::Nightly => Self::Nightly,
            crd::ExportReason::Final => Self::Final,
        }
    }
}

impl From<Reason> for crd::ExportReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Requested => Self::Requested,
            Reason::Nightly => Self::Nightly,
            Reason::Final => Self::Final,
        }
    }
}

/// A bundle, or the try to make one.
#[derive(Debug, Clone)]
pub struct Export {
    /// Its id.
    pub id: ExportId,
    /// Of which server.
    pub instance: InstanceId,
    /// What makes it; none for nightly ones.
    pub operation: Option<OperationId>,
    /// The name of its object in the cell.
    pub object_name: String,
    /// The uid of that; none before it was seen.
    pub object_uid: Option<String>,
    /// Why it is made.
    pub reason: Reason,
    /// To whose key it is encrypted; none when it has a key of its own.
    pub recipient: Option<String>,
    /// Where it stands.
    pub phase: Phase,
    /// The same as a sentence.
    pub message: String,
    /// How it goes, as the cell said last.
    pub work: crd::WorkStatus,
    /// Our one-time key for the bundle's own key, sealed.
    pub claim_key_sealed: Option<Vec<u8>>,
    /// The bundle's own key, sealed to that.
    pub claim_answer: Option<String>,
    /// What was made.
    pub bundle: Option<Bundle>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was done or given up.
    pub finished_at: Option<Timestamp>,
    /// When its objects were removed.
    pub expired_at: Option<Timestamp>,
}

/// A complete bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Where its objects are in the cell's store; ends in `/`.
    pub prefix: String,
    /// SHA-256 of its manifest, hex.
    pub manifest_digest: String,
    /// Sum of the parts' sizes.
    pub bytes: u64,
    /// Number of parts.
    pub parts: u32,
    /// For how many seconds the server was stopped.
    pub stopped_seconds: u32,
}

#[derive(Debug)]
struct Row {
    id: uuid::Uuid,
    instance_id: uuid::Uuid,
    operation_id: Option<uuid::Uuid>,
    object_name: String,
    object_uid: Option<String>,
    reason: String,
    recipient: Option<String>,
    phase: String,
    message: String,
    work: serde_json::Value,
    claim_key_sealed: Option<Vec<u8>>,
    claim_answer: Option<String>,
    prefix: Option<String>,
    manifest_digest: Option<String>,
    bytes: Option<i64>,
    parts: Option<i32>,
    stopped_seconds: Option<i32>,
    created_at: Stored,
    finished_at: Option<Stored>,
    expired_at: Option<Stored>,
    #[expect(dead_code, reason = "all columns are read; this one is compared by the database")]
    observed_digest: Option<Vec<u8>>,
}

impl TryFrom<Row> for Export {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let id = ExportId::from(row.id);
        let bundle = row.prefix.zip(row.manifest_digest).map(|(prefix, manifest_digest)| Bundle {
            prefix,
            manifest_digest,
            bytes: row.bytes.unwrap_or(0).try_into().unwrap_or(0),
            parts: row.parts.unwrap_or(0).try_into().unwrap_or(0),
            stopped_seconds: row.stopped_seconds.unwrap_or(0).try_into().unwrap_or(0),
        });
        Ok(Self {
            id,
            instance: row.instance_id.into(),
            operation: row.operation_id.map(Into::into),
            object_name: row.object_name,
            object_uid: row.object_uid,
            reason: Reason::parse(id, &row.reason)?,
            recipient: row.recipient,
            phase: Phase::parse(TABLE, id, &row.phase)?,
            message: row.message,
            work: work(TABLE, id, row.work)?,
            claim_key_sealed: row.claim_key_sealed,
            claim_answer: row.claim_answer,
            bundle,
            created_at: row.created_at.to_jiff(),
            finished_at: row.finished_at.map(Stored::to_jiff),
            expired_at: row.expired_at.map(Stored::to_jiff),
        })
    }
}

/// A bundle to be made.
#[derive(Debug)]
pub struct New<'a> {
    /// Its id; its object is named after it.
    pub id: ExportId,
    /// Of which server.
    pub instance: InstanceId,
    /// What will make it.
    pub operation: OperationId,
    /// Why.
    pub reason: Reason,
    /// To whose key.
    pub recipient: Option<&'a str>,
    /// Now.
    pub at: Timestamp,
}

/// Adds a bundle to be made.
///
/// # Errors
/// When the database refuses.
pub async fn insert(connection: &mut PgConnection, new: &New<'_>) -> Result<()> {
    sqlx::query!(
        "INSERT INTO exports (id, instance_id, operation_id, object_name, reason, recipient, phase, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, 'pending', $7)",
        new.id.uuid(),
        new.instance.uuid(),
        new.operation.uuid(),
        new.id.object_name(),
        new.reason.as_str(),
        new.recipient,
        new.at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// One bundle.
///
/// # Errors
/// When the database refuses.
pub async fn find(connection: &mut PgConnection, id: ExportId) -> Result<Option<Export>> {
    let row = sqlx::query_as!(Row, "SELECT * FROM exports WHERE id = $1", id.uuid()).fetch_optional(connection).await?;
    row.map(Export::try_from).transpose()
}

/// The bundles of a server, newest first, from the one after `after` on. Nightly ones get their ids when they are first seen,
/// so that ids are not in the order in which bundles were made.
///
/// # Errors
/// When the database refuses.
pub async fn page_of(
    connection: &mut PgConnection,
    instance: InstanceId,
    after: Option<ExportId>,
    limit: i64,
) -> Result<Vec<Export>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT * FROM exports e WHERE instance_id = $1
            AND ($2::uuid IS NULL
                 OR (e.created_at, e.id) < (SELECT c.created_at, c.id FROM exports c WHERE c.id = $2 AND c.instance_id = $1))
         ORDER BY created_at DESC, id DESC LIMIT $3",
        instance.uuid(),
        after.map(ExportId::uuid),
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Export::try_from).collect()
}

/// The newest bundle that an operation makes.
///
/// # Errors
/// When the database refuses.
pub async fn of_operation(connection: &mut PgConnection, operation: OperationId) -> Result<Option<Export>> {
    let row = sqlx::query_as!(
        Row,
        "SELECT * FROM exports WHERE operation_id = $1 ORDER BY created_at DESC, id DESC LIMIT 1",
        operation.uuid(),
    )
    .fetch_optional(connection)
    .await?;
    row.map(Export::try_from).transpose()
}

/// Asks for the bundle's own key: a one-time key of ours, sealed. An operation of kind `instance.export` with this bundle as
/// its subject passes it on. A question that is open already is replaced.
///
/// # Errors
/// When the database refuses.
pub async fn ask_key(connection: &mut PgConnection, id: ExportId, claim_key_sealed: &[u8]) -> Result<()> {
    sqlx::query!(
        "UPDATE exports SET claim_key_sealed = $2, claim_answer = NULL, observed_digest = NULL WHERE id = $1",
        id.uuid(),
        claim_key_sealed,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets the bundle's own key: it was handed over. What was there, if anything.
///
/// # Errors
/// When the database refuses.
pub async fn take_key(connection: &mut PgConnection, id: ExportId) -> Result<Option<(Vec<u8>, String)>> {
    let row = sqlx::query!(
        "WITH held AS (SELECT id, claim_key_sealed, claim_answer FROM exports WHERE id = $1 FOR UPDATE)
         UPDATE exports e SET claim_key_sealed = NULL, claim_answer = NULL FROM held
         WHERE e.id = held.id AND held.claim_key_sealed IS NOT NULL AND held.claim_answer IS NOT NULL
         RETURNING held.claim_key_sealed, held.claim_answer",
        id.uuid(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.and_then(|row| row.claim_key_sealed.zip(row.claim_answer)))
}

/// Writes down that a bundle will not be made, because asking for it was given up before the cell knew of it.
///
/// # Errors
/// When the database refuses.
pub async fn fail_unmade(connection: &mut PgConnection, id: ExportId, message: &str, at: Timestamp) -> Result<()> {
    sqlx::query!(
        "UPDATE exports SET phase = 'failed', message = $2, finished_at = $3 WHERE id = $1 AND object_uid IS NULL AND phase = 'pending'",
        id.uuid(),
        message,
        at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(())
}
