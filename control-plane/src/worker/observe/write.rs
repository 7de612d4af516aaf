//! Writing what was seen: many objects in one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use crd::{AccountChange, Export, Instance};
use domain::Topic;
use domain::id::{ExportId, InstanceId};
use jiff::Timestamp;
use kube::ResourceExt as _;
use names::Size;
use serde_json::json;
use sqlx::{Connection as _, PgConnection};

use super::digest::digest;
use crate::error::Problem;
use crate::gateway::cluster::Object;
use crate::platform::Platform;
use crate::store;
use crate::store::cell::{Cell, Refused, Said};
use crate::store::outbox::About;
use crate::store::{account_change, export, instance};
use crate::worker::ask::recipient;
use crate::worker::guard::refuse;

/// Objects by name: of two states of one object in a batch only the later one counts.
#[derive(Default)]
struct Batch {
    cell: Option<Arc<crd::Cell>>,
    instances: BTreeMap<String, Arc<Instance>>,
    exports: BTreeMap<String, Arc<Export>>,
    changes: BTreeMap<String, Arc<AccountChange>>,
}

impl FromIterator<Object> for Batch {
    fn from_iter<I: IntoIterator<Item = Object>>(objects: I) -> Self {
        let mut batch = Self::default();
        for object in objects {
            match object {
                Object::Cell(cell) => batch.cell = Some(cell),
                Object::Instance(one) => drop(batch.instances.insert(one.name_any(), one)),
                Object::Export(one) => drop(batch.exports.insert(one.name_any(), one)),
                Object::AccountChange(one) => drop(batch.changes.insert(one.name_any(), one)),
            }
        }
        batch
    }
}

/// Writes what was seen, tells readers what changed, and wakes what waits for it. `false`: the cell has later wishes than this
/// database, and nothing of it is believed.
pub(super) async fn write(
    platform: &Platform,
    database: &mut PgConnection,
    cell: &Cell,
    objects: Vec<Object>,
) -> Result<bool, Problem> {
    let batch: Batch = objects.into_iter().collect();
    if let Some(message) = behind(database, cell, &batch).await? {
        refuse(platform, database, cell, Refused::DatabaseBehind, &message).await?;
        return Ok(false);
    }
    let now = platform.now();
    let mut tx = database.begin().await?;
    let mut wake: Vec<InstanceId> = Vec::new();
    if let Some(seen) = &batch.cell
        && store::cell::observe(&mut tx, cell.id, &said(seen)).await?
    {
        cell_changed(platform, &mut tx, cell, "said").await?;
    }
    let seen: Vec<instance::Seen> = batch.instances.values().filter_map(|one| see_instance(one)).collect();
    for changed in instance::observe(&mut tx, cell.id, &seen).await? {
        let about = About { organization: Some(changed.organization), instance: Some(changed.id), operation: None };
        store::outbox::write(&mut tx, now, Topic::InstanceSeen, about, json!({})).await?;
        wake.push(changed.id);
    }
    write_exports(platform, &mut tx, cell, &batch, now, &mut wake).await?;
    for seen in batch.changes.values().filter_map(|one| see_change(one)) {
        if let Some(changed) = account_change::observe(&mut tx, cell.id, &seen).await? {
            let about =
                About { organization: Some(changed.organization), instance: Some(changed.instance), operation: None };
            let payload = json!({ "change": changed.id, "phase": changed.phase.as_str() });
            store::outbox::write(&mut tx, now, Topic::AccountChange, about, payload).await?;
            wake.push(changed.instance);
        }
    }
    if !wake.is_empty() {
        store::operation::wake(&mut tx, &wake, now).await?;
    }
    tx.commit().await?;
    Ok(true)
}

async fn behind(database: &mut PgConnection, cell: &Cell, batch: &Batch) -> store::Result<Option<String>> {
    let names: Vec<String> = batch.instances.keys().cloned().collect();
    if names.is_empty() {
        return Ok(None);
    }
    let ours = instance::revisions(database, cell.id, &names).await?;
    Ok(ours.into_iter().find_map(|(_, name, ours)| {
        let theirs = batch.instances.get(&name)?.spec.revision?;
        (theirs > ours).then(|| format!("{name} has wish {theirs} there, and {ours} is the last one known here"))
    }))
}

async fn write_exports(
    platform: &Platform,
    database: &mut PgConnection,
    cell: &Cell,
    batch: &Batch,
    now: Timestamp,
    wake: &mut Vec<InstanceId>,
) -> store::Result<()> {
    let names: Vec<String> = batch.exports.keys().cloned().collect();
    let unknown = if names.is_empty() { Vec::new() } else { export::unknown(database, &names).await? };
    for (name, object) in &batch.exports {
        let Some(seen) = see_export(object) else { continue };
        if unknown.contains(name) {
            let id = platform.id(ExportId::new).map_err(|error| store::Error::corrupt("exports", name, error))?;
            if !export::adopt(database, cell.id, id, &seen).await? {
                continue; // It is of a server that is none of ours.
            }
        }
        let claim = answer(platform, database, name, &seen).await?;
        if let Some(changed) = export::observe(database, cell.id, &seen, claim.as_ref()).await? {
            let about =
                About { organization: Some(changed.organization), instance: Some(changed.instance), operation: None };
            let payload = json!({ "export": changed.id, "phase": changed.phase.as_str() });
            store::outbox::write(database, now, Topic::Export, about, payload).await?;
            wake.push(changed.instance);
        }
    }
    Ok(())
}

/// The key of ours that waits, and the bundle's own key, if it is sealed to that one: an answer to an earlier question is not taken
/// for one to this.
async fn answer(
    platform: &Platform,
    database: &mut PgConnection,
    name: &str,
    seen: &export::Seen,
) -> store::Result<Option<(Vec<u8>, String)>> {
    let Some((claim, sealed_to)) = &seen.claim else { return Ok(None) };
    let Some(ours) = export::awaited_key(database, name).await? else { return Ok(None) };
    match recipient(platform, Some(&ours)) {
        Ok(Some(to)) if to == *sealed_to => Ok(Some((ours, claim.clone()))),
        Ok(_) => Ok(None),
        Err(error) => {
            tracing::error!(export = name, %error, "the key that waits for its answer cannot be opened");
            Ok(None)
        }
    }
}

/// Tells readers that a cell was lost or reached, or that its room changed.
pub(super) async fn cell_changed(
    platform: &Platform,
    database: &mut PgConnection,
    cell: &Cell,
    what: &str,
) -> store::Result<()> {
    let payload = json!({ "cell": cell.name, "what": what });
    store::outbox::write(database, platform.now(), Topic::Cell, About::default(), payload).await
}

fn said(cell: &crd::Cell) -> Said {
    let room = cell.spec.room.iter().filter_map(|(size, room)| Some((size.parse::<Size>().ok()?, *room))).collect();
    let breaker = cell.status.as_ref().and_then(|status| status.breaker.as_ref());
    Said { room, breaker: breaker.map(|breaker| format!("{}: {}", breaker.reason, breaker.message)) }
}

fn see_instance(object: &Instance) -> Option<instance::Seen> {
    let status = object.status.clone().unwrap_or_default();
    Some(instance::Seen {
        object_name: object.name_any(),
        uid: object.uid()?,
        digest: digest(object, &status),
        revision: status.observed_revision,
        mode: status.mode,
        conditions: serde_json::to_value(&status.conditions).ok()?,
        address: status.address,
        last_export: status.last_export.map(|last| (last.manifest_digest, last.finished_at)),
        claim: status.owner_claim,
    })
}

fn see_export(object: &Export) -> Option<export::Seen> {
    let status = object.status.clone().unwrap_or_default();
    Some(export::Seen {
        object_name: object.name_any(),
        uid: object.uid()?,
        instance_name: object.spec.instance_ref.name.clone(),
        digest: digest(object, &status),
        reason: object.spec.reason.into(),
        recipient: object.spec.recipient.clone(),
        work: status.work,
        bundle: status.bundle.map(|bundle| export::Bundle {
            prefix: bundle.prefix,
            manifest_digest: bundle.manifest_digest,
            bytes: bundle.bytes,
            parts: bundle.parts,
            stopped_seconds: bundle.stopped_seconds,
        }),
        claim: status.key_claim.zip(status.key_claim_for),
        expired_at: status.expired_at,
        created_at: object.creation_timestamp().map_or(Timestamp::UNIX_EPOCH, |time| time.0),
    })
}

fn see_change(object: &AccountChange) -> Option<account_change::Seen> {
    let status = object.status.clone().unwrap_or_default();
    Some(account_change::Seen {
        object_name: object.name_any(),
        uid: object.uid()?,
        digest: digest(object, &status),
        work: status.work,
        claim: status.claim,
    })
}
