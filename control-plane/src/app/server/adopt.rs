//! Adopting a server: it runs in a cell and this database does not know it, because it was made by hand or because the
//! database was lost or is older. What it is and does stays as it is.

use domain::audit::Action;
use domain::closing::Closing;
use domain::hold::Authority;
use domain::id::{HoldId, InstanceId, OfferId, OrganizationId};
use domain::operation::{Kind, Subject};
use domain::{Email, Entitlement, Hold, HoldKind};
use kube::ResourceExt as _;
use serde_json::json;

use super::closing::undo;
use super::note;
use crate::actor::Actor;
use crate::app::operation::begin;
use crate::error::{Code, Problem};
use crate::platform::{Platform, Tx};
use crate::store;
use crate::store::audit::Entry;
use crate::store::cell::Cell;
use crate::store::instance::Adopted;

/// For whom and as what a server is adopted.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Whose it is from now on.
    pub organization: OrganizationId,
    /// What it counts as having been ordered.
    pub offer: OfferId,
    /// Where its owner reads mail: the cell does not know.
    pub owner_email: Email,
}

/// Takes a server into the database. `object` is what its cell says of it now.
///
/// # Errors
/// `not-found` when there is no such organization or offer; `name-taken` when its name is another's here; `wrong-state` when
/// it is known already or is of another flavour or size than the offer.
pub async fn adopt(
    platform: &Platform,
    actor: &Actor,
    cell: &Cell,
    object: &crd::Instance,
    wish: &Wish,
) -> Result<InstanceId, Problem> {
    let (id, now, spec) = (platform.id(InstanceId::new)?, platform.now(), &object.spec);
    let mut tx = platform.begin().await?;
    if !store::organization::lock(&mut tx, wish.organization).await? {
        return Err(Problem::new(Code::NotFound));
    }
    let offer = store::offer::find(&mut tx, wish.offer).await?.ok_or(Problem::new(Code::NotFound))?;
    if (offer.offer.conditions.flavour, offer.offer.conditions.size) != (spec.flavour, spec.size) {
        return Err(Problem::new(Code::WrongState));
    }
    let new = Adopted {
        id,
        organization: wish.organization,
        cell: cell.id,
        offer: wish.offer,
        object_name: &object.name_any(),
        spec,
        owner_email: &wish.owner_email,
        entitlement: Entitlement::Full,
        ready: object
            .status
            .as_ref()
            .is_some_and(|status| crd::condition::is_true(&status.conditions, crd::condition::READY)),
        at: now,
    };
    match store::instance::adopt(&mut tx, &new).await {
        Err(error) if error.constraint() == Some("instances_object_name_key") => {
            return Err(Problem::new(Code::WrongState));
        }
        Err(error) if error.constraint() == Some("instances_hostname_key") => {
            return Err(Problem::new(Code::NameTaken));
        }
        other => other?,
    }
    if !store::hostname::adopt(&mut tx, &spec.hostname, wish.organization, id, now).await? {
        return Err(Problem::new(Code::NameTaken));
    }
    store::cell::count_place(&mut tx, cell.id, spec.size).await?;
    as_it_stands(platform, &mut tx, actor, id, spec).await?;
    let instance = store::instance::find(&mut tx, id).await?.ok_or(Problem::new(Code::NotFound))?;
    begin(platform, &mut tx, actor, &instance, Kind::ApplyInstance, Subject::Instance(id)).await?;
    let detail = json!({ "cell": cell.name, "object": new.object_name, "hostname": spec.hostname });
    let entry = Entry { subject: Some(spec.hostname.to_string()), detail, ..Entry::default() };
    note(platform, &mut tx, actor, &instance, Action::InstanceAdopt, entry).await?;
    tx.commit().await?;
    Ok(id)
}

/// What stands still is not started by being adopted: why it does is for a person to find out and lift.
async fn as_it_stands(
    platform: &Platform,
    tx: &mut Tx,
    actor: &Actor,
    id: InstanceId,
    spec: &crd::InstanceSpec,
) -> Result<(), Problem> {
    let now = platform.now();
    let found = || "It was found like this in its cell.".to_owned();
    let kind = match spec.mode {
        crd::Mode::Running => None,
        crd::Mode::ReadOnly => Some(HoldKind::Capacity),
        crd::Mode::Frozen => Some(HoldKind::Staff),
        crd::Mode::Closing => {
            store::instance::set_closing(tx, id, Some(Closing::begin(now, undo(platform)))).await?;
            None
        }
    };
    let legal = spec.legal_hold.clone().map(|reason| (HoldKind::Legal, reason));
    for (kind, reason) in legal.into_iter().chain(kind.map(|kind| (kind, found()))) {
        let hold = Hold::place(platform.id(HoldId::new)?, kind, reason, Authority::Staff, now, None);
        store::hold::insert(tx, id, &hold.map_err(Problem::internal)?, actor.who).await?;
    }
    Ok(())
}
