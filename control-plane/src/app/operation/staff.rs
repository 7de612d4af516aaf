//! What we do about operations: what was given up is tried again or laid aside, what goes on is given up.

use domain::audit::Action;
use domain::id::OperationId;
use domain::operation::{Kind, State};

use super::{announce, lock, note, retryable, revive};
use crate::actor::Actor;
use crate::app::order;
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::store;
use crate::store::operation::Operation;

/// Whether we can ask for another round of tries.
#[must_use]
pub fn may_retry(operation: &Operation) -> bool {
    matches!(operation.course.state, State::Failed { .. }) && retryable(operation.course.kind)
}

/// Whether we can give it up, or lay it aside when it was given up.
#[must_use]
pub fn may_cancel(platform: &Platform, operation: &Operation) -> bool {
    operation.course.clone().lay_aside(platform.now()).is_ok() || super::may_cancel(platform, operation)
}

/// Another round of tries. A server that could not be made is tried again with its order.
///
/// # Errors
/// `not-found`; `wrong-state` when it was not given up, or another try could not help.
pub async fn retry(platform: &Platform, actor: &Actor, id: OperationId) -> Result<(), Problem> {
    let mut tx = platform.begin().await?;
    let found = store::operation::find(&mut tx, id).await?.ok_or(Problem::new(Code::NotFound))?;
    if !may_retry(&found) {
        return Err(Problem::new(Code::WrongState));
    }
    if found.course.kind == Kind::CreateInstance {
        let instance = store::instance::find(&mut tx, found.subject.instance()).await?;
        if let Some(id) = instance.and_then(|instance| instance.order) {
            drop(tx);
            return order::retry(platform, actor, id).await;
        }
    }
    revive(platform, &mut tx, id).await?;
    note(platform, &mut tx, actor, &found, Action::OperationRetry).await?;
    Ok(tx.commit().await?)
}

/// Gives it up; what was given up is laid aside, so that it is not shown as failed any more.
///
/// # Errors
/// `not-found`; `wrong-state` when it has ended, or cannot be left half-way.
pub async fn cancel(platform: &Platform, actor: &Actor, id: OperationId) -> Result<(), Problem> {
    let mut tx = platform.begin().await?;
    let mut operation = lock(&mut tx, id).await?;
    if !matches!(operation.course.state, State::Failed { .. }) {
        drop(tx);
        return super::cancel(platform, actor, id).await;
    }
    let fence = operation.course.fence;
    let aside = operation.course.lay_aside(platform.now());
    operation.course = aside.map_err(|_| Problem::new(Code::WrongState))?;
    operation.finished_at = Some(platform.now());
    store::operation::save(&mut tx, &operation, fence, platform.now()).await?;
    announce(platform, &mut tx, &operation).await?;
    note(platform, &mut tx, actor, &operation, Action::OperationCancel).await?;
    Ok(tx.commit().await?)
}
