//! One bundle: how it goes, what is in it, how it is taken away.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::Right;
use http::StatusCode;
use jiff::Timestamp;

use super::{find, state};

use crate::app::download;
use crate::app::export::Key;
use crate::auth::signed::Signed;
use crate::contents::{File, files};
use crate::error::{Code, Problem};
use crate::pages::servers::{Frame, Visit, WorkView, visit};
use crate::pages::{Page, Path, html, see_other};
use crate::platform::Platform;
use crate::store;
use crate::store::download_grant as grant;
use crate::store::export::Export;

/// How many files are listed; the script fetches all.
const LISTED: usize = 200;

#[derive(Template)]
#[template(path = "servers/export.html")]
struct ExportPage<'a> {
    page: &'a Page,
    frame: &'a Frame,
    export: &'a Export,
    state: &'static str,
    work: Option<WorkView>,
    key: &'static str,
    may_download: bool,
    /// Until when this browser may fetch files, and which there are.
    granted: Option<Timestamp>,
    files: Vec<File>,
    /// How many there are, and how many of them are not listed.
    all: i64,
    more: i64,
    /// For how many seconds the server was stopped.
    stopped: i64,
    secret: Option<&'a str>,
}

/// The bundle. Whoever may take it away, and has said so, sees its files.
///
/// # Errors
/// `not-found`.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    Path((id, export)): Path<(String, String)>,
    signed: Signed,
) -> Result<Response, Problem> {
    let visit = visit(&platform, &signed, &id, Right::See, "/exports").await?;
    let export = find(&platform, &visit, &export).await?;
    page(&platform, &signed, &visit, &export, None).await
}

/// Gives this browser the permission to fetch the files. Told by mail.
///
/// # Errors
/// `not-found`, `forbidden`, `password-needed`, `download-paused`, `wrong-state`.
pub async fn allow(
    State(platform): State<Arc<Platform>>,
    Path((id, export)): Path<(String, String)>,
    signed: Signed,
) -> Result<Response, Problem> {
    let visit = visit(&platform, &signed, &id, Right::See, "/exports").await?;
    let export = find(&platform, &visit, &export).await?;
    download::allow(&platform, &signed, &export, false).await.map_err(|problem| back(problem, &visit, &export))?;
    Ok(see_other(&format!("/servers/{id}/exports/{}", export.id)))
}

/// Who has to enter the password comes back to the bundle.
pub(super) fn back(problem: Problem, visit: &Visit, export: &Export) -> Problem {
    if problem.code != Code::PasswordNeeded {
        return problem;
    }
    problem.with("back", format!("/servers/{}/exports/{}", visit.instance.id, export.id))
}

/// The page, with the bundle's own key in it for the one time that it is shown.
pub(super) async fn page(
    platform: &Platform,
    signed: &Signed,
    visit: &Visit,
    export: &Export,
    secret: Option<&str>,
) -> Result<Response, Problem> {
    let (frame, page) = (visit.frame(platform, signed, "/exports").await?, Page::to(signed));
    let mut connection = platform.pool.acquire().await?;
    let work = match export.operation {
        Some(id) => store::operation::find(&mut connection, id).await?,
        None => None,
    };
    let granted = grant::of_session(&mut connection, export.id, signed.session.id, platform.now()).await?;
    drop(connection);
    let granted = granted.filter(|_| visit.may(Right::Download) && state(export) == "there");
    let mut files = match granted {
        Some(_) => files(platform, &visit.instance, export).await?,
        None => Vec::new(),
    };
    let all = i64::try_from(files.len()).unwrap_or(i64::MAX);
    files.truncate(LISTED);
    let more = all.saturating_sub(i64::try_from(files.len()).unwrap_or(i64::MAX));
    let shown = ExportPage {
        work: work.map(|one| WorkView::of(&page, platform, &one, visit.may(Right::Settings))),
        state: state(export),
        key: key(export),
        may_download: visit.may(Right::Download),
        page: &page,
        frame: &frame,
        export,
        granted,
        files,
        stopped: export.bundle.as_ref().map_or(0, |bundle| i64::from(bundle.stopped_seconds)),
        all,
        more,
        secret,
    };
    html(StatusCode::OK, &shown)
}

const fn key(export: &Export) -> &'static str {
    match Key::of(export) {
        Key::Theirs => "theirs",
        Key::Askable => "askable",
        Key::Asked => "asked",
        Key::Here => "here",
    }
}
