//! Rows to operations and back.

use domain::id::OperationId;
use domain::operation::{self, Kind, State, Subject};
use jiff::Timestamp;
use jiff_sqlx::Timestamp as Stored;
use names::Revision;

use super::{Line, Operation};
use crate::store::{Error, Result, word};

const TABLE: &str = "operations";

#[derive(Debug)]
pub(super) struct Row {
    pub id: uuid::Uuid,
    pub kind: String,
    pub organization_id: Option<uuid::Uuid>,
    pub instance_id: Option<uuid::Uuid>,
    pub subject_id: Option<uuid::Uuid>,
    #[expect(dead_code, reason = "all columns are read, this one follows from the subject")]
    pub concurrency_key: String,
    #[expect(dead_code, reason = "all columns are read, this one follows from the kind")]
    pub dependency: String,
    pub cell_id: Option<uuid::Uuid>,
    pub state: String,
    pub step: String,
    pub percent: i16,
    pub attempt: i32,
    pub reason: String,
    pub message: String,
    pub log: serde_json::Value,
    pub requested_by: String,
    pub revision: Option<i64>,
    pub cancel_asked: bool,
    #[expect(dead_code, reason = "all columns are read; this one is for the database alone")]
    pub woken: bool,
    pub run_at: Stored,
    pub lease_until: Option<Stored>,
    pub fence: i64,
    pub alarmed_at: Option<Stored>,
    pub created_at: Stored,
    pub started_at: Option<Stored>,
    pub finished_at: Option<Stored>,
}

impl Row {
    fn state(&self, id: OperationId) -> Result<State> {
        let run_at = self.run_at.to_jiff();
        let needed = |time: Option<Stored>, what: &str| {
            time.map(Stored::to_jiff).ok_or_else(|| Error::corrupt(TABLE, id, format!("{} without {what}", self.state)))
        };
        Ok(match self.state.as_str() {
            "queued" => State::Queued { run_at },
            "running" => State::Running { lease_until: needed(self.lease_until, "lease_until")? },
            "waiting" => State::Waiting { run_at, reason: self.reason.clone() },
            "succeeded" => State::Succeeded { at: needed(self.finished_at, "finished_at")? },
            "failed" => State::Failed { at: needed(self.finished_at, "finished_at")?, reason: self.reason.clone() },
            "cancelled" => State::Cancelled { at: needed(self.finished_at, "finished_at")? },
            other => return Err(Error::corrupt(TABLE, id, format!("no state is called {other}"))),
        })
    }

    fn subject(&self, id: OperationId, kind: Kind) -> Result<Subject> {
        let instance = self.instance_id.ok_or_else(|| Error::corrupt(TABLE, id, "it is about no server"))?.into();
        let subject = || self.subject_id.ok_or_else(|| Error::corrupt(TABLE, id, format!("{kind} without subject_id")));
        Ok(match kind {
            Kind::CreateInstance | Kind::ApplyInstance | Kind::CloseInstance | Kind::ReopenInstance => {
                Subject::Instance(instance)
            }
            Kind::Export => Subject::Export(instance, subject()?.into()),
            Kind::AccountChange => Subject::AccountChange(instance, subject()?.into()),
        })
    }
}

impl TryFrom<Row> for Operation {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let id = OperationId::from(row.id);
        let kind: Kind = word(TABLE, id, &row.kind)?;
        let number = |name: &str| Error::corrupt(TABLE, id, format!("{name} is out of its range"));
        let log: Vec<Line> =
            serde_json::from_value(row.log.clone()).map_err(|error| Error::corrupt(TABLE, id, error))?;
        Ok(Self {
            id,
            course: operation::Operation {
                kind,
                state: row.state(id)?,
                attempt: row.attempt.try_into().map_err(|_| number("attempt"))?,
                fence: row.fence,
                step: row.step.clone(),
                percent: row.percent.try_into().map_err(|_| number("percent"))?,
                cancel_asked: row.cancel_asked,
            },
            subject: row.subject(id, kind)?,
            organization: row.organization_id.map(Into::into),
            requested_by: row.requested_by,
            message: row.message,
            log,
            revision: row.revision.map(Revision),
            alarmed_at: row.alarmed_at.map(Stored::to_jiff),
            created_at: row.created_at.to_jiff(),
            started_at: row.started_at.map(Stored::to_jiff),
            finished_at: row.finished_at.map(Stored::to_jiff),
        })
    }
}

/// The columns that follow from the state.
pub(super) struct Written {
    pub state: &'static str,
    pub reason: String,
    pub attempt: i32,
    pub run_at: Timestamp,
    pub lease_until: Option<Timestamp>,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub log: serde_json::Value,
}

impl Written {
    pub fn of(operation: &Operation, now: Timestamp) -> Self {
        let state = &operation.course.state;
        let (run_at, reason) = match state {
            State::Queued { run_at } => (*run_at, String::new()),
            State::Running { lease_until } => (*lease_until, String::new()),
            State::Waiting { run_at, reason } => (*run_at, reason.clone()),
            State::Succeeded { at } | State::Cancelled { at } => (*at, String::new()),
            State::Failed { at, reason } => (*at, reason.clone()),
        };
        let (lease_until, started_at) = match state {
            State::Running { lease_until } => (Some(*lease_until), Some(now)),
            State::Queued { .. }
            | State::Waiting { .. }
            | State::Succeeded { .. }
            | State::Failed { .. }
            | State::Cancelled { .. } => (None, None),
        };
        Self {
            state: state.as_str(),
            reason,
            attempt: i32::try_from(operation.course.attempt).unwrap_or(i32::MAX),
            run_at,
            lease_until,
            started_at,
            finished_at: state.is_final().then_some(run_at),
            log: serde_json::to_value(&operation.log).unwrap_or_else(|_| serde_json::json!([])),
        }
    }
}
