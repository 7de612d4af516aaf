//! Reports of abuse: the queue, one of them, and what is done about it.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::abuse::ReportState;
use domain::id::ReportId;
use domain::person::Prose;
use http::StatusCode;
use serde::Deserialize;

use super::hold_form;
use super::list::{self, Pager, ROWS, Wanted};
use super::prose::prose;
use crate::app::report;
use crate::auth::staff::StaffSigned;
use crate::error::{Code, Problem};
use crate::pages::{Form, Page, Path, Query, html, see_other};
use crate::platform::Platform;
use crate::store;
use crate::store::report::Filed;

/// The states of reports, those that need somebody first.
pub const STATES: &[&str] = &["open", "answered", "closed"];

#[derive(Template)]
#[template(path = "staff/reports.html")]
struct ReportsPage<'a> {
    page: &'a Page,
    wanted: &'a Wanted,
    states: &'static [&'static str],
    rows: Vec<Filed>,
    pager: Pager,
}

/// The queue.
///
/// # Errors
/// When the database refuses.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    Query(wanted): Query<Wanted>,
    signed: StaffSigned,
) -> Result<Response, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let state = wanted.state().filter(|state| STATES.contains(state));
    let mut rows = store::report::list(&mut connection, state, wanted.place(), ROWS + 1).await?;
    let pager = list::page(&mut rows, "/reports", &wanted, |one| one.report.id);
    let page = &Page::to_staff(&signed);
    html(StatusCode::OK, &ReportsPage { page, wanted: &wanted, states: STATES, rows, pager })
}

/// The forms as they are sent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Input {
    /// The mail to who reported.
    answer: String,
    kind: String,
    reason: String,
    until: String,
}

impl Input {
    fn hold(&self) -> hold_form::Input {
        let (kind, reason, until) = (self.kind.clone(), self.reason.clone(), self.until.clone());
        hold_form::Input { kind, reason, until, version: 0 }
    }

    fn answer(&self) -> Result<Prose<10_000>, Problem> {
        prose("answer", &self.answer)
    }

    fn answer_if_any(&self) -> Result<Option<Prose<10_000>>, Problem> {
        if self.answer.trim().is_empty() { Ok(None) } else { self.answer().map(Some) }
    }
}

#[derive(Template)]
#[template(path = "staff/report.html")]
struct ReportPage<'a> {
    page: &'a Page,
    filed: &'a Filed,
    before: (i64, i64),
    answer: &'a str,
    input: hold_form::Input,
    problem: Option<&'a Problem>,
}

impl ReportPage<'_> {
    fn is_closed(&self) -> bool {
        self.filed.report.state == ReportState::Closed
    }
}

/// One report.
///
/// # Errors
/// `not-found`.
pub async fn one(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<ReportId>,
    signed: StaffSigned,
) -> Result<Response, Problem> {
    view(&platform, &signed, id, &Input::default(), None).await
}

async fn view(
    platform: &Platform,
    signed: &StaffSigned,
    id: ReportId,
    input: &Input,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let filed = store::report::find(&mut connection, id).await?.ok_or(Problem::new(Code::NotFound))?;
    let before = match filed.instance {
        Some(instance) => store::report::count(&mut connection, instance).await?,
        None => (1, 1),
    };
    let shown = ReportPage {
        page: &Page::to_staff(signed).at(format!("/reports/{id}")),
        filed: &filed,
        before,
        answer: &input.answer,
        input: input.hold(),
        problem,
    };
    html(problem.map_or(StatusCode::OK, Problem::status), &shown)
}

async fn done(
    platform: &Platform,
    signed: &StaffSigned,
    id: ReportId,
    input: &Input,
    done: Result<(), Problem>,
    told: &str,
) -> Result<Response, Problem> {
    match done {
        Err(problem) if problem.is_about_input() => view(platform, signed, id, input, Some(&problem)).await,
        other => other.map(|()| see_other(&format!("/reports/{id}?told={told}"))),
    }
}

/// Answers who reported it.
///
/// # Errors
/// `not-found`.
pub async fn answer(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<ReportId>,
    signed: StaffSigned,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    let result = match input.answer() {
        Ok(text) => report::answer(&platform, &signed.actor(), id, &text).await,
        Err(problem) => Err(problem),
    };
    done(&platform, &signed, id, &input, result, "answered").await
}

/// Closes it without a hold.
///
/// # Errors
/// `not-found`.
pub async fn dismiss(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<ReportId>,
    signed: StaffSigned,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    let result = match input.answer_if_any() {
        Ok(text) => report::dismiss(&platform, &signed.actor(), id, text.as_ref()).await,
        Err(problem) => Err(problem),
    };
    done(&platform, &signed, id, &input, result, "report-closed").await
}

/// Stops the server, and closes it.
///
/// # Errors
/// `not-found`.
pub async fn hold(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<ReportId>,
    signed: StaffSigned,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    let result = match (input.hold().wish(), input.answer_if_any()) {
        (Ok(wish), Ok(text)) => report::hold(&platform, &signed.actor(), id, &wish, text.as_ref()).await.map(|_| ()),
        (Err(problem), _) | (_, Err(problem)) => Err(problem),
    };
    done(&platform, &signed, id, &input, result, "held").await
}

/// Takes it up again.
///
/// # Errors
/// `not-found`.
pub async fn reopen(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<ReportId>,
    signed: StaffSigned,
) -> Result<Response, Problem> {
    let result = report::reopen(&platform, &signed.actor(), id).await;
    done(&platform, &signed, id, &Input::default(), result, "saved").await
}
