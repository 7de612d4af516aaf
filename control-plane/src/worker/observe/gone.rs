//! Servers whose objects are gone from their cell. Only a purge takes one away, and only after the server was closed.

use std::collections::BTreeSet;

use domain::Topic;
use domain::audit::Action;
use serde_json::json;
use sqlx::{Connection as _, PgConnection};

use crate::actor::Actor;
use crate::platform::Platform;
use crate::store;
use crate::store::audit::Entry;
use crate::store::cell::Cell;
use crate::store::instance::Instance;
use crate::store::outbox::About;

/// What follows when a list is complete: servers that were seen before and are not in it are gone.
pub(super) async fn not_among(
    platform: &Platform,
    database: &mut PgConnection,
    cell: &Cell,
    listed: &BTreeSet<String>,
) -> store::Result<()> {
    for name in store::instance::seen_names(database, cell.id).await? {
        if !listed.contains(&name) {
            gone(platform, database, cell, &name).await?;
        }
    }
    Ok(())
}

/// What follows when a server's object is gone: its data were destroyed if it was closed, and something is very wrong if not.
pub(super) async fn gone(
    platform: &Platform,
    database: &mut PgConnection,
    cell: &Cell,
    name: &str,
) -> store::Result<()> {
    let now = platform.now();
    let mut tx = database.begin().await?;
    let Some(instance) = store::instance::lock_named(&mut tx, cell.id, name).await? else { return Ok(()) };
    let about = About { organization: Some(instance.organization), instance: Some(instance.id), operation: None };
    match instance.closing {
        Some(_) => {
            purged(&mut tx, &instance, now).await?;
            store::outbox::write(&mut tx, now, Topic::Instance, about, json!({ "purged": true })).await?;
        }
        None => {
            tracing::error!(cell = cell.name, instance = name, host = %instance.hostname, "its object is gone, and nobody closed it");
            store::instance::vanished(&mut tx, instance.id).await?;
            store::outbox::write(&mut tx, now, Topic::Alarm, about, json!({ "reason": "instance-gone" })).await?;
        }
    }
    Ok(tx.commit().await?)
}

async fn purged(database: &mut PgConnection, instance: &Instance, now: jiff::Timestamp) -> store::Result<()> {
    if !store::instance::set_purged(database, instance.id, now).await? {
        return Ok(());
    }
    store::hostname::retire(database, &instance.hostname).await?;
    store::cell::free_place(database, instance.cell, instance.size).await?;
    let entry = Entry {
        organization: Some(instance.organization),
        instance: Some(instance.id),
        subject: Some(instance.hostname.to_string()),
        ..Entry::default()
    };
    store::audit::write(database, now, &Actor::system(), Action::InstancePurge, entry).await
}
