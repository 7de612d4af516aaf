//! Closing a server, and taking that back.

use domain::audit::Action;
use domain::closing::Closing;
use domain::id::{InstanceId, OperationId};
use domain::operation::{Kind, Subject};
use jiff::SignedDuration;

use super::{lock, note, told};
use crate::actor::Actor;
use crate::app::operation::begin;
use crate::app::tell::{self, News};
use crate::error::{Code, Problem};
use crate::platform::Platform;
use crate::store;
use crate::store::audit::Entry;

/// How long a closing can be taken back here.
#[must_use]
pub fn undo(platform: &Platform) -> SignedDuration {
    SignedDuration::from_hours(i64::from(platform.config.undo_days) * 24)
}

/// Closes a server: it stops, its final bundle is made, and after a while its data may be destroyed. `typed` is its name, as
/// somebody who really means it types it.
///
/// # Errors
/// `invalid` when another name was typed; `wrong-state` when it is closed or was never there.
pub async fn close(platform: &Platform, actor: &Actor, id: InstanceId, typed: &str) -> Result<OperationId, Problem> {
    let mut tx = platform.begin().await?;
    let (instance, now) = (lock(&mut tx, id).await?, platform.now());
    if !typed.trim().eq_ignore_ascii_case(instance.hostname.as_str()) {
        return Err(Problem::field("typed", "typed-name"));
    }
    if instance.closing.is_some() || instance.ready_at.is_none() {
        return Err(Problem::new(Code::WrongState));
    }
    let closing = Closing::begin(now, undo(platform));
    store::instance::set_closing(&mut tx, id, Some(closing)).await?;
    let operation = begin(platform, &mut tx, actor, &instance, Kind::CloseInstance, Subject::Instance(id)).await?;
    note(platform, &mut tx, actor, &instance, Action::InstanceClose, Entry::default()).await?;
    let news = News { until: Some(closing.purge_after), ..told(platform, &instance, "closing") };
    tell::owners(platform, &mut tx, instance.organization, news).await?;
    tx.commit().await?;
    Ok(operation)
}

/// Takes a closing back.
///
/// # Errors
/// `wrong-state` when it is not closed, or was never ready; `not-found` when its data are gone.
pub async fn reopen(platform: &Platform, actor: &Actor, id: InstanceId) -> Result<OperationId, Problem> {
    let mut tx = platform.begin().await?;
    let instance = lock(&mut tx, id).await?;
    let closing = instance.closing.filter(|_| instance.ready_at.is_some()).ok_or(Problem::new(Code::WrongState))?;
    closing.may_reopen(instance.purged_at).map_err(|_| Problem::new(Code::WrongState))?;
    store::instance::set_closing(&mut tx, id, None).await?;
    let operation = begin(platform, &mut tx, actor, &instance, Kind::ReopenInstance, Subject::Instance(id)).await?;
    note(platform, &mut tx, actor, &instance, Action::InstanceReopen, Entry::default()).await?;
    tell::owners(platform, &mut tx, instance.organization, told(platform, &instance, "reopened")).await?;
    tx.commit().await?;
    Ok(operation)
}
