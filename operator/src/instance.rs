//! Instances: from an object to an isolated running server, and back to rest.

mod apply;
#[cfg(test)]
mod fixture;
pub mod flavour;
mod memory;
pub mod notes;
pub mod observe;
pub mod plan;
pub mod power;
pub mod resources;
pub mod status;
#[cfg(test)]
mod tests;
pub mod validate;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crd::{Instance, condition};
use kube::runtime::controller::Action;
use kube::runtime::reflector::Store;
use kube::{Resource as _, ResourceExt as _};
use tokio_util::sync::CancellationToken;

pub use memory::Memory;

use crate::backoff::spread;
use crate::cache::{Caches, Trigger};
use crate::context::Context;
use crate::controller::{Concern, Reconciler};
use crate::error::Error;
use observe::SecretSight;
use plan::Decision;
use status::Outcome;

/// When our own writes are not in the caches yet: their arrival asks for a reconcile by itself; this is for the case
/// that it came in between.
const CATCH_UP: Duration = Duration::from_millis(500);
/// A birth that waits is looked at again after this time: its retry has no event of its own.
const BIRTH: Duration = Duration::from_secs(30);
/// So is an instance whose host name is taken, and one whose start waits.
const HELD: Duration = Duration::from_secs(60);
/// One whose Secret may not be read, because a right that comes back has no event.
const UNREADABLE: Duration = Duration::from_secs(10);

/// How often instances that are gone are forgotten.
const SWEEP: Duration = Duration::from_secs(60);

/// Forgets, until `stop`, what is remembered of instances that are gone: they have no reconcile in which to do it.
pub async fn sweep(context: Arc<Context>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(SWEEP) => {}
        }
        let uids: HashSet<String> =
            context.caches.instances.state().iter().filter_map(|instance| instance.uid()).collect();
        context.probes.retain(|uid| uids.contains(uid));
        context.instances.retain(|uid| uids.contains(uid));
    }
}

/// Reconciles instances.
pub struct InstanceReconciler;

impl Reconciler for InstanceReconciler {
    type Object = Instance;

    const KIND: &'static str = "Instance";

    fn store(caches: &Caches) -> Store<Instance> {
        caches.instances.clone()
    }

    fn concerned(caches: &Caches, trigger: &Trigger) -> Concern {
        match trigger {
            Trigger::All => Concern::All,
            Trigger::Instance { name, .. } if caches.instance(name).is_some() => Concern::These(vec![name.clone()]),
            Trigger::Instance { .. } => Concern::These(Vec::new()),
        }
    }

    async fn reconcile(context: Arc<Context>, instance: Arc<Instance>) -> Result<Action, Error> {
        if !context.selects(&*instance) {
            return Ok(Action::await_change());
        }
        let name = instance.name_any();
        let owned = context.caches.owned.of(&name);
        if context.writer.is_ahead_of(&name, &owned).await? {
            return Ok(Action::requeue(CATCH_UP));
        }
        let seen = observe::observe(&context, instance).await?;
        let wish = validate::validate(&seen);
        let decision = plan::plan(&seen, wish);
        tracing::debug!(instance = name, uid = seen.instance.uid(), plan = %decision, "decided");
        match decision {
            Decision::Paused(by) => finish(&context, &seen, &Outcome::Paused(by)).await,
            Decision::Refused(refusal) => finish(&context, &seen, &Outcome::Refused(&refusal)).await,
            Decision::Carry(plan) => {
                let applied = apply::apply(&context, &seen, *plan).await?;
                finish(&context, &seen, &Outcome::Carried(&applied)).await
            }
        }
    }
}

/// Saves the status, tells what changed, and says when to look again.
async fn finish(context: &Context, seen: &observe::Observed, outcome: &Outcome<'_>) -> Result<Action, Error> {
    let instance = match outcome {
        Outcome::Carried(applied) => applied.held.as_ref().unwrap_or(&seen.instance),
        Outcome::Paused(_) | Outcome::Refused(_) => &seen.instance,
    };
    let old = instance.status.clone().unwrap_or_default();
    let new = status::next(seen, outcome);
    if crate::status::save(&context.client, &**instance, &old, &new).await? {
        let name = instance.name_any();
        let ready = |conditions: &[crd::Condition]| condition::is_true(conditions, condition::READY);
        // The version is recorded with the first Ready.
        if ready(&new.conditions) && !ready(&old.conditions) && old.version.is_none() {
            became_ready(context, instance);
        }
        tracing::info!(
            instance = name,
            uid = instance.uid(),
            mode = new.mode.map(crd::Mode::as_str),
            ready = ready(&new.conditions),
            "status changed"
        );
        let notes = notes::notes(&old, &new);
        context.events.tell(&instance.object_ref(&()), notes).await;
    }
    Ok(Action::requeue(again(context, seen, outcome)))
}

fn became_ready(context: &Context, instance: &Instance) {
    if let Some(created) = instance.creation_timestamp() {
        let seconds = context.clock.now().duration_since(created.0).as_secs_f64();
        context.metrics.became_ready(seconds);
    }
}

fn again(context: &Context, seen: &observe::Observed, outcome: &Outcome<'_>) -> Duration {
    let resync = context.config.resync.mul_f64(0.75 + 0.5 * spread(&seen.instance.name_any()));
    let soon = match outcome {
        Outcome::Paused(_) => resync,
        Outcome::Refused(_) => HELD,
        Outcome::Carried(_) if matches!(seen.secret, SecretSight::Unreadable(_)) => UNREADABLE,
        Outcome::Carried(applied) if applied.birth.is_some() => BIRTH,
        Outcome::Carried(applied) => match applied.power {
            power::Power::Wait(_) => HELD,
            power::Power::Off(_) | power::Power::Announce | power::Power::On => resync,
        },
    };
    // The identity Secret has no events.
    soon.min(resync).min(context.config.identity_check)
}
