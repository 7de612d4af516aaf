//! Who did what to a server.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::Right;
use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;

use super::{Frame, visit};
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::{Page, Path, Query, html};
use crate::platform::Platform;
use crate::store;
use crate::store::audit::Line;

/// How many lines a page has.
const LINES: usize = 50;

/// From where on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct From {
    before: Option<i64>,
}

struct Row {
    at: Timestamp,
    who: String,
    what: String,
    subject: Option<String>,
    reason: Option<String>,
}

#[derive(Template)]
#[template(path = "servers/history.html")]
struct HistoryPage<'a> {
    page: &'a Page,
    frame: &'a Frame,
    rows: Vec<Row>,
    next: Option<i64>,
}

/// A page of the log, newest first.
///
/// # Errors
/// `not-found`, `forbidden`.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    Query(from): Query<From>,
    signed: Signed,
) -> Result<Response, Problem> {
    let visit = visit(&platform, &signed, &id, Right::SeeAudit, "").await?;
    let (frame, page) = (visit.frame(&platform, &signed, "/history").await?, Page::to(&signed));
    let mut connection = platform.pool.acquire().await?;
    let more = i64::try_from(LINES + 1).unwrap_or(i64::MAX);
    let mut lines = store::audit::of_instance(&mut connection, visit.instance.id, from.before, more).await?;
    let more = lines.len() > LINES;
    lines.truncate(LINES);
    let next = lines.last().filter(|_| more).map(|line| line.seq);
    let rows = lines.into_iter().map(|line| row(&page, line)).collect();
    html(StatusCode::OK, &HistoryPage { page: &page, frame: &frame, rows, next })
}

fn row(page: &Page, line: Line) -> Row {
    let ours = line.actor == "system" || line.actor.starts_with("staff:");
    Row {
        at: line.at,
        who: if ours { page.t("history-us") } else { line.actor_name },
        what: page.t(&format!("action-{}", line.action.as_str().replace('.', "-"))),
        // Ids of ours are for programs; what people named themselves is for people.
        subject: line.subject.filter(|subject| !subject.contains('_') || !subject.contains("_0")),
        reason: line.reason.filter(|reason| !reason.is_empty()),
    }
}
