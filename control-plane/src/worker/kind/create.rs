//! Bringing a server to life. The object is named after the instance, so that a repeat finds it; birth happens once, in the
//! cell.
//!
//! A hold that is placed meanwhile stops the server, not its birth: keys and storage are made, the owner's password comes back, the
//! order is done, and the server stands still with the hold's reason on its page. Waiting for the hold to be lifted would keep a
//! place and a name for something that nobody can look at, export or close. That it is ready is told to nobody before it runs.

use crd::condition;
use domain::Mode;
use domain::Topic;
use domain::audit::Action;
use domain::mode::effective;
use domain::operation::is_reached;
use jiff::Timestamp;
use names::Revision;
use serde_json::json;

use super::super::ask::ask;
use super::super::{Done, Run, Stop, tell};
use super::apply::waiting_for;
use crate::actor::Actor;
use crate::error::Problem;
use crate::platform::{Platform, Tx};
use crate::store;
use crate::store::audit::Entry;
use crate::store::instance::Instance;
use crate::store::operation::Operation;
use crate::store::outbox::About;

/// Writes the wish and waits until the server is there and its owner's password has come back.
///
/// # Errors
/// Why it is not done yet.
pub async fn run(run: &mut Run<'_>) -> Result<Done, Stop> {
    let instance = run.instance().await?;
    if instance.closing.is_some() {
        return Err(Stop::GivenUp);
    }
    if !run.has_asked() {
        ask(run).await?;
        run.progress("birth", 0, "").await?;
    }
    let instance = run.instance().await?;
    if let Some(step) = step(&instance, run.operation.revision) {
        let waits = waiting_for(&instance);
        let message = match &waits {
            Stop::Wait { message, .. } => message.clone(),
            Stop::Lost | Stop::Retry { .. } | Stop::Fail { .. } | Stop::GivenUp => String::new(),
        };
        run.progress(step, 0, &message).await?;
        return Err(waits);
    }
    let mut tx = run.begin().await?;
    live(run.platform, &mut tx, &instance, run.platform.now()).await?;
    run.done(tx).await
}

/// The step that a server is at; none when all are done.
#[must_use]
pub fn step(instance: &Instance, wanted: Option<Revision>) -> Option<&'static str> {
    let seen = &instance.observed;
    let carried_out = wanted.is_some_and(|wanted| is_reached(wanted, seen.revision));
    if !seen.is(condition::BORN) {
        Some("birth")
    } else if !carried_out && !seen.is(condition::SERVING) {
        Some("start")
    } else if !carried_out {
        Some("reach")
    } else if instance.claim_key_sealed.is_some() && instance.claim_answer.is_none() {
        Some("claim")
    } else {
        None
    }
}

/// What follows when a server is ready for the first time. Done twice, nothing follows twice.
async fn live(platform: &Platform, tx: &mut Tx, instance: &Instance, now: Timestamp) -> Result<(), Stop> {
    if !store::instance::set_ready(tx, instance.id, now).await? {
        return Ok(());
    }
    let about = About { organization: Some(instance.organization), instance: Some(instance.id), operation: None };
    if let Some(order) = instance.order
        && let Some(mut order) = store::order::lock(tx, order).await?
        && let Ok(done) = order.state.clone().finish()
    {
        order.state = done;
        order.instance = Some(instance.id);
        store::order::save(tx, &order, now).await?;
        let claim = order.state.name(now);
        store::hostname::follow(tx, &instance.hostname, order.id, Some(instance.id), claim).await?;
        store::outbox::write(tx, now, Topic::Order, about, json!({ "order": order.id, "state": order.state.as_str() }))
            .await?;
        let holds = store::hold::of_instance(tx, instance.id).await?;
        // Its owners were told why it stands still, and are told when that ends.
        if effective(instance.entitlement, &holds, false, None, now).mode < Mode::Frozen {
            tell::of_ready(platform, tx, instance).await?;
        }
    }
    store::outbox::write(tx, now, Topic::Instance, about, json!({ "ready": true })).await?;
    let entry = Entry {
        organization: Some(instance.organization),
        instance: Some(instance.id),
        subject: Some(instance.hostname.to_string()),
        ..Entry::default()
    };
    Ok(store::audit::write(tx, now, &Actor::system(), Action::InstanceReady, entry).await?)
}

/// What follows when a server could not be made: its order has failed, and can be tried again for a while.
///
/// # Errors
/// When the database refuses.
pub async fn failed(
    platform: &Platform,
    tx: &mut Tx,
    operation: &Operation,
    reason: &str,
    now: Timestamp,
) -> Result<(), Problem> {
    let Some(instance) = store::instance::find(tx, operation.subject.instance()).await? else { return Ok(()) };
    let Some(order) = instance.order else { return Ok(()) };
    let Some(mut order) = store::order::lock(tx, order).await? else { return Ok(()) };
    let Ok(failed) = order.state.clone().fail(reason.to_owned(), now) else { return Ok(()) };
    order.state = failed;
    store::order::save(tx, &order, now).await?;
    let claim = order.state.name(now);
    store::hostname::follow(tx, &instance.hostname, order.id, Some(instance.id), claim).await?;
    let about =
        About { organization: operation.organization, instance: Some(instance.id), operation: Some(operation.id) };
    store::outbox::write(tx, now, Topic::Order, about, json!({ "order": order.id, "state": order.state.as_str() }))
        .await?;
    tell::of_failed_order(platform, tx, &order).await
}

#[cfg(test)]
mod tests {
    use super::super::super::wish::tests::instance;
    use super::*;

    fn with(instance: &mut Instance, type_: &str) {
        instance.observed.conditions.push(crd::Condition {
            type_: type_.to_owned(),
            status: "True".to_owned(),
            reason: "X".to_owned(),
            message: String::new(),
            last_transition_time: instance.created_at,
            observed_generation: None,
        });
    }

    #[test]
    fn the_steps_follow_what_is_seen() {
        let wanted = Some(Revision(4));
        let mut server = Instance { claim_key_sealed: Some(vec![1]), ..instance() };
        assert_eq!(step(&server, wanted), Some("birth"));
        with(&mut server, condition::BORN);
        assert_eq!(step(&server, wanted), Some("start"));
        with(&mut server, condition::SERVING);
        assert_eq!(step(&server, wanted), Some("reach"));
        server.observed.revision = wanted;
        assert_eq!(step(&server, wanted), Some("claim"));
        server.claim_answer = Some("sealed".to_owned());
        assert_eq!(step(&server, wanted), None);
    }

    #[test]
    fn a_server_that_is_held_from_birth_on_is_done_when_it_stands_still() {
        let mut server = instance();
        with(&mut server, condition::BORN);
        with(&mut server, condition::STOPPED);
        server.observed.revision = Some(Revision(4));
        assert_eq!(step(&server, Some(Revision(4))), None);
    }
}
