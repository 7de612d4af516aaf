//! Orders: from the click to the work that makes the server.

mod change;
mod decide;
mod place;

use domain::id::{InstanceId, OperationId, OrganizationId};
use domain::operation::{Kind, Subject};
use domain::order::{Order as State, OrderError};
use serde_json::json;

pub use change::{accept, cancel, correct_email, may_accept, may_cancel, may_correct, may_retry, retry};
pub use decide::{approve, decline, may_approve, may_decline};
pub use place::{Wish, place};

use billing::{Command, ManualBilling};
use names::Hostname;

use super::tell::News;
use crate::actor::Actor;
use crate::error::{Code, Problem};
use crate::platform::{Platform, Tx};
use crate::seal::Seal;
use crate::store;
use crate::store::order::Order;
use crate::store::outbox::About;

/// Says that an order changed.
pub(super) async fn announce(platform: &Platform, tx: &mut Tx, order: &Order) -> Result<(), Problem> {
    let about = About { organization: Some(order.organization), instance: order.instance, operation: None };
    let payload = json!({ "order": order.id, "state": order.state.as_str() });
    Ok(store::outbox::write(tx, platform.now(), domain::Topic::Order, about, payload).await?)
}

/// A mail about an order.
pub(crate) fn told(platform: &Platform, order: &Order, template: &'static str) -> News {
    let link = platform.link(&format!("/orders/{}", order.id));
    let arguments = json!({ "host": order.hostname.as_str(), "link": link });
    News { template, arguments, until: order.state.expires_at() }
}

/// Begins to make the server of an order that may become one: its row, with a one-time key for the owner's first password,
/// and the operation that carries it out. The order must be locked, have a place, and be [`State::Provisioning`].
///
/// # Errors
/// `name-taken` when another server has the name; `internal` when the order has no place.
pub async fn provision(platform: &Platform, tx: &mut Tx, actor: &Actor, order: &mut Order) -> Result<(), Problem> {
    let cell = order.cell.ok_or_else(|| Problem::internal(anyhow::anyhow!("{} has no place", order.id)))?;
    let offer = store::offer::find(tx, order.offer).await?;
    let offer = offer.ok_or_else(|| Problem::internal(anyhow::anyhow!("{} has no offer", order.id)))?;
    let (id, now) = (platform.id(InstanceId::new)?, platform.now());
    let conditions = &offer.offer.conditions;
    let price = billing::command::Price {
        offer: order.offer,
        amount: order.price,
        tax: conditions.tax,
        period: conditions.period,
    };
    let start = Command::Start { organization: order.organization, instance: id, price };
    let paid = ManualBilling::decide(&start, now).map_err(Problem::internal)?;
    let key = Seal::generate().seal_to(&platform.seal)?;
    let new = store::instance::New {
        id,
        organization: order.organization,
        cell,
        offer: order.offer,
        order: Some(order.id),
        hostname: &order.hostname,
        flavour: conditions.flavour,
        software_version: &offer.software_version,
        size: order.size,
        owner_handle: &order.owner_handle,
        owner_email: &order.owner_email,
        entitlement: paid.entitlement(),
        claim_key_sealed: Some(&key),
        at: now,
    };
    match store::instance::insert(tx, &new).await {
        Err(error) if error.constraint() == Some("instances_hostname_key") => {
            return Err(Problem::new(Code::NameTaken));
        }
        other => other?,
    }
    order.instance = Some(id);
    store::order::save(tx, order, now).await?;
    store::hostname::follow(tx, &order.hostname, order.id, Some(id), order.state.name(now)).await?;
    begin(platform, tx, actor, order.organization, Kind::CreateInstance, Subject::Instance(id)).await?;
    Ok(())
}

/// Asks for something to be done, and says so.
pub(crate) async fn begin(
    platform: &Platform,
    tx: &mut Tx,
    actor: &Actor,
    organization: OrganizationId,
    kind: Kind,
    subject: Subject,
) -> Result<OperationId, Problem> {
    let (id, now) = (platform.id(OperationId::new)?, platform.now());
    let new = store::operation::New { id, kind, subject, organization, requested_by: actor.who, at: now };
    store::operation::insert(tx, &new).await?;
    let about = About { organization: Some(organization), instance: Some(subject.instance()), operation: Some(id) };
    let payload = json!({ "kind": kind, "state": "queued" });
    store::outbox::write(tx, now, domain::Topic::Operation, about, payload).await?;
    Ok(id)
}

/// Whether a name can be had; for telling before anything is ordered.
///
/// # Errors
/// When the database refuses.
pub async fn is_free(platform: &Platform, name: &Hostname) -> Result<bool, Problem> {
    let mut connection = platform.pool.acquire().await?;
    Ok(store::hostname::is_free(&mut connection, name, platform.now()).await?)
}

/// The zones in which servers can be ordered: those of open cells, or, when there are none, of all.
///
/// # Errors
/// When the database refuses.
pub async fn zones(connection: &mut sqlx::PgConnection) -> Result<Vec<Hostname>, Problem> {
    let cells = store::cell::all(connection).await?;
    let open: Vec<_> = cells.iter().filter(|cell| cell.open).map(|cell| cell.zone.clone()).collect();
    let mut zones = if open.is_empty() { cells.into_iter().map(|cell| cell.zone).collect() } else { open };
    zones.sort();
    zones.dedup();
    Ok(zones)
}

/// What the domain says against it, for whoever asked.
pub(super) fn refusal(error: OrderError) -> Problem {
    match error {
        OrderError::Impossible { .. } | OrderError::TooLate(_) | OrderError::TooEarly(_) => {
            Problem::new(Code::WrongState)
        }
    }
}

/// A state that is not there any more leaves this, so that it can be taken from a row.
pub(super) fn take(order: &mut Order) -> State {
    std::mem::replace(&mut order.state, State::Cancelled)
}
