//! Placing an order: one transaction, or nothing.

use billing::{Admission, Billing as _, ManualBilling};
use domain::audit::Action;
use domain::id::{OfferId, OrderId, OrganizationId};
use domain::label::ServerName;
use domain::limits::Bucket;
use domain::offer::{Approval, Conditions};
use domain::order::{Order as State, OrderRefusal, may_place};
use domain::{Email, Money};
use names::{Handle, Hostname};
use serde_json::json;

use super::{announce, provision, told, zones};
use crate::actor::Actor;
use crate::app::{tell, throttle};
use crate::error::{Code, Problem};
use crate::platform::{Platform, Tx};
use crate::store::account::Account;
use crate::store::audit::Entry;
use crate::store::order::Order;
use crate::store::terms::Terms;
use crate::store::{self, offer::Offer};

/// A server that somebody wants.
#[derive(Debug, Clone)]
pub struct Wish {
    /// For whom.
    pub organization: OrganizationId,
    /// Which version of which offer.
    pub offer: OfferId,
    /// The price they saw.
    pub price: Money,
    /// The name they chose, without the zone.
    pub label: String,
    /// The zone it is to be in.
    pub zone: Hostname,
    /// The account its owner will have there.
    pub owner_handle: Handle,
    /// Where its owner reads mail.
    pub owner_email: Email,
    /// What they agreed to.
    pub terms: Terms,
}

/// Places an order: the name is held, a place is taken or waited for, and when nobody must agree the server is begun at once.
///
/// # Errors
/// `too-many`, `unconfirmed`, `limit-reached`, `offer-changed`, `name-taken`, or `invalid` with the fields.
pub async fn place(platform: &Platform, actor: &Actor, account: &Account, wish: Wish) -> Result<OrderId, Problem> {
    throttle::take(platform, Bucket::Order, &wish.organization.to_string()).await?;
    let mut tx = platform.begin().await?;
    within_limit(&mut tx, account, wish.organization).await?;
    let offer = agreed(platform, &mut tx, &wish).await?;
    let name = hold_name(platform, &mut tx, &wish).await?;
    let mut order = admit(platform, &mut tx, account, &wish, &offer, name).await?;
    write(platform, &mut tx, actor, &mut order, &wish).await?;
    tx.commit().await?;
    Ok(order.id)
}

async fn within_limit(tx: &mut Tx, account: &Account, organization: OrganizationId) -> Result<(), Problem> {
    let limit = store::organization::lock_server_limit(tx, organization).await?;
    let have =
        store::instance::count_open(tx, organization).await? + store::order::count_open(tx, organization).await?;
    let have = u32::try_from(have).unwrap_or(u32::MAX);
    may_place(account.email_confirmed_at.is_some(), have, limit).map_err(|refusal| match refusal {
        OrderRefusal::Unconfirmed => Problem::new(Code::Unconfirmed),
        OrderRefusal::Limit(_) => Problem::new(Code::LimitReached),
    })
}

/// The offer and the terms must be those that were read.
async fn agreed(platform: &Platform, tx: &mut Tx, wish: &Wish) -> Result<Offer, Problem> {
    let offer = store::offer::find(tx, wish.offer).await?;
    let offer = offer.filter(|one| one.offer.is_current() && one.offer.conditions.price == wish.price);
    let offer = offer.ok_or(Problem::new(Code::OfferChanged))?;
    match store::terms::current(tx, platform.now()).await? == wish.terms {
        true => Ok(offer),
        false => Err(Problem::field("agree", "terms-changed")),
    }
}

/// Of two that want a name at once the second one waits here for the first, and does not get it.
async fn hold_name(platform: &Platform, tx: &mut Tx, wish: &Wish) -> Result<Hostname, Problem> {
    if !zones(tx).await?.contains(&wish.zone) {
        return Err(Problem::new(Code::OfferChanged));
    }
    let name = ServerName::parse(&wish.label, &wish.zone).map_err(|error| Problem::field("label", error.code()))?;
    let now = platform.now();
    let until = now + domain::order::WAITING;
    match store::hostname::hold(tx, &name, wish.organization, until, now).await? {
        true => Ok(name),
        false => Err(taken()),
    }
}

/// A taken name, told at its field.
fn taken() -> Problem {
    let fields = Problem::field("label", "label-taken").fields;
    Problem { fields, ..Problem::new(Code::NameTaken) }
}

/// Who must agree, by the offer and by who takes the money.
pub(super) fn approval(conditions: &Conditions) -> Result<Approval, Problem> {
    match ManualBilling.admission(conditions) {
        Admission::AtOnce => Ok(Approval::None),
        Admission::Staff => Ok(Approval::Staff),
        Admission::Checkout => Err(Problem::internal(anyhow::anyhow!("manual billing has no checkout"))),
    }
}

/// A place for it, or one in the waitlist: nobody overtakes those who wait.
async fn admit(
    platform: &Platform,
    tx: &mut Tx,
    account: &Account,
    wish: &Wish,
    offer: &Offer,
    hostname: Hostname,
) -> Result<Order, Problem> {
    let (conditions, now) = (&offer.offer.conditions, platform.now());
    let cell = match store::order::is_waited_for(tx, conditions.size).await? {
        true => None,
        false => store::cell::take_place(tx, conditions.size, Some(&wish.zone)).await?,
    };
    Ok(Order {
        id: platform.id(OrderId::new)?,
        organization: wish.organization,
        account: account.id,
        offer: offer.offer.id,
        size: conditions.size,
        hostname,
        owner_handle: wish.owner_handle.clone(),
        owner_email: wish.owner_email.clone(),
        price: conditions.price,
        terms_version: wish.terms.terms.clone(),
        processing_version: wish.terms.processing.clone(),
        state: State::place(cell.is_some(), approval(conditions)?, now),
        cell,
        instance: None,
        created_at: now,
        updated_at: now,
        version: 1,
    })
}

async fn write(platform: &Platform, tx: &mut Tx, actor: &Actor, order: &mut Order, wish: &Wish) -> Result<(), Problem> {
    let now = platform.now();
    store::order::insert(tx, order).await?;
    store::hostname::belongs_to(tx, &order.hostname, order.id).await?;
    store::hostname::follow(tx, &order.hostname, order.id, None, order.state.name(now)).await?;
    let from = actor.address.map(|address| address.to_string()).unwrap_or_default();
    store::terms::accept(tx, order.account, &wish.terms, &from, now).await?;
    let waits = matches!(order.state, State::Waitlisted { .. });
    if order.state == State::Provisioning {
        let begun = provision(platform, tx, actor, order).await;
        begun.map_err(|problem| if problem.code == Code::NameTaken { taken() } else { problem })?;
    }
    announce(platform, tx, order).await?;
    let detail = json!({ "hostname": order.hostname, "offer": order.offer, "price": order.price.to_string() });
    let entry = Entry {
        organization: Some(order.organization),
        instance: order.instance,
        subject: Some(order.id.to_string()),
        detail,
        ..Entry::default()
    };
    store::audit::write(tx, now, actor, Action::OrderPlace, entry).await?;
    let template = if waits { "waitlisted" } else { "ordered" };
    tell::owners(platform, tx, order.organization, told(platform, order, template)).await
}
