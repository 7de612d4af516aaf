//! What can be set of a server from outside.

use bundle::seal::Recipient;
use domain::Email;
use domain::audit::Action;
use domain::email::EmailError;
use domain::id::{InstanceId, OperationId};
use domain::operation::{Kind, Subject};
use domain::person::{Prose, TextError};
use serde_json::json;

use super::{lock, note};
use crate::actor::Actor;
use crate::app::operation::begin;
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::store;
use crate::store::audit::Entry;
use crate::store::instance::Settings;

/// What visitors read of a server. Nothing leaves it as the server has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wish {
    /// The title.
    pub title: Option<String>,
    /// A sentence or two.
    pub description: Option<String>,
    /// Where visitors can write to.
    pub contact_email: Option<Email>,
}

/// Changes what visitors read, if nobody was faster: `version` is that of the server as it was seen.
///
/// # Errors
/// `stale`.
pub async fn set(
    platform: &Platform,
    actor: &Actor,
    id: InstanceId,
    version: i64,
    wish: &Wish,
) -> Result<OperationId, Problem> {
    let mut tx = platform.begin().await?;
    let instance = lock(&mut tx, id).await?;
    let settings = Settings {
        title: wish.title.as_deref(),
        description: wish.description.as_deref(),
        contact_email: wish.contact_email.as_ref(),
        export_recipient: instance.export_recipient.as_deref(),
    };
    if !store::instance::set(&mut tx, id, version, &settings).await? {
        return Err(Problem::new(Code::Stale));
    }
    let operation = begin(platform, &mut tx, actor, &instance, Kind::ApplyInstance, Subject::Instance(id)).await?;
    let detail = json!({ "before": { "title": instance.title }, "after": { "title": wish.title } });
    note(platform, &mut tx, actor, &instance, Action::InstanceSettings, Entry { detail, ..Entry::default() }).await?;
    tx.commit().await?;
    Ok(operation)
}

/// Changes the key to which a server's bundles are encrypted from now on; none gives each a key of its own.
///
/// # Errors
/// `stale`.
pub async fn set_recipient(
    platform: &Platform,
    actor: &Actor,
    id: InstanceId,
    version: i64,
    recipient: Option<&Recipient>,
) -> Result<OperationId, Problem> {
    let mut tx = platform.begin().await?;
    let instance = lock(&mut tx, id).await?;
    let recipient = recipient.map(ToString::to_string);
    let settings = Settings {
        title: instance.title.as_deref(),
        description: instance.description.as_deref(),
        contact_email: instance.contact_email.as_ref(),
        export_recipient: recipient.as_deref(),
    };
    if !store::instance::set(&mut tx, id, version, &settings).await? {
        return Err(Problem::new(Code::Stale));
    }
    let operation = begin(platform, &mut tx, actor, &instance, Kind::ApplyInstance, Subject::Instance(id)).await?;
    let detail = json!({ "before": instance.export_recipient, "after": recipient });
    note(platform, &mut tx, actor, &instance, Action::InstanceExportKey, Entry { detail, ..Entry::default() }).await?;
    tx.commit().await?;
    Ok(operation)
}

/// A title as it was written: one line, or nothing.
///
/// # Errors
/// A stable word for what is wrong with it.
pub fn title(text: &str) -> Result<Option<String>, &'static str> {
    match prose::<100>(text)? {
        Some(text) if text.contains(['\n', '\t']) => Err("text-characters"),
        other => Ok(other),
    }
}

/// A description as it was written, or nothing.
///
/// # Errors
/// A stable word for what is wrong with it.
pub fn description(text: &str) -> Result<Option<String>, &'static str> {
    prose::<500>(text)
}

/// Where visitors can write to, or nothing.
///
/// # Errors
/// A stable word for what is wrong with it.
pub fn contact(text: &str) -> Result<Option<Email>, &'static str> {
    match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|error: EmailError| error.code()),
    }
}

fn prose<const MAX: usize>(text: &str) -> Result<Option<String>, &'static str> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let parsed: Result<Prose<MAX>, TextError> = text.parse();
    parsed.map(|prose| Some(prose.as_str().to_owned())).map_err(TextError::text_code)
}
