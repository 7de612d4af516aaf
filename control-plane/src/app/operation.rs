//! What is being done: asked for, tried again, given up.

pub mod staff;

use domain::Topic;
use domain::audit::Action;
use domain::id::OperationId;
use domain::operation::{Kind, State, Subject};
use serde_json::json;

use crate::actor::Actor;
use crate::error::{Code, Problem};
use crate::platform::{Platform, Tx};
use crate::store;
use crate::store::audit::Entry;
use crate::store::instance::Instance;
use crate::store::operation::Operation;
use crate::store::outbox::About;

/// Asks for something to be done to a server, and says so.
///
/// # Errors
/// When the database refuses.
pub async fn begin(
    platform: &Platform,
    tx: &mut Tx,
    actor: &Actor,
    instance: &Instance,
    kind: Kind,
    subject: Subject,
) -> Result<OperationId, Problem> {
    super::order::begin(platform, tx, actor, instance.organization, kind, subject).await
}

/// Does something again that was given up: the same operation goes on, so that none is left over as failed. Where there is
/// none, a new one begins.
///
/// # Errors
/// When the database refuses.
pub async fn again(
    platform: &Platform,
    tx: &mut Tx,
    actor: &Actor,
    subject: Subject,
    kind: Kind,
) -> Result<(), Problem> {
    let all = store::operation::of_instance(tx, subject.instance(), 20).await?;
    let failed = all.into_iter().find(|one| one.course.kind == kind && one.subject == subject);
    match failed.filter(|one| matches!(one.course.state, State::Failed { .. })) {
        Some(operation) => revive(platform, tx, operation.id).await,
        None => {
            let instance = store::instance::find(tx, subject.instance()).await?;
            let instance = instance.ok_or(Problem::new(Code::NotFound))?;
            begin(platform, tx, actor, &instance, kind, subject).await.map(drop)
        }
    }
}

async fn lock(tx: &mut Tx, id: OperationId) -> Result<Operation, Problem> {
    store::operation::lock(tx, id).await?.ok_or(Problem::new(Code::NotFound))
}

async fn revive(platform: &Platform, tx: &mut Tx, id: OperationId) -> Result<(), Problem> {
    let mut operation = lock(tx, id).await?;
    let fence = operation.course.fence;
    operation.course = operation.course.revive(platform.now()).map_err(|_| Problem::new(Code::WrongState))?;
    operation.finished_at = None;
    store::operation::save(tx, &operation, fence, platform.now()).await?;
    announce(platform, tx, &operation).await
}

async fn announce(platform: &Platform, tx: &mut Tx, operation: &Operation) -> Result<(), Problem> {
    let about = About {
        organization: operation.organization,
        instance: Some(operation.subject.instance()),
        operation: Some(operation.id),
    };
    let payload = json!({ "kind": operation.course.kind, "state": operation.course.state.as_str() });
    Ok(store::outbox::write(tx, platform.now(), Topic::Operation, about, payload).await?)
}

/// Whether customers can ask for another round of tries. A server that could not be made is tried again by its order.
#[must_use]
pub fn may_retry(operation: &Operation) -> bool {
    let by_order = operation.course.kind == Kind::CreateInstance;
    !by_order && matches!(operation.course.state, State::Failed { .. }) && retryable(operation.course.kind)
}

/// Whether another try of the same could help. The objects of bundles and account changes stay failed; a new one is asked for
/// instead.
const fn retryable(kind: Kind) -> bool {
    match kind {
        Kind::ApplyInstance | Kind::CloseInstance | Kind::ReopenInstance | Kind::CreateInstance => true,
        Kind::Export | Kind::AccountChange => false,
    }
}

/// Whether it can be given up.
#[must_use]
pub fn may_cancel(platform: &Platform, operation: &Operation) -> bool {
    !operation.course.cancel_asked
        && operation.course.kind.can_be_cancelled()
        && operation.course.clone().cancel(platform.now()).is_ok()
}

/// Another round of tries.
///
/// # Errors
/// `wrong-state` when it was not given up.
pub async fn retry(platform: &Platform, actor: &Actor, id: OperationId) -> Result<(), Problem> {
    let mut tx = platform.begin().await?;
    let operation = lock(&mut tx, id).await?;
    if !may_retry(&operation) {
        return Err(Problem::new(Code::WrongState));
    }
    revive(platform, &mut tx, id).await?;
    note(platform, &mut tx, actor, &operation, Action::OperationRetry).await?;
    Ok(tx.commit().await?)
}

/// Gives it up.
///
/// # Errors
/// `wrong-state` when it has ended, or cannot be left half-way.
pub async fn cancel(platform: &Platform, actor: &Actor, id: OperationId) -> Result<(), Problem> {
    let mut tx = platform.begin().await?;
    let mut operation = lock(&mut tx, id).await?;
    if !may_cancel(platform, &operation) {
        return Err(Problem::new(Code::WrongState));
    }
    let fence = operation.course.fence;
    operation.course = operation.course.cancel(platform.now()).map_err(|_| Problem::new(Code::WrongState))?;
    store::operation::save(&mut tx, &operation, fence, platform.now()).await?;
    announce(platform, &mut tx, &operation).await?;
    note(platform, &mut tx, actor, &operation, Action::OperationCancel).await?;
    Ok(tx.commit().await?)
}

async fn note(
    platform: &Platform,
    tx: &mut Tx,
    actor: &Actor,
    operation: &Operation,
    action: Action,
) -> Result<(), Problem> {
    let entry = Entry {
        organization: operation.organization,
        instance: Some(operation.subject.instance()),
        subject: Some(operation.id.to_string()),
        detail: json!({ "kind": operation.course.kind }),
        ..Entry::default()
    };
    Ok(store::audit::write(tx, platform.now(), actor, action, entry).await?)
}
