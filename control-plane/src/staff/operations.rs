//! Operations: what is being done everywhere, and what was given up.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::id::{InstanceId, OperationId};
use http::StatusCode;

use super::list::{self, Pager, ROWS, Wanted};
use super::trail;
use crate::app::operation::staff;
use crate::auth::staff::StaffSigned;
use crate::error::{Code, Problem};
use crate::pages::servers::WorkView;
use crate::pages::{Page, Path, Query, html, see_other};
use crate::platform::Platform;
use crate::store;
use crate::store::backlog::Lag;
use crate::store::operation::Operation;

/// The states of operations, those that need somebody first.
pub const STATES: &[&str] = &["failed", "open", "queued", "running", "waiting", "succeeded", "cancelled"];

struct Row {
    operation: Operation,
    hostname: String,
    title: String,
}

#[derive(Template)]
#[template(path = "staff/operations.html")]
struct OperationsPage<'a> {
    page: &'a Page,
    wanted: &'a Wanted,
    states: &'static [&'static str],
    rows: Vec<Row>,
    pager: Pager,
    lag: Lag,
}

/// All operations.
///
/// # Errors
/// When the database refuses.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    Query(wanted): Query<Wanted>,
    signed: StaffSigned,
) -> Result<Response, Problem> {
    let page = &Page::to_staff(&signed);
    let mut connection = platform.pool.acquire().await?;
    let state = wanted.state().filter(|state| STATES.contains(state));
    let mut all = store::search::operations(&mut connection, state, wanted.place(), ROWS + 1).await?;
    let pager = list::page(&mut all, "/operations", &wanted, |one| one.id);
    let ids: Vec<InstanceId> = all.iter().map(|one| one.subject.instance()).collect();
    let instances = store::search::with_ids(&mut connection, &ids).await?;
    let names: HashMap<InstanceId, String> =
        instances.into_iter().map(|one| (one.id, one.hostname.to_string())).collect();
    let row = |operation: Operation| Row {
        hostname: names.get(&operation.subject.instance()).cloned().unwrap_or_default(),
        title: page.t(&format!("work-{}", operation.course.kind.as_str().replace('.', "-"))),
        operation,
    };
    let rows = all.into_iter().map(row).collect();
    let lag = store::backlog::lag(&mut connection, platform.now()).await?;
    html(StatusCode::OK, &OperationsPage { page, wanted: &wanted, states: STATES, rows, pager, lag })
}

#[derive(Template)]
#[template(path = "staff/operation.html")]
struct OperationPage<'a> {
    page: &'a Page,
    operation: &'a Operation,
    hostname: String,
    /// Who wanted it, in words.
    asked_by: String,
    work: WorkView,
    reason: Option<&'a str>,
    /// The text of what a repeat does.
    repeat: String,
    problem: Option<&'a Problem>,
    may_retry: bool,
    may_cancel: bool,
}

/// One operation.
///
/// # Errors
/// `not-found`.
pub async fn one(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<OperationId>,
    signed: StaffSigned,
) -> Result<Response, Problem> {
    view(&platform, &signed, id, None).await
}

async fn view(
    platform: &Platform,
    signed: &StaffSigned,
    id: OperationId,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let page = Page::to_staff(signed).at(format!("/operations/{id}"));
    let mut connection = platform.pool.acquire().await?;
    let operation = store::operation::find(&mut connection, id).await?.ok_or(Problem::new(Code::NotFound))?;
    let instance = store::instance::find(&mut connection, operation.subject.instance()).await?;
    let shown = OperationPage {
        hostname: instance.map(|one| one.hostname.to_string()).unwrap_or_default(),
        asked_by: trail::called(&page, &mut connection, &operation.requested_by).await?,
        work: WorkView::of(&page, platform, &operation, false),
        reason: operation.course.state.reason(),
        repeat: format!("operation-repeat-{}", operation.course.kind.as_str().replace('.', "-")),
        may_retry: staff::may_retry(&operation),
        may_cancel: staff::may_cancel(platform, &operation),
        operation: &operation,
        page: &page,
        problem,
    };
    html(problem.map_or(StatusCode::OK, Problem::status), &shown)
}

/// Another round of tries.
///
/// # Errors
/// `not-found`.
pub async fn retry(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<OperationId>,
    signed: StaffSigned,
) -> Result<Response, Problem> {
    match staff::retry(&platform, &signed.actor(), id).await {
        Err(problem) if problem.is_about_input() => view(&platform, &signed, id, Some(&problem)).await,
        other => other.map(|()| see_other(&format!("/operations/{id}?told=retried"))),
    }
}

/// Gives it up, or lays it aside.
///
/// # Errors
/// `not-found`.
pub async fn cancel(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<OperationId>,
    signed: StaffSigned,
) -> Result<Response, Problem> {
    match staff::cancel(&platform, &signed.actor(), id).await {
        Err(problem) if problem.is_about_input() => view(&platform, &signed, id, Some(&problem)).await,
        other => other.map(|()| see_other(&format!("/operations/{id}?told=saved"))),
    }
}
