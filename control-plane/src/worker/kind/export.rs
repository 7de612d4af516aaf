//! Making a bundle, and asking for the key of one that is made. The object is named after the export: a repeat finds it and
//! waits on.

use crd::{ExportSpec, InstanceRef};
use domain::Topic;
use domain::id::ExportId;
use domain::operation::Subject;
use serde_json::json;

use super::super::ask::recipient;
use super::super::guard::reach;
use super::super::{Done, Run, Stop, tell};
use crate::store;
use crate::store::export::{Export, Reason};
use crate::store::instance::Instance;
use crate::store::outbox::About;
use crate::store::work::Phase;

/// Asks for the bundle, follows how it goes, and then gets its key if somebody waits for that.
///
/// # Errors
/// Why it is not done yet.
pub async fn run(run: &mut Run<'_>) -> Result<Done, Stop> {
    if run.operation.course.cancel_asked {
        return Err(Stop::GivenUp);
    }
    let Subject::Export(_, id) = run.operation.subject else {
        return Err(Stop::fail("corrupt", "it is about no export"));
    };
    let export = made(run, id).await?;
    if export.claim_key_sealed.is_some() && export.claim_answer.is_none() {
        return Err(ask_key(run, &export).await?);
    }
    let instance = run.instance().await?;
    let mut tx = run.begin().await?;
    // Another operation only asked for its key.
    let made_here = export.operation == Some(run.operation.id);
    if made_here && export.reason == Reason::Requested {
        tell::of_bundle(run.platform, &mut tx, &run.operation, &instance).await?;
    }
    let about = About {
        organization: Some(instance.organization),
        instance: Some(instance.id),
        operation: Some(run.operation.id),
    };
    store::outbox::write(
        &mut tx,
        run.platform.now(),
        Topic::Export,
        about,
        json!({ "export": id, "phase": "succeeded" }),
    )
    .await?;
    run.done(tx).await
}

/// A bundle that is complete.
///
/// # Errors
/// Why it is not: it has not been asked for, it is being made, or it failed.
pub async fn made(run: &mut Run<'_>, id: ExportId) -> Result<Export, Stop> {
    let export = find(run, id).await?;
    if export.object_uid.is_none() {
        run.progress("ask", 0, "").await?;
        let instance = run.instance().await?;
        create(run, &instance, &export).await?;
        run.progress("stop", 0, "").await?;
    }
    // It may have been seen while it was asked for.
    let export = find(run, id).await?;
    follow(run, &export).await?;
    Ok(export)
}

async fn find(run: &Run<'_>, id: ExportId) -> Result<Export, Stop> {
    let mut connection = run.platform.pool.acquire().await?;
    let found = store::export::find(&mut connection, id).await?;
    found.ok_or_else(|| Stop::fail("no-export", format!("there is no export {id}")))
}

async fn create(run: &Run<'_>, instance: &Instance, export: &Export) -> Result<(), Stop> {
    let Some(uid) = instance.observed.uid.clone() else {
        return Err(Stop::news("instance-unseen", "the server has not been seen in its cell yet"));
    };
    let (_, cluster) = reach(run.platform, instance.cell).await?;
    let spec = ExportSpec {
        instance_ref: InstanceRef { name: instance.object_name.to_string(), uid },
        reason: export.reason.into(),
        recipient: export.recipient.clone(),
        key_claim: recipient(run.platform, export.claim_key_sealed.as_deref())?,
    };
    Ok(cluster.create_export(&crd::Export::new(&export.object_name, spec)).await?)
}

/// Shows how a bundle goes, and goes on when it is complete.
async fn follow(run: &mut Run<'_>, export: &Export) -> Result<(), Stop> {
    match export.phase {
        Phase::Succeeded => Ok(()),
        // What was given up before the cell knew of it is asked for again.
        Phase::Failed if export.object_uid.is_some() => {
            let reason = if export.work.reason.is_empty() { "failed" } else { &export.work.reason };
            Err(Stop::fail(reason, export.message.clone()))
        }
        Phase::Pending | Phase::Running | Phase::Failed => {
            let (step, of_step) = place(&export.work);
            run.progress(step, of_step, &export.message).await?;
            Err(Stop::news("cell-works", export.message.clone()))
        }
    }
}

/// The step of ours that a step of the cell's belongs to, and how much of it is done.
#[must_use]
pub fn place(work: &crd::WorkStatus) -> (&'static str, u8) {
    match work.step.as_str() {
        "Copying" => ("copy", work.percent),
        "Signing" => ("sign", 0),
        _ => ("stop", 0),
    }
}

/// Passes the question for a bundle's own key on. The answer comes back by the observer.
async fn ask_key(run: &mut Run<'_>, export: &Export) -> Result<Stop, Stop> {
    let Some(recipient) = recipient(run.platform, export.claim_key_sealed.as_deref())? else {
        return Err(Stop::retry("key", "the question is gone"));
    };
    let instance = run.instance().await?;
    let (_, cluster) = reach(run.platform, instance.cell).await?;
    cluster.claim_key(&export.object_name, &recipient).await?;
    Ok(Stop::news("key", "the cell has been asked for the bundle's key"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_it_is() {
        let at = |step: &str, percent| {
            place(&crd::WorkStatus { step: step.to_owned(), percent, ..crd::WorkStatus::default() })
        };
        assert_eq!(at("", 0), ("stop", 0));
        assert_eq!(at("Stopping", 3), ("stop", 0));
        assert_eq!(at("Copying", 40), ("copy", 40));
        assert_eq!(at("Signing", 99), ("sign", 0));
    }
}
