//! Organizations: the list, one of them, how many servers it may have.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::id::OrganizationId;
use http::StatusCode;
use serde::Deserialize;

use super::list::{self, Pager, ROWS, Wanted};
use crate::app::organization::limit;
use crate::auth::staff::StaffSigned;
use crate::error::{Code, Problem};
use crate::pages::{Form, Page, Path, Query, html, see_other};
use crate::platform::Platform;
use crate::store;
use crate::store::instance::Instance;
use crate::store::order::Order;
use crate::store::search::{Organization, Person};

/// How many servers and orders of one are shown.
const MOST: i64 = 100;

#[derive(Template)]
#[template(path = "staff/organizations.html")]
struct OrganizationsPage<'a> {
    page: &'a Page,
    wanted: &'a Wanted,
    rows: Vec<Organization>,
    pager: Pager,
}

/// All organizations.
///
/// # Errors
/// When the database refuses.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    Query(wanted): Query<Wanted>,
    signed: StaffSigned,
) -> Result<Response, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let found = store::search::organizations(&mut connection, wanted.text(), wanted.place(), ROWS + 1).await;
    let mut rows = found?;
    let pager = list::page(&mut rows, "/organizations", &wanted, |one| one.id);
    html(StatusCode::OK, &OrganizationsPage { page: &Page::to_staff(&signed), wanted: &wanted, rows, pager })
}

/// The form as it is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Input {
    limit: String,
    version: i64,
}

#[derive(Template)]
#[template(path = "staff/organization.html")]
struct OrganizationPage<'a> {
    page: &'a Page,
    organization: &'a Organization,
    people: Vec<Person>,
    instances: Vec<Instance>,
    orders: Vec<Order>,
    limit: String,
    problem: Option<&'a Problem>,
}

/// One organization.
///
/// # Errors
/// `not-found`.
pub async fn one(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<OrganizationId>,
    signed: StaffSigned,
) -> Result<Response, Problem> {
    view(&platform, &signed, id, None, None).await
}

async fn view(
    platform: &Platform,
    signed: &StaffSigned,
    id: OrganizationId,
    limit: Option<&str>,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let found = store::search::organization(&mut connection, id).await?;
    let organization = found.ok_or(Problem::new(Code::NotFound))?;
    let shown = OrganizationPage {
        page: &Page::to_staff(signed).at(format!("/organizations/{id}")),
        people: store::search::people(&mut connection, id).await?,
        instances: store::instance::of_organization(&mut connection, id, None, MOST).await?,
        orders: store::order::of_organization(&mut connection, id, None, MOST).await?,
        limit: limit.map_or_else(|| organization.server_limit.to_string(), str::to_owned),
        organization: &organization,
        problem,
    };
    html(problem.map_or(StatusCode::OK, Problem::status), &shown)
}

/// Changes how many servers it may have.
///
/// # Errors
/// `not-found`; `stale`.
pub async fn set_limit(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<OrganizationId>,
    signed: StaffSigned,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    let done = match input.limit.trim().parse() {
        Ok(servers) => limit::set(&platform, &signed.actor(), id, input.version, servers).await,
        Err(_) => Err(Problem::field("limit", "server-limit")),
    };
    match done {
        Err(problem) if problem.is_about_input() => {
            view(&platform, &signed, id, Some(&input.limit), Some(&problem)).await
        }
        other => other.map(|()| see_other(&format!("/organizations/{id}?told=saved"))),
    }
}
