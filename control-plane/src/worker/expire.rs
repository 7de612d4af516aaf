//! Ending what is over: holds with an end, orders that nobody acted on, names that nobody keeps, invitations that nobody
//! accepted; and giving what became free to whoever waits for it.

use std::sync::Arc;
use std::time::Duration;

use domain::Topic;
use domain::audit::Action;
use domain::closing::Closing;
use domain::id::OperationId;
use domain::operation::{Kind, Subject};
use domain::order::{NameClaim, WAITING};
use jiff::{SignedDuration, Timestamp};
use names::{Hostname, Size};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::timer::{chance, jittered};
use super::{Wakes, tell};
use crate::actor::{Actor, Who};
use crate::error::Problem;
use crate::platform::{Platform, Tx};
use crate::store;
use crate::store::audit::Entry;
use crate::store::instance::Instance;
use crate::store::operation::New;
use crate::store::order::Order;
use crate::store::outbox::About;

/// How often it is looked for, when nobody says that there is something.
const EVERY: Duration = Duration::from_secs(20);
/// How many of a kind are ended in one transaction.
const LIMIT: i64 = 50;

/// Ends what is over until `stop`.
pub async fn run(platform: Arc<Platform>, wakes: Arc<Wakes>, stop: CancellationToken) {
    loop {
        if let Err(error) = once(&platform).await {
            tracing::warn!(%error, "what is over could not be ended; the next turn tries again");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = wakes.places.notified() => {}
            () = tokio::time::sleep(jittered(EVERY, chance(&platform))) => {}
        }
    }
}

/// Ends all that is over now, and gives free places to those who wait.
///
/// # Errors
/// When the database refuses. What was ended before stays so.
pub async fn once(platform: &Platform) -> Result<(), Problem> {
    holds(platform).await?;
    while orders(platform).await? == LIMIT.unsigned_abs() {}
    for size in Size::ALL {
        while offer(platform, size).await? {}
    }
    let mut connection = platform.pool.acquire().await?;
    store::hostname::free_due(&mut connection, platform.now(), LIMIT).await?;
    store::retention::invitations(&mut connection, platform.now()).await?;
    Ok(())
}

/// Ends holds whose time is over; the cell is told what each of their servers should be now.
async fn holds(platform: &Platform) -> Result<(), Problem> {
    let now = platform.now();
    let mut tx = platform.begin().await?;
    for (hold, instance) in store::hold::end_due(&mut tx, now).await? {
        let Some(instance) = store::instance::find(&mut tx, instance).await? else { continue };
        apply(platform, &mut tx, &instance, Kind::ApplyInstance).await?;
        let entry = Entry {
            organization: Some(instance.organization),
            instance: Some(instance.id),
            subject: Some(hold.to_string()),
            ..Entry::default()
        };
        store::audit::write(&mut tx, now, &Actor::system(), Action::HoldEnd, entry).await?;
        store::outbox::write(&mut tx, now, Topic::Hold, about(&instance), json!({ "hold": hold, "ended": true }))
            .await?;
    }
    Ok(tx.commit().await?)
}

const fn about(instance: &Instance) -> About {
    About { organization: Some(instance.organization), instance: Some(instance.id), operation: None }
}

async fn apply(platform: &Platform, tx: &mut Tx, instance: &Instance, kind: Kind) -> Result<(), Problem> {
    if instance.purged_at.is_some() {
        return Ok(());
    }
    let new = New {
        id: platform.id(OperationId::new)?,
        kind,
        subject: Subject::Instance(instance.id),
        organization: instance.organization,
        requested_by: Who::System,
        at: platform.now(),
    };
    Ok(store::operation::insert(tx, &new).await?)
}

/// Ends orders whose time is over. How many.
async fn orders(platform: &Platform) -> Result<u64, Problem> {
    let now = platform.now();
    let mut tx = platform.begin().await?;
    let due = store::order::due(&mut tx, now, now - WAITING, LIMIT).await?;
    let count = due.len();
    for mut order in due {
        let Ok(expired) = order.state.clone().expire(now) else { continue };
        let had_place = order.state.has_place();
        order.state = expired;
        leave(platform, &mut tx, &mut order, had_place, now).await?;
        let entry =
            Entry { organization: Some(order.organization), subject: Some(order.id.to_string()), ..Entry::default() };
        store::audit::write(&mut tx, now, &Actor::system(), Action::OrderExpire, entry).await?;
        tell::of_expired_order(platform, &mut tx, &order).await?;
    }
    tx.commit().await?;
    Ok(count as u64)
}

/// Takes back what an order had that has ended: its place, and its name. A server that was half made is closed; it keeps both
/// until its data are destroyed, because its cell may know it.
async fn leave(
    platform: &Platform,
    tx: &mut Tx,
    order: &mut Order,
    had_place: bool,
    now: Timestamp,
) -> Result<(), Problem> {
    let instance = match order.instance {
        Some(id) => store::instance::lock(tx, id).await?,
        None => None,
    };
    match instance {
        Some(instance) if instance.closing.is_none() => {
            let closing = Closing::begin(now, SignedDuration::ZERO);
            store::instance::set_closing(tx, instance.id, Some(closing)).await?;
            apply(platform, tx, &instance, Kind::CloseInstance).await?;
            store::hostname::follow(tx, &order.hostname, order.id, order.instance, NameClaim::Live).await?;
        }
        Some(_) => {}
        None => {
            if had_place && let Some(cell) = order.cell.take() {
                store::cell::free_place(tx, cell, order.size).await?;
            }
            store::hostname::follow(tx, &order.hostname, order.id, None, order.state.name(now)).await?;
        }
    }
    store::order::save(tx, order, now).await?;
    Ok(told(tx, order, now).await?)
}

async fn told(tx: &mut Tx, order: &Order, now: Timestamp) -> store::Result<()> {
    let about = About { organization: Some(order.organization), instance: order.instance, operation: None };
    let payload = json!({ "order": order.id, "state": order.state.as_str() });
    store::outbox::write(tx, now, Topic::Order, about, payload).await?;
    store::outbox::write(tx, now, Topic::Waitlist, About::default(), json!({ "size": order.size })).await
}

/// Offers a free place to the first who waits for one of its size. Whether there was one and somebody.
async fn offer(platform: &Platform, size: Size) -> Result<bool, Problem> {
    let now = platform.now();
    let mut tx = platform.begin().await?;
    let Some(mut order) = store::order::waiting(&mut tx, size, 1).await?.pop() else { return Ok(false) };
    let Some(cell) = store::cell::take_place(&mut tx, size, zone(&order.hostname).as_ref()).await? else {
        return Ok(false);
    };
    let Ok(offered) = order.state.clone().offer(now) else { return Ok(false) };
    order.state = offered;
    order.cell = Some(cell);
    store::order::save(&mut tx, &order, now).await?;
    store::hostname::follow(&mut tx, &order.hostname, order.id, None, order.state.name(now)).await?;
    told(&mut tx, &order, now).await?;
    let entry =
        Entry { organization: Some(order.organization), subject: Some(order.id.to_string()), ..Entry::default() };
    store::audit::write(&mut tx, now, &Actor::system(), Action::OrderOffer, entry).await?;
    tell::of_offered_place(platform, &mut tx, &order).await?;
    tx.commit().await?;
    Ok(true)
}

/// The zone that a server's name lies in: what follows its first label.
fn zone(hostname: &Hostname) -> Option<Hostname> {
    hostname.as_str().split_once('.').and_then(|(_, zone)| zone.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_lies_in_its_zone() {
        let zone = |name: &str| zone(&name.parse().unwrap()).map(|zone| zone.to_string());
        assert_eq!(zone("birds.social.example").as_deref(), Some("social.example"));
    }
}
