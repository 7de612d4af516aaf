//! The last bundle of a server that is being closed.

use domain::id::ExportId;
use jiff::Timestamp;

use super::super::{Run, Stop};
use crate::store;
use crate::store::export::{Export, New, Reason};
use crate::store::instance::Instance;
use crate::store::work::Phase;

/// The final bundle that a closing makes: the one it has begun, or a new row. One that failed is made anew when the closing is
/// tried again from its start.
pub(super) async fn row(run: &mut Run<'_>, instance: &Instance) -> Result<ExportId, Stop> {
    let mut tx = run.begin().await?;
    let found = store::export::of_operation(&mut tx, run.operation.id).await?;
    if let Some(found) = found.filter(|found| goes_on(found, run.operation.course.step.as_str())) {
        return Ok(found.id);
    }
    let id = run.platform.id(ExportId::new)?;
    let at: Timestamp = run.platform.now();
    let new = New {
        id,
        instance: instance.id,
        operation: run.operation.id,
        reason: Reason::Final,
        recipient: instance.export_recipient.as_deref(),
        at,
    };
    store::export::insert(&mut tx, &new).await?;
    tx.commit().await?;
    Ok(id)
}

fn goes_on(export: &Export, step: &str) -> bool {
    export.phase != Phase::Failed || !matches!(step, "" | "ask" | "stop")
}
