//! Servers: what their people want of them. Each wish is written down and carried out by an operation.

pub mod adopt;
pub mod claim;
pub mod closing;
pub mod hold;
pub mod pause;
pub mod settings;
pub mod standing;
pub mod user;

use domain::Topic;
use domain::audit::Action;
use domain::id::InstanceId;
use serde_json::json;

use super::tell::News;
use crate::actor::Actor;
use crate::error::{Code, Problem};
use crate::platform::{Platform, Tx};
use crate::store;
use crate::store::audit::Entry;
use crate::store::instance::Instance;
use crate::store::outbox::About;

/// A server, locked. Nothing more can be done to one whose data were destroyed.
pub(super) async fn lock(tx: &mut Tx, id: InstanceId) -> Result<Instance, Problem> {
    let found = lock_any(tx, id).await?;
    if found.purged_at.is_some() { Err(Problem::new(Code::WrongState)) } else { Ok(found) }
}

/// A server, locked, its data destroyed or not.
pub(super) async fn lock_any(tx: &mut Tx, id: InstanceId) -> Result<Instance, Problem> {
    store::instance::lock(tx, id).await?.ok_or(Problem::new(Code::NotFound))
}

/// Writes down what was done to a server, for the log and for whoever looks on.
pub(super) async fn note(
    platform: &Platform,
    tx: &mut Tx,
    actor: &Actor,
    instance: &Instance,
    action: Action,
    entry: Entry,
) -> Result<(), Problem> {
    let about = About { organization: Some(instance.organization), instance: Some(instance.id), operation: None };
    let topic = match action.noun() {
        "hold" => Topic::Hold,
        "export" => Topic::Export,
        _ => Topic::Instance,
    };
    store::outbox::write(tx, platform.now(), topic, about, json!({ "action": action })).await?;
    let entry = Entry { organization: Some(instance.organization), instance: Some(instance.id), ..entry };
    Ok(store::audit::write(tx, platform.now(), actor, action, entry).await?)
}

/// A mail about a server.
pub(crate) fn told(platform: &Platform, instance: &Instance, template: &'static str) -> News {
    let link = platform.link(&format!("/servers/{}", instance.id));
    News { template, arguments: json!({ "host": instance.hostname.as_str(), "link": link }), until: None }
}
