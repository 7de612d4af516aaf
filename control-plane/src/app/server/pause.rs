//! Pausing a server: a hold of its people's own, which lifts no other.

use domain::audit::Action;
use domain::hold::Authority;
use domain::id::{HoldId, InstanceId, OperationId};
use domain::operation::{Kind, Subject};
use domain::person::{Prose, TextError};
use domain::{Hold, HoldKind};

use super::{lock, note, told};
use crate::actor::Actor;
use crate::app::operation::begin;
use crate::app::tell;
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::store;
use crate::store::audit::Entry;

/// Stops a server until its people want it back. `reason` is theirs, for each other to read.
///
/// # Errors
/// `wrong-state` when it is paused already, or closed.
pub async fn pause(platform: &Platform, actor: &Actor, id: InstanceId, reason: String) -> Result<OperationId, Problem> {
    let mut tx = platform.begin().await?;
    let (instance, now) = (lock(&mut tx, id).await?, platform.now());
    let holds = store::hold::of_instance(&mut tx, id).await?;
    let paused = holds.iter().any(|hold| hold.kind == HoldKind::Customer && hold.is_in_force(now));
    if paused || instance.closing.is_some() || instance.ready_at.is_none() {
        return Err(Problem::new(Code::WrongState));
    }
    let hold =
        Hold::place(platform.id(HoldId::new)?, HoldKind::Customer, reason.clone(), Authority::Customer, now, None);
    let hold = hold.map_err(Problem::internal)?;
    store::hold::insert(&mut tx, id, &hold, actor.who).await?;
    let operation = begin(platform, &mut tx, actor, &instance, Kind::ApplyInstance, Subject::Instance(id)).await?;
    let entry = Entry { reason: Some(reason).filter(|text| !text.is_empty()), ..Entry::default() };
    note(platform, &mut tx, actor, &instance, Action::InstancePause, entry).await?;
    tell::owners(platform, &mut tx, instance.organization, told(platform, &instance, "paused")).await?;
    tx.commit().await?;
    Ok(operation)
}

/// Ends the pause. Holds of other kinds stay.
///
/// # Errors
/// `wrong-state` when there is none.
pub async fn resume(platform: &Platform, actor: &Actor, id: InstanceId) -> Result<OperationId, Problem> {
    let mut tx = platform.begin().await?;
    let (instance, now) = (lock(&mut tx, id).await?, platform.now());
    let mut lifted = false;
    for hold in store::hold::of_instance(&mut tx, id).await? {
        let hold_id = hold.id;
        // The domain says whose it is to lift.
        if hold.lift(Authority::Customer, now).is_ok() {
            store::hold::lift(&mut tx, hold_id, actor.who, now).await?;
            lifted = true;
        }
    }
    if !lifted {
        return Err(Problem::new(Code::WrongState));
    }
    let operation = begin(platform, &mut tx, actor, &instance, Kind::ApplyInstance, Subject::Instance(id)).await?;
    note(platform, &mut tx, actor, &instance, Action::InstanceResume, Entry::default()).await?;
    tell::owners(platform, &mut tx, instance.organization, told(platform, &instance, "resumed")).await?;
    tx.commit().await?;
    Ok(operation)
}

/// Why somebody pauses a server, as they wrote it; may be empty.
///
/// # Errors
/// A stable word for what is wrong with it.
pub fn reason(text: &str) -> Result<String, &'static str> {
    if text.trim().is_empty() {
        return Ok(String::new());
    }
    let parsed: Result<Prose<300>, TextError> = text.parse();
    parsed.map(|prose| prose.as_str().to_owned()).map_err(TextError::text_code)
}
