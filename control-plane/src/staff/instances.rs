//! Servers: the list, one of them, and stopping one.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::id::{InstanceId, OrganizationId};
use http::StatusCode;
use sqlx::PgConnection;

use super::hold_form::Input;
use super::list::{self, Pager, ROWS, Wanted};
use super::trail::{self, Line};
use crate::app::server::hold;
use crate::app::server::standing::facts;
use crate::auth::staff::StaffSigned;
use crate::error::{Code, Problem};
use crate::pages::servers::{Told, WorkView};
use crate::pages::{Form, Page, Path, Query, html, see_other};
use crate::platform::Platform;
use crate::store;
use crate::store::cell::Cell;
use crate::store::hold::Entry;
use crate::store::instance::Instance;

/// How much of what was done is shown of one.
const PAST: i64 = 20;

struct Row {
    instance: Instance,
    organization: String,
    cell: String,
    told: Told,
}

#[derive(Template)]
#[template(path = "staff/instances.html")]
struct InstancesPage<'a> {
    page: &'a Page,
    wanted: &'a Wanted,
    rows: Vec<Row>,
    pager: Pager,
}

/// All servers.
///
/// # Errors
/// When the database refuses.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    Query(wanted): Query<Wanted>,
    signed: StaffSigned,
) -> Result<Response, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let (text, cell) = (wanted.text(), wanted.cell());
    let mut ids = store::search::instances(&mut connection, text, cell, wanted.place(), ROWS + 1).await?;
    let pager = list::page(&mut ids, "/instances", &wanted, |id| *id);
    let rows = rows(&platform, &mut connection, &signed, &ids).await?;
    html(StatusCode::OK, &InstancesPage { page: &Page::to_staff(&signed), wanted: &wanted, rows, pager })
}

async fn rows(
    platform: &Platform,
    connection: &mut PgConnection,
    signed: &StaffSigned,
    ids: &[InstanceId],
) -> Result<Vec<Row>, Problem> {
    let instances = store::search::with_ids(connection, ids).await?;
    let organizations: Vec<OrganizationId> = instances.iter().map(|one| one.organization).collect();
    let names = store::search::names(connection, &organizations).await?;
    let cells = store::cell::all(connection).await?;
    let known = facts(connection, &instances, platform.now()).await?;
    let name = |instance: &Instance| {
        cells.iter().find(|cell| cell.id == instance.cell).map(|cell| cell.name.clone()).unwrap_or_default()
    };
    let row = |(instance, known): (Instance, crate::app::server::standing::Known)| Row {
        organization: names.get(&instance.organization).cloned().unwrap_or_default(),
        cell: name(&instance),
        told: Told::of(known.standing(), &signed.request.texts),
        instance,
    };
    Ok(instances.into_iter().zip(known).map(row).collect())
}

#[derive(Template)]
#[template(path = "staff/instance.html")]
struct InstancePage<'a> {
    page: &'a Page,
    instance: &'a Instance,
    organization: String,
    cell: Option<Cell>,
    told: Told,
    holds: Vec<Entry>,
    work: Vec<WorkView>,
    lines: Vec<Line>,
    reports: (i64, i64),
    input: &'a Input,
    problem: Option<&'a Problem>,
}

/// One server.
///
/// # Errors
/// `not-found`.
pub async fn one(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<InstanceId>,
    signed: StaffSigned,
) -> Result<Response, Problem> {
    view(&platform, &signed, id, &Input::default(), None).await
}

async fn view(
    platform: &Platform,
    signed: &StaffSigned,
    id: InstanceId,
    input: &Input,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let page = Page::to_staff(signed).at(format!("/instances/{id}"));
    let mut connection = platform.pool.acquire().await?;
    let instance = store::instance::find(&mut connection, id).await?.ok_or(Problem::new(Code::NotFound))?;
    let known = facts(&mut connection, std::slice::from_ref(&instance), platform.now()).await?;
    let standing = known.first().map(|one| one.standing());
    let standing = standing.ok_or_else(|| Problem::internal(anyhow::anyhow!("a server without facts")))?;
    let organization = store::search::organization(&mut connection, instance.organization).await?;
    let work = store::operation::of_instance(&mut connection, id, PAST).await?;
    let past = store::audit::of_instance(&mut connection, id, None, PAST).await?;
    let shown = InstancePage {
        told: Told::of(standing, &signed.request.texts),
        organization: organization.map(|one| one.name).unwrap_or_default(),
        cell: store::cell::find(&mut connection, instance.cell).await?,
        holds: store::hold::past(&mut connection, id, PAST).await?,
        work: work.iter().map(|one| WorkView::of(&page, platform, one, false)).collect(),
        lines: trail::lines(&page, past),
        reports: store::report::count(&mut connection, id).await?,
        instance: &instance,
        page: &page,
        input,
        problem,
    };
    html(problem.map_or(StatusCode::OK, Problem::status), &shown)
}

/// Places a hold on it.
///
/// # Errors
/// `not-found`.
pub async fn place(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<InstanceId>,
    signed: StaffSigned,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    let done = match input.wish() {
        Ok(wish) => hold::place(&platform, &signed.actor(), id, &wish).await,
        Err(problem) => Err(problem),
    };
    match done {
        Err(problem) if problem.is_about_input() => view(&platform, &signed, id, &input, Some(&problem)).await,
        other => other.map(|_| see_other(&format!("/instances/{id}?told=held"))),
    }
}
