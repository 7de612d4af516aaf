//! What customers do with an order afterwards.

use domain::audit::Action;
use domain::closing::Closing;
use domain::id::{InstanceId, OrderId};
use domain::operation::{Kind, Subject};
use domain::order::{NameClaim, Order as State};
use domain::{Email, Topic};
use jiff::{SignedDuration, Timestamp};

use super::{announce, begin, provision, refusal, take};
use crate::actor::Actor;
use crate::error::{Code, Problem};
use crate::platform::{Platform, Tx};
use crate::store;
use crate::store::audit::Entry;
use crate::store::order::Order;
use crate::store::outbox::About;

/// Whether a place is kept for it that can be taken now.
#[must_use]
pub fn may_accept(order: &Order, now: Timestamp) -> bool {
    order.state.clone().accept(domain::offer::Approval::None, now).is_ok()
}

/// Whether it can be cancelled.
#[must_use]
pub fn may_cancel(order: &Order) -> bool {
    order.state.clone().cancel().is_ok()
}

/// Whether it failed and can be tried again.
#[must_use]
pub fn may_retry(order: &Order, now: Timestamp) -> bool {
    order.state.clone().retry(now).is_ok()
}

/// Whether the owner's address can still be corrected.
#[must_use]
pub const fn may_correct(order: &Order) -> bool {
    order.state.is_open()
}

pub(super) async fn lock(tx: &mut Tx, id: OrderId) -> Result<Order, Problem> {
    store::order::lock(tx, id).await?.ok_or(Problem::new(Code::NotFound))
}

/// Writes down what was done to an order.
async fn note(platform: &Platform, tx: &mut Tx, actor: &Actor, order: &Order, action: Action) -> Result<(), Problem> {
    announce(platform, tx, order).await?;
    let entry = Entry {
        organization: Some(order.organization),
        instance: order.instance,
        subject: Some(order.id.to_string()),
        ..Entry::default()
    };
    Ok(store::audit::write(tx, platform.now(), actor, action, entry).await?)
}

/// Takes an offered place. When nobody must agree the server is begun at once.
///
/// # Errors
/// `wrong-state` when no place is kept for it any more.
pub async fn accept(platform: &Platform, actor: &Actor, id: OrderId) -> Result<(), Problem> {
    let mut tx = platform.begin().await?;
    let (mut order, now) = (lock(&mut tx, id).await?, platform.now());
    let offer = store::offer::find(&mut tx, order.offer).await?.ok_or(Problem::new(Code::OfferChanged))?;
    let approval = super::place::approval(&offer.offer.conditions)?;
    order.state = take(&mut order).accept(approval, now).map_err(refusal)?;
    store::order::save(&mut tx, &order, now).await?;
    store::hostname::follow(&mut tx, &order.hostname, order.id, None, order.state.name(now)).await?;
    if order.state == State::Provisioning {
        provision(platform, &mut tx, actor, &mut order).await?;
    }
    note(platform, &mut tx, actor, &order, Action::OrderAccept).await?;
    Ok(tx.commit().await?)
}

/// Gives an order up: its place and its name are free again. When a server was begun for it, that is closed, and the name
/// stays with it: its cell knows it, and perhaps others do.
///
/// # Errors
/// `wrong-state` while the server is being made, and when the order has ended.
pub async fn cancel(platform: &Platform, actor: &Actor, id: OrderId) -> Result<(), Problem> {
    let mut tx = platform.begin().await?;
    let (mut order, now) = (lock(&mut tx, id).await?, platform.now());
    order.state = take(&mut order).cancel().map_err(refusal)?;
    let claim = match order.instance {
        Some(instance) => {
            close_half_made(platform, &mut tx, actor, &order, instance).await?;
            NameClaim::Live
        }
        None => order.state.name(now),
    };
    store::hostname::follow(&mut tx, &order.hostname, order.id, order.instance, claim).await?;
    if let Some(cell) = order.cell.filter(|_| order.instance.is_none()) {
        store::cell::free_place(&mut tx, cell, order.size).await?;
        order.cell = None;
    }
    store::order::save(&mut tx, &order, now).await?;
    let about = About { organization: Some(order.organization), ..About::default() };
    store::outbox::write(&mut tx, now, Topic::Waitlist, about, serde_json::json!({ "size": order.size })).await?;
    note(platform, &mut tx, actor, &order, Action::OrderCancel).await?;
    Ok(tx.commit().await?)
}

/// Nothing is in a server that was never ready: its data may go at once.
async fn close_half_made(
    platform: &Platform,
    tx: &mut Tx,
    actor: &Actor,
    order: &Order,
    instance: InstanceId,
) -> Result<(), Problem> {
    let closing = Closing::begin(platform.now(), SignedDuration::ZERO);
    store::instance::set_closing(tx, instance, Some(closing)).await?;
    let subject = Subject::Instance(instance);
    begin(platform, tx, actor, order.organization, Kind::CloseInstance, subject).await?;
    Ok(())
}

/// Tries again to make a server that could not be made.
///
/// # Errors
/// `wrong-state` when it did not fail, or too long ago.
pub async fn retry(platform: &Platform, actor: &Actor, id: OrderId) -> Result<(), Problem> {
    let mut tx = platform.begin().await?;
    let (mut order, now) = (lock(&mut tx, id).await?, platform.now());
    order.state = take(&mut order).retry(now).map_err(refusal)?;
    store::order::save(&mut tx, &order, now).await?;
    store::hostname::follow(&mut tx, &order.hostname, order.id, order.instance, order.state.name(now)).await?;
    match order.instance {
        None => provision(platform, &mut tx, actor, &mut order).await?,
        Some(instance) => {
            crate::app::operation::again(platform, &mut tx, actor, Subject::Instance(instance), Kind::CreateInstance)
                .await?;
        }
    }
    note(platform, &mut tx, actor, &order, Action::OrderRetry).await?;
    Ok(tx.commit().await?)
}

/// Corrects where the owner reads mail, while the server is not there yet. `seen` is the version for which it is meant, if it
/// is for one.
///
/// # Errors
/// `wrong-state` when the order has ended; `stale` when it is another version.
pub async fn correct_email(
    platform: &Platform,
    actor: &Actor,
    id: OrderId,
    seen: Option<i64>,
    email: &Email,
) -> Result<(), Problem> {
    let mut tx = platform.begin().await?;
    let order = lock(&mut tx, id).await?;
    if seen.is_some_and(|seen| seen != order.version) {
        return Err(Problem::new(Code::Stale));
    }
    if !may_correct(&order) {
        return Err(Problem::new(Code::WrongState));
    }
    store::order::set_owner_email(&mut tx, id, email, platform.now()).await?;
    if let Some(instance) = order.instance {
        store::instance::set_owner_email(&mut tx, instance, email).await?;
    }
    note(platform, &mut tx, actor, &order, Action::OrderCorrect).await?;
    Ok(tx.commit().await?)
}
