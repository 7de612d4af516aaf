//! All servers of somebody, and the orders that may become some.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::{Right, Standing};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use super::Told;
use super::standing::facts;
use crate::auth::signed::Signed;
use crate::error::Problem;
use crate::pages::{Page, html};
use crate::platform::Platform;
use crate::store;
use crate::store::organization::Membership;

/// How many servers of an organization are shown.
const MOST: i64 = 500;
/// For how long an order that ended without a server is shown.
const ENDED: SignedDuration = SignedDuration::from_hours(14 * 24);

struct Row {
    link: String,
    hostname: String,
    told: Told,
}

struct Group {
    name: String,
    rows: Vec<Row>,
    may_order: bool,
}

#[derive(Template)]
#[template(path = "servers/list.html")]
struct ListPage<'a> {
    page: &'a Page,
    groups: Vec<Group>,
    may_order: bool,
}

impl ListPage<'_> {
    fn is_empty(&self) -> bool {
        self.groups.iter().all(|group| group.rows.is_empty())
    }
}

/// All servers of somebody, of all organizations they are in.
///
/// # Errors
/// When the database cannot be reached.
pub async fn show(State(platform): State<Arc<Platform>>, signed: Signed) -> Result<Response, Problem> {
    let mut groups = Vec::new();
    for membership in &signed.memberships {
        groups.push(group(&platform, &signed, membership).await?);
    }
    let may_order = groups.iter().any(|group| group.may_order);
    html(StatusCode::OK, &ListPage { page: &Page::to(&signed), groups, may_order })
}

async fn group(platform: &Platform, signed: &Signed, membership: &Membership) -> Result<Group, Problem> {
    let (organization, now) = (membership.organization, platform.now());
    let mut connection = platform.pool.acquire().await?;
    let instances = store::instance::of_organization(&mut connection, organization, None, MOST).await?;
    let orders = store::order::without_server(&mut connection, organization, since(now)).await?;
    let known = facts(&mut connection, &instances, now).await?;
    let texts = &signed.request.texts;
    let waiting = orders.iter().filter_map(|order| {
        let told = Told::of(Standing::of_waiting(&order.state)?, texts);
        Some(Row { link: format!("/orders/{}", order.id), hostname: order.hostname.to_string(), told })
    });
    let there = instances.iter().zip(&known).map(|(instance, known)| Row {
        link: format!("/servers/{}", instance.id),
        hostname: instance.hostname.to_string(),
        told: Told::of(known.standing(), texts),
    });
    let rows = waiting.chain(there).collect();
    Ok(Group { name: membership.name.clone(), rows, may_order: membership.role.may(Right::Order) })
}

fn since(now: Timestamp) -> Timestamp {
    now.saturating_sub(ENDED).unwrap_or(Timestamp::MIN)
}
