//! How a server stands. Decided in `domain`; here what that needs is read.

use std::collections::HashMap;

use domain::id::{CellId, InstanceId, OrderId};
use domain::mode::{Effective, effective};
use domain::operation::is_reached;
use domain::standing::{Facts, Seen};
use domain::{Hold, Order, Standing};
use jiff::Timestamp;
use sqlx::PgConnection;

use crate::error::Problem;
use crate::store;
use crate::store::instance::Instance;

/// What is known of a server beside its row.
#[derive(Debug)]
pub struct Known {
    /// Its holds that are in force.
    pub holds: Vec<Hold>,
    /// What it should be doing, and why.
    pub effective: Effective,
    order: Option<Order>,
    seen: Seen,
    instance: Instance,
    cell_lost_since: Option<Timestamp>,
    now: Timestamp,
}

impl Known {
    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing::of(&Facts {
            order: self.order.as_ref(),
            effective: &self.effective,
            seen: self.seen,
            closing: self.instance.closing,
            purged_at: self.instance.purged_at,
            cell_lost_since: self.cell_lost_since,
            now: self.now,
        })
    }
}

/// Reads what is known of servers, in few queries however many they are; in their order.
///
/// # Errors
/// When the database refuses.
pub async fn facts(
    connection: &mut PgConnection,
    instances: &[Instance],
    now: Timestamp,
) -> Result<Vec<Known>, Problem> {
    let ids: Vec<InstanceId> = instances.iter().map(|one| one.id).collect();
    let mut holds: HashMap<InstanceId, Vec<Hold>> = HashMap::new();
    for (instance, hold) in store::hold::of_instances(connection, &ids).await? {
        holds.entry(instance).or_default().push(hold);
    }
    let orders: Vec<OrderId> = instances.iter().filter_map(|one| one.order).collect();
    let orders = store::order::with_ids(connection, &orders).await?;
    let orders: HashMap<OrderId, Order> = orders.into_iter().map(|order| (order.id, order.state)).collect();
    let cells = store::cell::all(connection).await?;
    let cells: HashMap<CellId, Option<Timestamp>> =
        cells.into_iter().map(|cell| (cell.id, cell.unreachable_since)).collect();
    let known = |instance: &Instance| {
        let held = holds.remove(&instance.id).unwrap_or_default();
        let held: Vec<Hold> = held.into_iter().filter(|hold| hold.is_in_force(now)).collect();
        Known {
            effective: effective(instance.entitlement, &held, instance.closing.is_some(), None, now),
            holds: held,
            order: instance.order.and_then(|order| orders.get(&order).cloned()),
            seen: seen(instance),
            cell_lost_since: cells.get(&instance.cell).copied().flatten(),
            instance: instance.clone(),
            now,
        }
    };
    Ok(instances.iter().map(known).collect())
}

fn seen(instance: &Instance) -> Seen {
    let observed = &instance.observed;
    let started = observed.condition(crd::condition::STOPPED).filter(|condition| condition.status == "False");
    let refused = observed.condition(crd::condition::ACCEPTED).is_some_and(|condition| condition.status == "False");
    Seen {
        caught_up: is_reached(instance.revision, observed.revision),
        mode: observed.mode,
        was_ready: instance.ready_at.is_some(),
        refused,
        host_taken: observed.is(crd::condition::HOST_TAKEN),
        identity_missing: observed.is(crd::condition::IDENTITY_MISSING),
        started_at: started.map(|condition| condition.last_transition_time),
        serving: observed.is(crd::condition::SERVING),
        reachable: observed.is(crd::condition::REACHABLE),
    }
}
