//! What we say to an order that waits for us.

use domain::Topic;
use domain::audit::Action;
use domain::id::OrderId;
use domain::person::Prose;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::change::lock;
use super::{announce, provision, refusal, take, told};
use crate::actor::Actor;
use crate::app::tell;
use crate::error::Problem;
use crate::platform::{Platform, Tx};
use crate::store;
use crate::store::audit::Entry;
use crate::store::order::Order;
use crate::store::outbox::About;

/// Whether it waits for one of us to agree.
#[must_use]
pub fn may_approve(order: &Order, now: Timestamp) -> bool {
    order.state.clone().approve(now).is_ok()
}

/// Whether it can still be declined.
#[must_use]
pub fn may_decline(order: &Order) -> bool {
    order.state.clone().decline(String::new()).is_ok()
}

/// Agrees to an order: its server is begun.
///
/// # Errors
/// `not-found`; `wrong-state` when it does not wait for us any more.
pub async fn approve(platform: &Platform, actor: &Actor, id: OrderId) -> Result<(), Problem> {
    let mut tx = platform.begin().await?;
    let (mut order, now) = (lock(&mut tx, id).await?, platform.now());
    order.state = take(&mut order).approve(now).map_err(refusal)?;
    provision(platform, &mut tx, actor, &mut order).await?;
    note(platform, &mut tx, actor, &order, Action::OrderApprove, None).await?;
    tell::owners(platform, &mut tx, order.organization, told(platform, &order, "order-approved")).await?;
    Ok(tx.commit().await?)
}

/// Declines an order: its place and its name are free again. `reason` is for the customer to read.
///
/// # Errors
/// `not-found`; `wrong-state` when its server is being made or it has ended.
pub async fn decline(platform: &Platform, actor: &Actor, id: OrderId, reason: &Prose<1000>) -> Result<(), Problem> {
    let mut tx = platform.begin().await?;
    let (mut order, now) = (lock(&mut tx, id).await?, platform.now());
    order.state = take(&mut order).decline(reason.as_str().to_owned()).map_err(refusal)?;
    store::hostname::follow(&mut tx, &order.hostname, order.id, None, order.state.name(now)).await?;
    if let Some(cell) = order.cell.take() {
        store::cell::free_place(&mut tx, cell, order.size).await?;
    }
    store::order::save(&mut tx, &order, now).await?;
    let about = About { organization: Some(order.organization), ..About::default() };
    store::outbox::write(&mut tx, now, Topic::Waitlist, about, json!({ "size": order.size })).await?;
    note(platform, &mut tx, actor, &order, Action::OrderDecline, Some(reason.as_str())).await?;
    let mut news = told(platform, &order, "order-declined");
    news.arguments["reason"] = Value::from(reason.as_str());
    tell::owners(platform, &mut tx, order.organization, news).await?;
    Ok(tx.commit().await?)
}

async fn note(
    platform: &Platform,
    tx: &mut Tx,
    actor: &Actor,
    order: &Order,
    action: Action,
    reason: Option<&str>,
) -> Result<(), Problem> {
    announce(platform, tx, order).await?;
    let entry = Entry {
        organization: Some(order.organization),
        instance: order.instance,
        subject: Some(order.id.to_string()),
        reason: reason.map(str::to_owned),
        detail: json!({ "hostname": order.hostname }),
    };
    Ok(store::audit::write(tx, platform.now(), actor, action, entry).await?)
}
