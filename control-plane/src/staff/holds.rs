//! Holds: those in force, and one of them.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::hold::Authority;
use domain::id::HoldId;
use http::StatusCode;
use serde::Deserialize;

use super::hold_form::{self, Input};
use super::list::{self, Pager, ROWS, Wanted};
use super::trail;
use crate::app::server::hold;
use crate::auth::staff::StaffSigned;
use crate::error::{Code, Problem};
use crate::pages::{Form, Page, Path, Query, html, see_other};
use crate::platform::Platform;
use crate::store;
use crate::store::hold::Entry;

#[derive(Template)]
#[template(path = "staff/holds.html")]
struct HoldsPage<'a> {
    page: &'a Page,
    rows: Vec<Entry>,
    pager: Pager,
}

/// All holds that were not lifted.
///
/// # Errors
/// When the database refuses.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    Query(wanted): Query<Wanted>,
    signed: StaffSigned,
) -> Result<Response, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let mut rows = store::hold::list(&mut connection, wanted.place(), ROWS + 1).await?;
    let pager = list::page(&mut rows, "/holds", &wanted, |one| one.hold.id);
    html(StatusCode::OK, &HoldsPage { page: &Page::to_staff(&signed), rows, pager })
}

#[derive(Template)]
#[template(path = "staff/hold.html")]
struct HoldPage<'a> {
    page: &'a Page,
    entry: &'a Entry,
    /// Who placed and who lifted it, in words.
    placed_by: String,
    lifted_by: Option<String>,
    input: &'a Input,
    problem: Option<&'a Problem>,
    /// Whether it is in force and ours.
    ours: bool,
}

/// One hold.
///
/// # Errors
/// `not-found`.
pub async fn one(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<HoldId>,
    signed: StaffSigned,
) -> Result<Response, Problem> {
    view(&platform, &signed, id, None, None).await
}

async fn view(
    platform: &Platform,
    signed: &StaffSigned,
    id: HoldId,
    input: Option<&Input>,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let entry = store::hold::find(&mut connection, id).await?.ok_or(Problem::new(Code::NotFound))?;
    let hold = &entry.hold;
    let there = Input {
        kind: hold.kind.to_string(),
        reason: hold.reason.clone(),
        until: hold_form::text(hold.until),
        version: entry.version,
    };
    let page = Page::to_staff(signed).at(format!("/holds/{id}"));
    let lifted_by = match &entry.lifted_by {
        Some(actor) => Some(trail::called(&page, &mut connection, actor).await?),
        None => None,
    };
    let shown = HoldPage {
        placed_by: trail::called(&page, &mut connection, &entry.placed_by).await?,
        lifted_by,
        page: &page,
        ours: hold.kind.belongs_to(Authority::Staff) && hold.is_in_force(platform.now()),
        input: input.unwrap_or(&there),
        entry: &entry,
        problem,
    };
    html(problem.map_or(StatusCode::OK, Problem::status), &shown)
}

/// Changes what is said about it.
///
/// # Errors
/// `not-found`; `stale`.
pub async fn change(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<HoldId>,
    signed: StaffSigned,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    let done = match input.wish() {
        Ok(wish) => hold::change(&platform, &signed.actor(), id, input.version, &wish.reason, wish.until).await,
        Err(problem) => Err(problem),
    };
    match done {
        Err(problem) if problem.is_about_input() => view(&platform, &signed, id, Some(&input), Some(&problem)).await,
        other => other.map(|()| see_other(&format!("/holds/{id}?told=saved"))),
    }
}

/// Why it is lifted, as the form sends it; for us only, may be empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Why {
    why: String,
}

/// Lifts it.
///
/// # Errors
/// `not-found`; `forbidden`.
pub async fn lift(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<HoldId>,
    signed: StaffSigned,
    Form(input): Form<Why>,
) -> Result<Response, Problem> {
    let why: String = input.why.trim().replace('\0', "").chars().take(1000).collect();
    let why = Some(why.as_str()).filter(|text| !text.is_empty());
    match hold::lift(&platform, &signed.actor(), id, why).await {
        Err(problem) if problem.is_about_input() => view(&platform, &signed, id, None, Some(&problem)).await,
        other => other.map(|()| see_other(&format!("/holds/{id}?told=hold-lifted"))),
    }
}
