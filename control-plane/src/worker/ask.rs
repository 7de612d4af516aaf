//! Giving a wish for a server to its cell.

use kube::ResourceExt as _;

use super::guard::{reach, refuse};
use super::wish::wish;
use super::{Run, Stop};
use crate::gateway::cluster::{Cluster, ClusterError};
use crate::platform::Platform;
use crate::seal::Seal;
use crate::store;
use crate::store::cell::{Cell, Refused};
use crate::store::instance::Instance;

/// Reads everything, gives the wish a new number and writes it to the cell. The number is taken, and noted as the one that
/// ends the operation, before anything is written: whatever is cut off, no number is used for two wishes.
///
/// # Errors
/// Why it could not be written. The step `ask` is repeated then, with the next number.
pub async fn ask(run: &mut Run<'_>) -> Result<(), Stop> {
    run.progress("ask", 0, "").await?;
    let instance = run.instance().await?;
    let (cell, cluster) = reach(run.platform, instance.cell).await?;
    let present = cluster.instance(instance.object_name.as_str()).await?;
    let mut tx = run.begin().await?;
    let locked = store::instance::lock(&mut tx, instance.id).await?;
    let instance = locked.ok_or_else(|| Stop::fail("no-instance", format!("there is no server {}", instance.id)))?;
    if let Some(at) = instance.purged_at {
        return Err(Stop::fail("purged", format!("its data were destroyed at {at}")));
    }
    if let Some(behind) = behind(&instance, present.as_ref()) {
        tx.rollback().await?;
        return Err(stop_cell(run.platform, &cell, &behind).await?);
    }
    let holds = store::hold::of_instance(&mut tx, instance.id).await?;
    let revision = store::instance::next_revision(&mut tx, instance.id).await?;
    run.set_revision(&mut tx, revision).await?;
    tx.commit().await?;
    let claim = recipient(run.platform, instance.claim_key_sealed.as_deref())?;
    let wish = wish(&instance, &holds, run.operation.course.kind, claim, revision, run.platform.now());
    match cluster.apply_instance(&wish).await {
        Ok(()) => Ok(()),
        Err(ClusterError::Behind(message)) => Err(overtaken(run, &cell, &*cluster, message).await?),
        Err(error) => Err(error.into()),
    }
}

/// Why a cell has a later wish than the one that was just to be written: because another worker has taken the operation up and
/// was faster, or because this database is older than the cell. The row tells: it is read after the object.
async fn overtaken(run: &Run<'_>, cell: &Cell, cluster: &dyn Cluster, message: String) -> Result<Stop, Stop> {
    let before = run.instance().await?;
    let present = cluster.instance(before.object_name.as_str()).await?;
    match behind(&run.instance().await?, present.as_ref()) {
        Some(behind) => stop_cell(run.platform, cell, &behind).await,
        None => Ok(Stop::retry("overtaken", message)),
    }
}

/// Whether the cell's object has a later number than our row: then this database was restored from before that.
fn behind(instance: &Instance, present: Option<&crd::Instance>) -> Option<String> {
    let present = present?;
    let theirs = present.spec.revision?;
    (theirs > instance.revision).then(|| {
        format!("{} has wish {theirs} there, and {} is the last one known here", present.name_any(), instance.revision)
    })
}

async fn stop_cell(platform: &Platform, cell: &Cell, message: &str) -> Result<Stop, Stop> {
    let mut database = platform.pool.acquire().await?;
    refuse(platform, &mut database, cell, Refused::DatabaseBehind, message).await?;
    Ok(Stop::person(Refused::DatabaseBehind.as_str(), message))
}

/// Whom a cell seals its answer to: the public half of a one-time key that waits sealed.
///
/// # Errors
/// When it cannot be opened.
pub fn recipient(platform: &Platform, sealed: Option<&[u8]>) -> Result<Option<String>, crate::seal::SealError> {
    let Some(sealed) = sealed else { return Ok(None) };
    let key = platform.seal.open_text(sealed)?;
    Ok(Some(Seal::parse(secrecy::ExposeSecret::expose_secret(&key))?.recipient()))
}

#[cfg(test)]
mod tests {
    use names::Revision;

    use super::super::wish::tests::instance;
    use super::*;

    #[test]
    fn a_later_wish_in_the_cell_means_an_older_database() {
        let ours = Instance { revision: Revision(4), ..instance() };
        let there = |revision| {
            wish(&ours, &[], domain::operation::Kind::ApplyInstance, None, Revision(revision), ours.created_at)
        };
        assert_eq!(behind(&ours, None), None);
        assert_eq!(behind(&ours, Some(&there(4))), None);
        assert!(behind(&ours, Some(&there(5))).unwrap().contains("wish 5"));
    }
}
