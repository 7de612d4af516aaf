//! Bundles: asked for, and their keys handed over. Taking them away is [`super::download`].

use domain::audit::Action;
use domain::id::{ExportId, InstanceId, OperationId};
use domain::limits::Bucket;
use domain::operation::{Kind, Subject};
use secrecy::SecretString;
use serde_json::json;

use super::operation::begin;
use super::server::{claim, lock, lock_any, note};
use super::throttle;
use crate::actor::Actor;
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::seal::Seal;
use crate::store;
use crate::store::audit::Entry;
use crate::store::export::{self, Export, Reason};
use crate::store::work::Phase;

/// Asks for a bundle, in whatever mode the server is. While one is being made no second one is asked for.
///
/// # Errors
/// `too-many`; `wrong-state` when one is being made or the server was never ready.
pub async fn start(platform: &Platform, actor: &Actor, id: InstanceId) -> Result<ExportId, Problem> {
    throttle::take(platform, Bucket::Export, &id.to_string()).await?;
    let mut tx = platform.begin().await?;
    let instance = lock(&mut tx, id).await?;
    if instance.ready_at.is_none() || store::operation::is_open(&mut tx, id, Kind::Export).await? {
        return Err(Problem::new(Code::WrongState));
    }
    let export = platform.id(ExportId::new)?;
    let subject = Subject::Export(id, export);
    let operation = begin(platform, &mut tx, actor, &instance, Kind::Export, subject).await?;
    let new = export::New {
        id: export,
        instance: id,
        operation,
        reason: Reason::Requested,
        recipient: instance.export_recipient.as_deref(),
        at: platform.now(),
    };
    export::insert(&mut tx, &new).await?;
    let entry = Entry { subject: Some(export.to_string()), ..Entry::default() };
    note(platform, &mut tx, actor, &instance, Action::ExportStart, entry).await?;
    tx.commit().await?;
    Ok(export)
}

/// How a bundle's key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// The bundle is encrypted to the customer's own key.
    Theirs,
    /// It can be asked for.
    Askable,
    /// It was asked for and is on its way.
    Asked,
    /// It is here and can be shown, once.
    Here,
}

impl Key {
    /// How the key of a bundle stands.
    #[must_use]
    pub const fn of(export: &Export) -> Self {
        match (&export.recipient, &export.claim_key_sealed, &export.claim_answer) {
            (Some(_), _, _) => Self::Theirs,
            (None, None, _) => Self::Askable,
            (None, Some(_), None) => Self::Asked,
            (None, Some(_), Some(_)) => Self::Here,
        }
    }
}

/// Whether a bundle is there to be taken.
#[must_use]
pub fn is_there(export: &Export) -> bool {
    export.phase == Phase::Succeeded && export.bundle.is_some() && export.expired_at.is_none()
}

/// Asks the cell for a bundle's own key, sealed to a one-time key of ours.
///
/// # Errors
/// `wrong-state` when there is no such bundle, or it is encrypted to the customer's key.
pub async fn ask_key(platform: &Platform, actor: &Actor, export: &Export) -> Result<OperationId, Problem> {
    let mut tx = platform.begin().await?;
    let instance = lock_any(&mut tx, export.instance).await?;
    if !is_there(export) || Key::of(export) == Key::Theirs {
        return Err(Problem::new(Code::WrongState));
    }
    let key = Seal::generate().seal_to(&platform.seal)?;
    export::ask_key(&mut tx, export.id, &key).await?;
    let subject = Subject::Export(export.instance, export.id);
    let operation = begin(platform, &mut tx, actor, &instance, Kind::Export, subject).await?;
    let entry =
        Entry { subject: Some(export.id.to_string()), detail: json!({ "step": "ask-key" }), ..Entry::default() };
    note(platform, &mut tx, actor, &instance, Action::ExportKey, entry).await?;
    tx.commit().await?;
    Ok(operation)
}

/// A bundle's own key, for the one time that it is shown. It can be asked for again.
///
/// # Errors
/// `shown-once`, or `wrong-state` when it is not here yet.
pub async fn show_key(platform: &Platform, actor: &Actor, export: &Export) -> Result<SecretString, Problem> {
    let mut tx = platform.begin().await?;
    let instance = lock_any(&mut tx, export.instance).await?;
    let Some((key, answer)) = export::take_key(&mut tx, export.id).await? else {
        return Err(Problem::new(if Key::of(export) == Key::Asked { Code::WrongState } else { Code::ShownOnce }));
    };
    let text = claim::open(platform, &key, &answer)?;
    let entry = Entry { subject: Some(export.id.to_string()), detail: json!({ "step": "shown" }), ..Entry::default() };
    note(platform, &mut tx, actor, &instance, Action::ExportKey, entry).await?;
    tx.commit().await?;
    Ok(text)
}
