//! Bundles of a server: made, listed, taken away. In every mode the server may be in.

mod file;
mod key;
mod one;
mod range;
mod recipient;
mod script;

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::Right;
use domain::id::ExportId;
use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;

pub use file::show as file;
pub use key::{ask as ask_key, show as show_key};
pub use one::{allow, show as one};
pub use recipient::submit as recipient;
pub use script::submit as script;

use super::{Frame, Visit, visit};
use crate::app::export::{is_there, start};
use crate::auth::signed::Signed;
use crate::error::{Code, Problem};
use crate::pages::{Page, Path, Query, html, see_other};
use crate::platform::Platform;
use crate::store;
use crate::store::export::Export;

/// How many bundles a page shows.
const SHOWN: i64 = 30;

/// From where on.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct From {
    after: Option<ExportId>,
}

/// A bundle in the list.
pub(super) struct Row {
    link: String,
    reason: &'static str,
    /// `pending`, `running`, `there`, `failed`, `expired`.
    state: &'static str,
    percent: u8,
    bytes: Option<u64>,
    at: Timestamp,
}

#[derive(Template)]
#[template(path = "servers/exports.html")]
struct ExportsPage<'a> {
    page: &'a Page,
    frame: &'a Frame,
    rows: Vec<Row>,
    next: Option<ExportId>,
    newest: Option<Timestamp>,
    may_start: bool,
    may_set: bool,
    recipient: &'a str,
    version: i64,
    problem: Option<&'a Problem>,
}

/// The list.
///
/// # Errors
/// `not-found`.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    Query(from): Query<From>,
    signed: Signed,
) -> Result<Response, Problem> {
    let visit = visit(&platform, &signed, &id, Right::See, "/exports").await?;
    let recipient = visit.instance.export_recipient.clone().unwrap_or_default();
    list(&platform, &signed, &visit, &from, &recipient, None).await
}

/// Asks for a bundle.
///
/// # Errors
/// `not-found`, `forbidden`, `too-many`, `wrong-state`.
pub async fn submit(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    signed: Signed,
) -> Result<Response, Problem> {
    let visit = visit(&platform, &signed, &id, Right::Export, "/exports").await?;
    let export = start(&platform, &signed.actor(), visit.instance.id).await?;
    Ok(see_other(&format!("/servers/{id}/exports/{export}")))
}

async fn list(
    platform: &Platform,
    signed: &Signed,
    visit: &Visit,
    from: &From,
    recipient: &str,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let (frame, page) = (visit.frame(platform, signed, "/exports").await?, Page::to(signed));
    let mut connection = platform.pool.acquire().await?;
    let instance = &visit.instance;
    let exports = store::export::page_of(&mut connection, instance.id, from.after, SHOWN).await?;
    let full = i64::try_from(exports.len()).is_ok_and(|count| count == SHOWN);
    let open = store::operation::is_open(&mut connection, instance.id, domain::operation::Kind::Export).await?;
    let there = instance.ready_at.is_some() && instance.purged_at.is_none();
    let shown = ExportsPage {
        next: exports.last().filter(|_| full).map(|last| last.id),
        rows: exports.iter().map(|one| row(visit, one)).collect(),
        newest: instance.observed.last_export.as_ref().map(|(_, at)| *at),
        may_start: there && !open && visit.may(Right::Export),
        may_set: there && visit.may(Right::Settings),
        version: instance.version,
        page: &page,
        frame: &frame,
        recipient,
        problem,
    };
    html(problem.map_or(StatusCode::OK, Problem::status), &shown)
}

fn row(visit: &Visit, export: &Export) -> Row {
    Row {
        link: format!("/servers/{}/exports/{}", visit.instance.id, export.id),
        reason: export.reason.as_str(),
        state: state(export),
        percent: export.work.percent,
        bytes: export.bundle.as_ref().map(|bundle| bundle.bytes),
        at: export.created_at,
    }
}

/// Where a bundle stands, for a person.
fn state(export: &Export) -> &'static str {
    if export.expired_at.is_some() {
        "expired"
    } else if is_there(export) {
        "there"
    } else {
        export.phase.as_str()
    }
}

/// Finds a bundle of a server.
async fn find(platform: &Platform, visit: &Visit, export: &str) -> Result<Export, Problem> {
    let missing = || Problem::new(Code::NotFound);
    let id = export.parse().map_err(|_| missing())?;
    let mut connection = platform.pool.acquire().await?;
    let found = store::export::find(&mut connection, id).await?;
    found.filter(|one| one.instance == visit.instance.id).ok_or_else(missing)
}
