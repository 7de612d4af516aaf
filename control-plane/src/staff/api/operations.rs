//! Operations.

pub mod cancel;
pub mod list;
pub mod retry;
pub mod show;

use domain::id::{InstanceId, OperationId, OrganizationId};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::store;
use crate::store::operation::Operation;

/// An operation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StaffOperation)]
pub struct OperationBody {
    /// Its id.
    #[schema(value_type = String, example = "op_01kb0c9w40e8ar2xtk7c0h8v4f")]
    id: OperationId,
    /// What it does.
    #[schema(example = "instance.create")]
    kind: &'static str,
    /// To which server.
    #[schema(value_type = String)]
    instance: InstanceId,
    /// Whose that is.
    #[schema(value_type = Option<String>)]
    organization: Option<OrganizationId>,
    /// Where it stands.
    #[schema(example = "failed")]
    state: &'static str,
    /// The step it is at.
    step: String,
    /// How far it is, 0 to 100.
    percent: u8,
    /// How many tries have been begun.
    attempt: u32,
    /// Why it waits or was given up, a stable word.
    reason: Option<String>,
    /// The same as a sentence.
    message: String,
    /// Who asked for it.
    requested_by: String,
    /// What happened, oldest first.
    log: Vec<LineBody>,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
}

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StaffOperationLine)]
pub struct LineBody {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// A stable word for it.
    word: String,
    /// More about it.
    message: String,
}

impl From<Operation> for OperationBody {
    fn from(one: Operation) -> Self {
        let line = |line: store::operation::Line| LineBody { at: line.at, word: line.word, message: line.message };
        Self {
            id: one.id,
            kind: one.course.kind.as_str(),
            instance: one.subject.instance(),
            organization: one.organization,
            state: one.course.state.as_str(),
            reason: one.course.state.reason().map(str::to_owned),
            step: one.course.step,
            percent: one.course.percent,
            attempt: one.course.attempt,
            message: one.message,
            requested_by: one.requested_by,
            log: one.log.into_iter().map(line).collect(),
            created_at: one.created_at,
            finished_at: one.finished_at,
        }
    }
}

async fn read(platform: &Platform, id: OperationId) -> Result<OperationBody, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let found = store::operation::find(&mut connection, id).await?;
    found.map(OperationBody::from).ok_or(Problem::new(Code::NotFound))
}
