//! Cells: how they stand, whether new servers are placed there, how much room we grant them.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::id::CellId;
use http::StatusCode;
use names::Size;
use serde::Deserialize;

use crate::app::cell;
use crate::auth::staff::StaffSigned;
use crate::error::Problem;
use crate::pages::{Form, Page, Path, html, see_other};
use crate::platform::Platform;
use crate::store;
use crate::store::cell::{Cell, Room};

struct Row {
    cell: Cell,
    rooms: Vec<Room>,
}

#[derive(Template)]
#[template(path = "staff/cells.html")]
struct CellsPage<'a> {
    page: &'a Page,
    rows: Vec<Row>,
    problem: Option<&'a Problem>,
}

/// All cells.
///
/// # Errors
/// When the database refuses.
pub async fn show(State(platform): State<Arc<Platform>>, signed: StaffSigned) -> Result<Response, Problem> {
    view(&platform, &signed, None).await
}

async fn view(platform: &Platform, signed: &StaffSigned, problem: Option<&Problem>) -> Result<Response, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let rooms = store::cell::rooms(&mut connection).await?;
    let row = |cell: Cell| {
        let own = |size: Size| rooms.iter().find(|room| room.cell == cell.id && room.size == size).copied();
        let none = |size| Room { cell: cell.id, size, places: 0, said: None, granted: None, taken: 0 };
        Row { rooms: Size::ALL.iter().map(|size| own(*size).unwrap_or(none(*size))).collect(), cell }
    };
    let rows = store::cell::all(&mut connection).await?.into_iter().map(row).collect();
    let page =
        &Page::to_staff(signed).at(if problem.is_some() { "/cells".to_owned() } else { signed.request.path.clone() });
    html(problem.map_or(StatusCode::OK, Problem::status), &CellsPage { page, rows, problem })
}

/// The form as it is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Input {
    version: i64,
    size: String,
    /// Empty: as many as the cell says.
    places: String,
    open: String,
}

/// Changes how much room we grant it.
///
/// # Errors
/// `not-found`; `stale`.
pub async fn room(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<CellId>,
    signed: StaffSigned,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    let granted = match input.places.trim() {
        "" => Ok(None),
        text => text.parse::<u32>().map(Some).map_err(|_| Problem::field("places", "cell-places")),
    };
    let size = input.size.parse::<Size>().map_err(|_| Problem::field("size", "size-unknown"));
    let done = match (granted, size) {
        (Ok(granted), Ok(size)) => cell::set_room(&platform, &signed.actor(), id, input.version, size, granted).await,
        (Err(problem), _) | (_, Err(problem)) => Err(problem),
    };
    match done {
        Err(problem) if problem.is_about_input() => view(&platform, &signed, Some(&problem)).await,
        other => other.map(|()| see_other("/cells?told=saved")),
    }
}

/// Changes whether new servers are placed there.
///
/// # Errors
/// `not-found`; `stale`.
pub async fn open(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<CellId>,
    signed: StaffSigned,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    cell::set_open(&platform, &signed.actor(), id, input.version, input.open == "yes").await?;
    Ok(see_other("/cells?told=saved"))
}
