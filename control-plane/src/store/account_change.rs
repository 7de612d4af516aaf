//! Changes to accounts on servers, asked for from the dashboard.

mod observed;

use domain::id::{AccountChangeId, InstanceId, OperationId};
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as Stored, ToSqlx as _};
use names::Handle;
use sqlx::PgConnection;

pub use observed::{Changed, Seen, observe};

use super::work::{Phase, work};
use super::{Error, Result, word};

const TABLE: &str = "account_changes";

/// What is done to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is made, with a new password.
    Add,
    /// It gets a new password.
    Reset,
    /// It is removed with all it posted.
    Remove,
}

impl Action {
    /// The stable word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Reset => "reset",
            Self::Remove => "remove",
        }
    }

    /// Whether a password comes back.
    #[must_use]
    pub const fn makes_password(self) -> bool {
        match self {
            Self::Add | Self::Reset => true,
            Self::Remove => false,
        }
    }

    fn parse(row: AccountChangeId, text: &str) -> Result<Self> {
        match text {
            "add" => Ok(Self::Add),
            "reset" => Ok(Self::Reset),
            "remove" => Ok(Self::Remove),
            other => Err(Error::corrupt(TABLE, row, format!("no action is called {other}"))),
        }
    }
}

impl From<Action> for crd::AccountAction {
    fn from(action: Action) -> Self {
        match action {
            Action::Add => Self::Add,
            Action::Reset => Self::ResetLogin,
            Action::Remove => Self::Remove,
        }
    }
}

/// A change to an account on a server.
#[derive(Debug, Clone)]
pub struct AccountChange {
    /// Its id.
    pub id: AccountChangeId,
    /// On which server.
    pub instance: InstanceId,
    /// What carries it out.
    pub operation: Option<OperationId>,
    /// The name of its object in the cell.
    pub object_name: String,
    /// The uid of that; none before it was seen.
    pub object_uid: Option<String>,
    /// What is done.
    pub action: Action,
    /// To which account.
    pub handle: Handle,
    /// Where it stands.
    pub phase: Phase,
    /// The same as a sentence.
    pub message: String,
    /// How it goes, as the cell said last.
    pub work: crd::WorkStatus,
    /// Our one-time key for the new password, sealed; gone once that was shown.
    pub claim_key_sealed: Option<Vec<u8>>,
    /// The new password, sealed to that key.
    pub claim_answer: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was done or given up.
    pub finished_at: Option<Timestamp>,
}

#[derive(Debug)]
struct Row {
    id: uuid::Uuid,
    instance_id: uuid::Uuid,
    operation_id: Option<uuid::Uuid>,
    object_name: String,
    object_uid: Option<String>,
    action: String,
    handle: String,
    phase: String,
    message: String,
    work: serde_json::Value,
    claim_key_sealed: Option<Vec<u8>>,
    claim_answer: Option<String>,
    created_at: Stored,
    finished_at: Option<Stored>,
    #[expect(dead_code, reason = "all columns are read; this one is compared by the database")]
    observed_digest: Option<Vec<u8>>,
}

impl TryFrom<Row> for AccountChange {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let id = AccountChangeId::from(row.id);
        Ok(Self {
            id,
            instance: row.instance_id.into(),
            operation: row.operation_id.map(Into::into),
            object_name: row.object_name,
            object_uid: row.object_uid,
            action: Action::parse(id, &row.action)?,
            handle: word(TABLE, id, &row.handle)?,
            phase: Phase::parse(TABLE, id, &row.phase)?,
            message: row.message,
            work: work(TABLE, id, row.work)?,
            claim_key_sealed: row.claim_key_sealed,
            claim_answer: row.claim_answer,
            created_at: row.created_at.to_jiff(),
            finished_at: row.finished_at.map(Stored::to_jiff),
        })
    }
}

/// A change that is asked for.
#[derive(Debug)]
pub struct New<'a> {
    /// Its id; its object is named after it.
    pub id: AccountChangeId,
    /// On which server.
    pub instance: InstanceId,
    /// What will carry it out.
    pub operation: OperationId,
    /// What is to be done.
    pub action: Action,
    /// To which account.
    pub handle: &'a Handle,
    /// Our one-time key for the new password, sealed; needed unless the account is removed.
    pub claim_key_sealed: Option<&'a [u8]>,
    /// Now.
    pub at: Timestamp,
}

/// Adds a change that is asked for.
///
/// # Errors
/// When the database refuses.
pub async fn insert(connection: &mut PgConnection, new: &New<'_>) -> Result<()> {
    sqlx::query!(
        "INSERT INTO account_changes (id, instance_id, operation_id, object_name, action, handle, phase, claim_key_sealed, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, 'pending', $7, $8)",
        new.id.uuid(),
        new.instance.uuid(),
        new.operation.uuid(),
        new.id.object_name(),
        new.action.as_str(),
        new.handle.as_str(),
        new.claim_key_sealed,
        new.at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// One change.
///
/// # Errors
/// When the database refuses.
pub async fn find(connection: &mut PgConnection, id: AccountChangeId) -> Result<Option<AccountChange>> {
    let row = sqlx::query_as!(Row, "SELECT * FROM account_changes WHERE id = $1", id.uuid())
        .fetch_optional(connection)
        .await?;
    row.map(AccountChange::try_from).transpose()
}

/// The changes on a server, newest first, from the one after `after` on. One that was not asked for here gets its id when it
/// is first seen, so that ids are not in the order in which changes were made.
///
/// # Errors
/// When the database refuses.
pub async fn page_of(
    connection: &mut PgConnection,
    instance: InstanceId,
    after: Option<AccountChangeId>,
    limit: i64,
) -> Result<Vec<AccountChange>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT * FROM account_changes e WHERE instance_id = $1
            AND ($2::uuid IS NULL OR (e.created_at, e.id) <
                 (SELECT c.created_at, c.id FROM account_changes c WHERE c.id = $2 AND c.instance_id = $1))
         ORDER BY created_at DESC, id DESC LIMIT $3",
        instance.uuid(),
        after.map(AccountChangeId::uuid),
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(AccountChange::try_from).collect()
}

/// Forgets the new password: it was shown. What was there, if anything.
///
/// # Errors
/// When the database refuses.
pub async fn take_claim(connection: &mut PgConnection, id: AccountChangeId) -> Result<Option<(Vec<u8>, String)>> {
    let row = sqlx::query!(
        "WITH held AS (SELECT id, claim_key_sealed, claim_answer FROM account_changes WHERE id = $1 FOR UPDATE)
         UPDATE account_changes c SET claim_key_sealed = NULL, claim_answer = NULL FROM held
         WHERE c.id = held.id AND held.claim_key_sealed IS NOT NULL AND held.claim_answer IS NOT NULL
         RETURNING held.claim_key_sealed, held.claim_answer",
        id.uuid(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.and_then(|row| row.claim_key_sealed.zip(row.claim_answer)))
}

/// Writes down that a change will not be made, because asking for it was given up before the cell knew of it.
///
/// # Errors
/// When the database refuses.
pub async fn fail_unmade(
    connection: &mut PgConnection,
    id: AccountChangeId,
    message: &str,
    at: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "UPDATE account_changes SET phase = 'failed', message = $2, finished_at = $3 WHERE id = $1 AND object_uid IS NULL AND phase = 'pending'",
        id.uuid(),
        message,
        at.to_sqlx(),
    )
    .execute(connection)
    .await?;
    Ok(())
}
