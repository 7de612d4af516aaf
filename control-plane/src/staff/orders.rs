//! Orders: the list, one of them, and what is said to it.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::id::{OrderId, OrganizationId};
use domain::order::Order as Stands;
use http::StatusCode;
use serde::Deserialize;

use super::list::{self, Pager, ROWS, Wanted};
use super::prose::prose;
use crate::app::order::{approve as agree, decline as refuse, may_approve, may_decline};
use crate::auth::staff::StaffSigned;
use crate::error::{Code, Problem};
use crate::pages::{Form, Page, Path, Query, html, see_other};
use crate::platform::Platform;
use crate::store;
use crate::store::order::Order;

/// The states of orders, those that need somebody first.
pub const STATES: &[&str] =
    &["approval", "failed", "waitlisted", "offered", "provisioning", "done", "declined", "cancelled", "expired"];

struct Row {
    order: Order,
    organization: String,
}

#[derive(Template)]
#[template(path = "staff/orders.html")]
struct OrdersPage<'a> {
    page: &'a Page,
    wanted: &'a Wanted,
    states: &'static [&'static str],
    rows: Vec<Row>,
    pager: Pager,
}

/// All orders.
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
    let mut orders = store::order::list(&mut connection, state, wanted.place(), ROWS + 1).await?;
    let pager = list::page(&mut orders, "/orders", &wanted, |order| order.id);
    let ids: Vec<OrganizationId> = orders.iter().map(|order| order.organization).collect();
    let names = store::search::names(&mut connection, &ids).await?;
    let row = |order: Order| Row { organization: names.get(&order.organization).cloned().unwrap_or_default(), order };
    let rows = orders.into_iter().map(row).collect();
    let page = &Page::to_staff(&signed);
    html(StatusCode::OK, &OrdersPage { page, wanted: &wanted, states: STATES, rows, pager })
}

/// Why it is declined, as the form sends it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Input {
    reason: String,
}

#[derive(Template)]
#[template(path = "staff/order.html")]
struct OrderPage<'a> {
    page: &'a Page,
    order: &'a Order,
    organization: String,
    orderer: String,
    offer: String,
    position: Option<i64>,
    why: Option<&'a str>,
    input: &'a Input,
    problem: Option<&'a Problem>,
    may_approve: bool,
    may_decline: bool,
}

/// One order.
///
/// # Errors
/// `not-found`.
pub async fn one(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<OrderId>,
    signed: StaffSigned,
) -> Result<Response, Problem> {
    view(&platform, &signed, id, &Input::default(), None).await
}

async fn view(
    platform: &Platform,
    signed: &StaffSigned,
    id: OrderId,
    input: &Input,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mut connection = platform.pool.acquire().await?;
    let order = store::order::find(&mut connection, id).await?.ok_or(Problem::new(Code::NotFound))?;
    let organization = store::search::organization(&mut connection, order.organization).await?;
    let account = store::account::find(&mut connection, order.account).await?;
    let offer = store::offer::find(&mut connection, order.offer).await?;
    let locale = signed.request.texts.locale();
    let shown = OrderPage {
        page: &Page::to_staff(signed).at(format!("/orders/{id}")),
        organization: organization.map(|one| one.name).unwrap_or_default(),
        orderer: account.map(|one| format!("{} <{}>", one.name, one.email)).unwrap_or_default(),
        offer: offer.map(|one| format!("{} ({})", one.texts.name(locale), one.offer.slug)).unwrap_or_default(),
        position: store::order::position(&mut connection, id).await?,
        why: why(&order),
        may_approve: may_approve(&order, platform.now()),
        may_decline: may_decline(&order),
        order: &order,
        input,
        problem,
    };
    html(problem.map_or(StatusCode::OK, Problem::status), &shown)
}

fn why(order: &Order) -> Option<&str> {
    match &order.state {
        Stands::Declined { reason } | Stands::Failed { reason, .. } => Some(reason),
        Stands::Waitlisted { .. }
        | Stands::Offered { .. }
        | Stands::Approval { .. }
        | Stands::Provisioning
        | Stands::Done
        | Stands::Cancelled
        | Stands::Expired => None,
    }
}

/// Agrees to it.
///
/// # Errors
/// `not-found`.
pub async fn approve(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<OrderId>,
    signed: StaffSigned,
) -> Result<Response, Problem> {
    match agree(&platform, &signed.actor(), id).await {
        Err(problem) if problem.is_about_input() => {
            view(&platform, &signed, id, &Input::default(), Some(&problem)).await
        }
        other => other.map(|()| see_other(&format!("/orders/{id}?told=approved"))),
    }
}

/// Declines it.
///
/// # Errors
/// `not-found`.
pub async fn decline(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<OrderId>,
    signed: StaffSigned,
    Form(input): Form<Input>,
) -> Result<Response, Problem> {
    let done = match prose("reason", &input.reason) {
        Ok(reason) => refuse(&platform, &signed.actor(), id, &reason).await,
        Err(problem) => Err(problem),
    };
    match done {
        Err(problem) if problem.is_about_input() => view(&platform, &signed, id, &input, Some(&problem)).await,
        other => other.map(|()| see_other(&format!("/orders/{id}?told=declined"))),
    }
}
