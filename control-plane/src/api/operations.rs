//! What is being done, how far it is, and what becomes of it.

pub mod cancel;
pub mod list;
pub mod retry;
pub mod show;

use axum::response::{IntoResponse, Response};
use domain::Right;
use domain::id::{AccountChangeId, ExportId, InstanceId, OperationId, OrganizationId};
use domain::operation::{Kind, State, Subject};
use domain::scope::Scope;
use http::{HeaderValue, StatusCode, header};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::schema;
use crate::app::operation::{may_cancel, may_retry};
use crate::auth::caller::Caller;
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::store;
use crate::store::operation::Operation;

/// Something that is being done, or was.
#[derive(Debug, Serialize, ToSchema)]
pub struct OperationBody {
    #[schema(value_type = schema::OperationId)]
    id: OperationId,
    #[schema(value_type = schema::Kind)]
    kind: Kind,
    /// Where it stands: `queued`, `running`, `waiting`, `succeeded`, `failed`, `cancelled`.
    #[schema(example = "running")]
    state: &'static str,
    /// Its steps, in order.
    #[schema(example = json!(["ask", "apply"]))]
    steps: Vec<&'static str>,
    /// The one it is at; empty before the first.
    #[schema(example = "ask")]
    step: String,
    /// How far the whole is.
    #[schema(minimum = 0, maximum = 100)]
    percent: u8,
    /// How often it was begun.
    #[schema(minimum = 0)]
    attempt: u32,
    /// A stable word for why it waits or failed.
    reason: Option<String>,
    /// The same as a sentence, from whom it waits for.
    message: Option<String>,
    #[schema(value_type = Option<schema::OrganizationId>)]
    organization: Option<OrganizationId>,
    /// The server it is about.
    #[schema(value_type = schema::InstanceId)]
    instance: InstanceId,
    /// The bundle it is about.
    #[schema(value_type = Option<schema::ExportId>)]
    export: Option<ExportId>,
    /// The change to an account that it is about.
    #[schema(value_type = Option<schema::ChangeId>)]
    change: Option<AccountChangeId>,
    /// What happened, oldest first; the newest lines are kept.
    log: Vec<LineBody>,
    /// Whether another round of tries can be asked for.
    may_retry: bool,
    /// Whether it can be given up.
    may_cancel: bool,
    created_at: Timestamp,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
}

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
pub struct LineBody {
    at: Timestamp,
    /// A stable word.
    #[schema(example = "ask")]
    word: String,
    /// More about it.
    message: String,
}

impl OperationBody {
    /// How it stands.
    #[must_use]
    pub fn of(platform: &Platform, operation: &Operation) -> Self {
        let course = &operation.course;
        let reason = match &course.state {
            State::Waiting { reason, .. } | State::Failed { reason, .. } => Some(reason.clone()),
            State::Queued { .. } | State::Running { .. } | State::Succeeded { .. } | State::Cancelled { .. } => None,
        };
        let (export, change) = match operation.subject {
            Subject::Instance(_) => (None, None),
            Subject::Export(_, export) => (Some(export), None),
            Subject::AccountChange(_, change) => (None, Some(change)),
        };
        let log = operation.log.iter();
        let log = log.map(|line| LineBody { at: line.at, word: line.word.clone(), message: line.message.clone() });
        Self {
            id: operation.id,
            kind: course.kind,
            state: course.state.as_str(),
            steps: course.kind.steps().iter().map(|step| step.word).collect(),
            step: course.step.clone(),
            percent: course.percent,
            attempt: course.attempt,
            message: reason.as_ref().map(|_| operation.message.clone()).filter(|text| !text.is_empty()),
            reason,
            organization: operation.organization,
            instance: operation.subject.instance(),
            export,
            change,
            log: log.collect(),
            may_retry: may_retry(operation),
            may_cancel: may_cancel(platform, operation),
            created_at: operation.created_at,
            started_at: operation.started_at,
            finished_at: operation.finished_at,
        }
    }
}

/// What was asked for and takes a while: `202`, and where to look.
#[derive(Debug)]
pub struct Accepted(OperationBody);

impl Accepted {
    /// An operation that was begun.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn of(platform: &Platform, id: OperationId) -> Result<Self, Problem> {
        let mut connection = platform.pool.acquire().await?;
        let operation = store::operation::find(&mut connection, id).await?.ok_or(Problem::new(Code::NotFound))?;
        Ok(Self(OperationBody::of(platform, &operation)))
    }
}

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        let location = format!("{}/operations/{}", crate::api::BASE, self.0.id);
        let mut response = (StatusCode::ACCEPTED, axum::Json(self.0)).into_response();
        if let Ok(value) = HeaderValue::from_str(&location) {
            response.headers_mut().insert(header::LOCATION, value);
        }
        response
    }
}

/// Finds an operation for a caller who wants to do something with it. Somebody else's does not exist for them.
async fn find(
    platform: &Platform,
    caller: &Caller,
    id: OperationId,
    scope: Scope,
    right: Right,
) -> Result<Operation, Problem> {
    let missing = || Problem::new(Code::NotFound);
    let mut connection = platform.pool.acquire().await?;
    let operation = store::operation::find(&mut connection, id).await?.ok_or_else(missing)?;
    caller.demand(platform, operation.organization.ok_or_else(missing)?, scope, right)?;
    Ok(operation)
}
