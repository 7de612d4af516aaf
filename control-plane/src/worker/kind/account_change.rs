//! Adding, resetting or removing an account on a server. The object is named after the change: a repeat finds it, and the cell
//! makes one password for it.

use crd::{AccountChangeSpec, InstanceRef};
use domain::Topic;
use domain::operation::Subject;
use serde_json::json;

use super::super::ask::recipient;
use super::super::guard::reach;
use super::super::{Done, Run, Stop};
use crate::store;
use crate::store::account_change::AccountChange;
use crate::store::outbox::About;
use crate::store::work::Phase;

/// Asks for the change and waits until it is done and the password has come back.
///
/// # Errors
/// Why it is not done yet.
pub async fn run(run: &mut Run<'_>) -> Result<Done, Stop> {
    if run.operation.course.cancel_asked {
        return Err(Stop::GivenUp);
    }
    let change = find(run).await?;
    if change.object_uid.is_none() {
        run.progress("ask", 0, "").await?;
        create(run, &change).await?;
        run.progress("change", 0, "").await?;
    }
    let change = find(run).await?;
    match change.phase {
        Phase::Succeeded => {}
        // What was given up before the cell knew of it is asked for again.
        Phase::Failed if change.object_uid.is_some() => {
            let reason = if change.work.reason.is_empty() { "failed" } else { &change.work.reason };
            return Err(Stop::fail(reason, change.message.clone()));
        }
        Phase::Pending | Phase::Running | Phase::Failed => {
            run.progress("change", change.work.percent, &change.message).await?;
            return Err(Stop::news("cell-works", change.message.clone()));
        }
    }
    let mut tx = run.begin().await?;
    let about = About {
        organization: run.operation.organization,
        instance: Some(change.instance),
        operation: Some(run.operation.id),
    };
    let payload = json!({ "change": change.id, "phase": "succeeded" });
    store::outbox::write(&mut tx, run.platform.now(), Topic::AccountChange, about, payload).await?;
    run.done(tx).await
}

async fn find(run: &Run<'_>) -> Result<AccountChange, Stop> {
    let Subject::AccountChange(_, id) = run.operation.subject else {
        return Err(Stop::fail("corrupt", "it is about no account change"));
    };
    let mut connection = run.platform.pool.acquire().await?;
    let found = store::account_change::find(&mut connection, id).await?;
    found.ok_or_else(|| Stop::fail("no-change", format!("there is no account change {id}")))
}

async fn create(run: &Run<'_>, change: &AccountChange) -> Result<(), Stop> {
    let instance = run.instance().await?;
    let Some(uid) = instance.observed.uid.clone() else {
        return Err(Stop::news("instance-unseen", "the server has not been seen in its cell yet"));
    };
    let claim = recipient(run.platform, change.claim_key_sealed.as_deref())?;
    if change.action.makes_password() && claim.is_none() {
        return Err(Stop::fail("no-key", "the new password would have no way back"));
    }
    let (_, cluster) = reach(run.platform, instance.cell).await?;
    let spec = AccountChangeSpec {
        instance_ref: InstanceRef { name: instance.object_name.to_string(), uid },
        action: change.action.into(),
        handle: change.handle.clone(),
        claim,
    };
    Ok(cluster.create_account_change(&crd::AccountChange::new(&change.object_name, spec)).await?)
}
