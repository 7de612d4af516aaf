//! One order: what it waits for, how far it is, what can be done.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::operation::Kind;
use domain::{Order as Stands, Right, Standing};
use http::StatusCode;

use super::find;
use crate::app::order::{may_accept, may_cancel, may_correct, may_retry};
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::servers::{Told, WorkView};
use crate::pages::{Page, Path, html};
use crate::platform::Platform;
use crate::store;
use crate::store::order::Order;

#[derive(Template)]
#[template(path = "orders/show.html")]
struct OrderPage<'a> {
    page: &'a Page,
    order: &'a Order,
    told: Told,
    offer: String,
    price: String,
    position: Option<i64>,
    reason: Option<String>,
    work: Option<WorkView>,
    server: Option<String>,
    owner_email: &'a str,
    problem: Option<&'a Problem>,
    may: May,
    seq: i64,
}

/// What can be done with it now, by this reader.
struct May {
    accept: bool,
    cancel: bool,
    retry: bool,
    correct: bool,
}

impl May {
    const fn anything(&self) -> bool {
        self.accept || self.cancel || self.retry
    }
}

/// One order.
///
/// # Errors
/// `not-found`.
pub async fn show(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    signed: Signed,
) -> Result<Response, Problem> {
    let order = find(&platform, &signed, &id, Right::See).await?;
    page(&platform, &signed, &order, order.owner_email.as_str(), None).await
}

pub(super) async fn page(
    platform: &Platform,
    signed: &Signed,
    order: &Order,
    owner_email: &str,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let page = Page::to(signed);
    let (locale, now) = (signed.request.texts.locale(), platform.now());
    let mut connection = platform.pool.acquire().await?;
    let seq = store::outbox::last(&mut connection).await?;
    let offer = store::offer::find(&mut connection, order.offer).await?;
    let work = match order.instance {
        Some(instance) => store::operation::of_instance(&mut connection, instance, 50).await?,
        None => Vec::new(),
    };
    let work = work.into_iter().find(|one| one.course.kind == Kind::CreateInstance);
    let standing = Standing::of_waiting(&order.state);
    // A server that is ready speaks for itself.
    let standing = standing.unwrap_or(if order.state == Stands::Done { Standing::Up } else { Standing::SettingUp });
    let may = signed.role(order.organization)?.may(Right::Order);
    let shown = OrderPage {
        told: Told::of(standing, &signed.request.texts),
        price: offer.as_ref().map(|offer| super::place::price(&page, &offer.offer.conditions)).unwrap_or_default(),
        offer: offer.map(|offer| offer.texts.name(locale).to_owned()).unwrap_or_default(),
        position: store::order::position(&mut connection, order.id).await?,
        reason: reason(&page, order),
        work: work.map(|one| WorkView::of(&page, platform, &one, false)),
        server: order.instance.map(|instance| format!("/servers/{instance}")),
        may: May {
            accept: may && may_accept(order, now),
            cancel: may && may_cancel(order),
            retry: may && may_retry(order, now),
            correct: may && may_correct(order),
        },
        page: &page,
        order,
        owner_email,
        problem,
        seq,
    };
    html(problem.map_or(StatusCode::OK, Problem::status), &shown)
}

/// Why it ended as it did: our words for a stable one, or what one of us wrote.
fn reason(page: &Page, order: &Order) -> Option<String> {
    match &order.state {
        Stands::Declined { reason } => Some(reason.clone()).filter(|text| !text.is_empty()),
        Stands::Failed { reason, .. } => page.find(&format!("reason-{reason}")),
        Stands::Waitlisted { .. }
        | Stands::Offered { .. }
        | Stands::Approval { .. }
        | Stands::Provisioning
        | Stands::Done
        | Stands::Cancelled
        | Stands::Expired => None,
    }
}
